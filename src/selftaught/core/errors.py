"""The errors of our own. What goes wrong in a guest is a value, never one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from selftaught.core.text import clean


class SelfTaughtError(Exception):
    """The root of every error that this package raises on purpose.

    Each can be sent from process to process: by default Python would call its `__init__` with the
    message alone.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.args), self.__dict__


def _again(kind: type[SelfTaughtError], args: tuple[Any, ...]) -> SelfTaughtError:
    return kind.__new__(kind, *args)


class ConfigError(SelfTaughtError):
    """Wrong input or configuration: the message says what, where, and what to do (exit 2)."""


class InfrastructureError(SelfTaughtError):
    """A failure of ours, of the model's provider or of the machine. Never turned into a score."""

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


FailureOfRequest = Literal["limited", "fault", "adjusted", "prompt", "rejected"]


class ModelFailure(InfrastructureError):
    """One request to a model's provider that brought no answer.

    Attributes:
        kind: limited (too many requests: ask again later), fault (one that may pass), adjusted (a
            parameter was refused, and is not sent again: ask again at once), prompt (this prompt
            is refused, others may not be), rejected (no request of this kind will be answered: the
            key, the model's name, its arguments).
        maybe_billed: whether the provider may have made an answer, and so may bill it.
        retry_after_s: seconds that the provider asks to wait, or None.
        status: of the HTTP response, or None where there was none.
        notice: what users should know, said once: what was found out about the model; or empty.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: FailureOfRequest,
        maybe_billed: bool = False,
        retry_after_s: float | None = None,
        status: int | None = None,
        notice: str = "",
    ) -> None:
        super().__init__(clean(message), retryable=kind in ("limited", "fault", "adjusted"))
        self.kind: FailureOfRequest = kind
        self.maybe_billed = maybe_billed
        self.retry_after_s = retry_after_s
        self.status = status
        self.notice = clean(notice)


class BudgetExceeded(SelfTaughtError):
    """A reservation that would pass a limit; nothing was spent by it."""

    def __init__(
        self, resource: str, used: float, limit: float, scope: str, *, held: float = 0
    ) -> None:
        """`held`: how much of the limit is kept for the end."""
        kept = f", and {held:g} are kept for the end" if held else ""
        super().__init__(
            f"the {scope}'s budget of {resource} is spent: {used:g} of {limit:g}{kept}"
        )
        self.resource = resource
        self.used = used
        self.limit = limit
        self.scope = scope


CUT_SHORT = "the budget gave an improver fewer responses than it asked for"


class Enough(BudgetExceeded):
    """Nothing more is to be asked for: what was sought is there."""

    def __init__(self, why: str) -> None:
        super().__init__("search", 0, 0, "run")
        self.args = (why,)


class JournalEnds(BudgetExceeded):
    """A replay that needs what its journal does not hold: there the run was cut.

    A guest that needs such a thing, and yet has ended in the journal, has diverged: it asks for
    something else than it did.
    """

    def __init__(self, what: str) -> None:
        super().__init__("journal", 0, 0, "run")
        self.args = (f"the journal ends here: it {what}",)
        self.what = what


@dataclass(frozen=True, slots=True)
class TierProbe:
    """What probing one sandbox tier found.

    Attributes:
        usable: whether an honest program ran and a hostile one was stopped in it.
        detail: what works, or the exact error of what failed.
    """

    tier: str
    usable: bool
    detail: str


class SandboxUnavailable(SelfTaughtError):
    """No tier of the sandbox works on this machine (exit 4). There is no unsandboxed mode."""

    def __init__(self, probes: tuple[TierProbe, ...]) -> None:
        tried = "\n".join(f"  {probe.tier}: {probe.detail}" for probe in probes)
        super().__init__(
            "no sandbox works on this machine. Tried:\n"
            f"{tried}\n"
            "Generated programs are untrusted, and there is no unsandboxed mode.\n"
            "On Linux: install bubblewrap (apt install bubblewrap, dnf install bubblewrap); "
            "on Ubuntu 24.04 also allow it user namespaces with an AppArmor profile; "
            "in a container allow seccomp filters.\n"
            "On macOS and Windows: run selftaught in a Linux virtual machine or container."
        )
        self.probes = probes
