"""An improver, restarted until it has drawn so many samples: what it makes of a larger budget."""

from __future__ import annotations

from collections.abc import Callable

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.budget import ImproverLimits
from selftaught.core.errors import CUT_SHORT, Enough
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import QueriedUtility
from selftaught.journal.events import InvocationEnd


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


async def run_equally(
    context: RunContext,
    improver: Program,
    u: QueriedUtility,
    s: Program,
    samples: int,
    limits_of: Callable[[int, int], ImproverLimits],
    so_far: Callable[[], RecordedRun],
    *,
    is_traced: bool = False,
) -> list[tuple[str, Program | Failed]]:
    """Improver runs on `s`, one after another, each with what those before it left of the samples
    and of one scoring more than those.

    Args:
        limits_of: of a run, by the samples and the scorings that are left.
        so_far: what the journal holds.
    Returns: of each its key and what it came to.
    Raises: Enough where the budget gave one fewer responses than it asked for.
    """
    found: list[tuple[str, Program | Failed]] = []
    uses = samples + 1
    while samples > 0 and uses > 0:
        limits = limits_of(samples, uses)
        again = SandboxedImprover(
            context, improver, "restart", samples, limits, is_traced=is_traced
        )
        key = again.next_key(u, s)
        result, usage = await again.run(u, s, key)
        found.append((key, result))
        end = so_far().last(InvocationEnd, key)
        if end is not None and end.short:  # else it would seem to have had all
            raise Enough(CUT_SHORT)
        used = 0 if end is None else end.utility_uses
        if not usage.samples and not used:
            break  # it does nothing, and would not do anything else
        samples -= max(1, usage.samples)  # one that draws nothing comes to an end, too
        uses -= used
    return found
