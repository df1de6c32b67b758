"""An improver, restarted until it has drawn so many samples: what it makes of a larger budget."""

from __future__ import annotations

from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import QueriedUtility


async def restarted(
    context: RunContext, improver: Program, u: QueriedUtility, s: Program, samples: int
) -> tuple[Program | None, int]:
    """Run the improver on `s` again and again, one run after the other.

    Returns: the best by search of all that was returned, of equals the first, or None if every run
        failed; and the samples that were drawn in all.

    Args:
        samples: that all runs together may draw; with less than 1 there is one run with 1.
    Raises: BudgetExceeded of the run; InfrastructureError; UtilityError.
    """
    left, drawn = max(1, samples), 0
    found: list[tuple[float, Program]] = []
    while left > 0:
        again = SandboxedImprover(context, improver, "restart", samples_cap=left)
        result, usage = await again.run(u, s)
        if not isinstance(result, Failed):
            found.append((await u(result), result))
        drawn += usage.samples
        left -= max(1, usage.samples)  # one that draws nothing comes to an end, too
    best = max(found, key=lambda pair: pair[0])[1] if found else None
    return best, drawn
