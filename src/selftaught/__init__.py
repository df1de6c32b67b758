"""selftaught: STOP, the Self-Taught Optimizer (arXiv 2310.02304), with generated code contained.

The names listed in `__all__` are the stable interface; everything else is private. They are loaded
when they are first used, so that `selftaught --help` does not wait for numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selftaught.core.budget import Budget, ImproverLimits
    from selftaught.core.outcome import Failed, Scored
    from selftaught.core.task import (
        Measure,
        ProgramFailed,
        SandboxedProgram,
        Task,
        per_instance,
    )

__version__ = "0.1.0"

_HOMES = {
    "Budget": "selftaught.core.budget",
    "ImproverLimits": "selftaught.core.budget",
    "Failed": "selftaught.core.outcome",
    "Scored": "selftaught.core.outcome",
    "Measure": "selftaught.core.task",
    "ProgramFailed": "selftaught.core.task",
    "SandboxedProgram": "selftaught.core.task",
    "Task": "selftaught.core.task",
    "per_instance": "selftaught.core.task",
}

__all__ = [
    "Budget",
    "Failed",
    "ImproverLimits",
    "Measure",
    "ProgramFailed",
    "SandboxedProgram",
    "Scored",
    "Task",
    "per_instance",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
