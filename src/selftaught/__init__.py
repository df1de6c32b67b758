"""selftaught: STOP, the Self-Taught Optimizer (arXiv 2310.02304), with generated code contained.

The names listed in `__all__` are the stable interface; everything else is private. They are loaded
when they are first used, so that `selftaught --help` does not wait for numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selftaught.analysis.reward_findings import Finding
    from selftaught.app.api import (
        improve,
        improve_async,
        score,
        score_async,
        self_improve,
        self_improve_async,
    )
    from selftaught.app.discovery import load_task
    from selftaught.app.results import ImproveResult, SelfImproveResult, Stopped
    from selftaught.core.budget import Budget, ImproverLimits
    from selftaught.core.examples import examples
    from selftaught.core.language_model import Prompt
    from selftaught.core.outcome import Failed, Scored
    from selftaught.core.progress import Progress
    from selftaught.core.task import (
        Measure,
        ProgramFailed,
        Reference,
        SandboxedProgram,
        Task,
        per_instance,
    )

__version__ = "0.1.0"

_API = "selftaught.app.api"
_RESULTS = "selftaught.app.results"
_HOMES = {
    "ImproveResult": _RESULTS,
    "SelfImproveResult": _RESULTS,
    "examples": "selftaught.core.examples",
    "Stopped": _RESULTS,
    "improve": _API,
    "improve_async": _API,
    "load_task": "selftaught.app.discovery",
    "score": _API,
    "score_async": _API,
    "self_improve": _API,
    "self_improve_async": _API,
    "Budget": "selftaught.core.budget",
    "ImproverLimits": "selftaught.core.budget",
    "Finding": "selftaught.analysis.reward_findings",
    "Failed": "selftaught.core.outcome",
    "Scored": "selftaught.core.outcome",
    "Progress": "selftaught.core.progress",
    "Prompt": "selftaught.core.language_model",
    "Measure": "selftaught.core.task",
    "ProgramFailed": "selftaught.core.task",
    "Reference": "selftaught.core.task",
    "SandboxedProgram": "selftaught.core.task",
    "Task": "selftaught.core.task",
    "per_instance": "selftaught.core.task",
}

__all__ = [
    "Budget",
    "Failed",
    "Finding",
    "ImproveResult",
    "ImproverLimits",
    "Measure",
    "ProgramFailed",
    "Progress",
    "Prompt",
    "Reference",
    "SandboxedProgram",
    "Scored",
    "SelfImproveResult",
    "Stopped",
    "Task",
    "examples",
    "improve",
    "improve_async",
    "load_task",
    "per_instance",
    "score",
    "score_async",
    "self_improve",
    "self_improve_async",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
