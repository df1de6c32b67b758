"""selftaught: STOP, the Self-Taught Optimizer (arXiv 2310.02304), with generated code contained.

The names listed in `__all__` are the stable interface; everything else is private. They are loaded
when they are first used, so that `selftaught --help` does not wait for numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selftaught.analysis.reward_findings import Finding as Finding
    from selftaught.app.api import improve as improve
    from selftaught.app.api import improve_async as improve_async
    from selftaught.app.api import score as score
    from selftaught.app.api import score_async as score_async
    from selftaught.app.api import self_improve as self_improve
    from selftaught.app.api import self_improve_async as self_improve_async
    from selftaught.app.discovery import load_task as load_task
    from selftaught.app.results import ImproveResult as ImproveResult
    from selftaught.app.results import SelfImproveResult as SelfImproveResult
    from selftaught.app.results import Stopped as Stopped
    from selftaught.core.budget import Budget as Budget
    from selftaught.core.budget import ImproverLimits as ImproverLimits
    from selftaught.core.examples import examples as examples
    from selftaught.core.language_model import Prompt as Prompt
    from selftaught.core.outcome import Failed as Failed
    from selftaught.core.outcome import Scored as Scored
    from selftaught.core.progress import Progress as Progress
    from selftaught.core.task import Measure as Measure
    from selftaught.core.task import ProgramFailed as ProgramFailed
    from selftaught.core.task import Reference as Reference
    from selftaught.core.task import SandboxedProgram as SandboxedProgram
    from selftaught.core.task import Task as Task
    from selftaught.core.task import per_instance as per_instance
    from selftaught.core.utility import stages as stages
    from selftaught.evaluators.gepa import from_gepa as from_gepa
    from selftaught.evaluators.openevolve import from_openevolve as from_openevolve

__version__ = "0.1.0"

_HOMES = {
    name: home
    for home, names in {
        "selftaught.analysis.reward_findings": "Finding",
        "selftaught.app.api": (
            "improve improve_async score score_async self_improve self_improve_async"
        ),
        "selftaught.app.discovery": "load_task",
        "selftaught.app.results": "ImproveResult SelfImproveResult Stopped",
        "selftaught.core.budget": "Budget ImproverLimits",
        "selftaught.core.examples": "examples",
        "selftaught.core.language_model": "Prompt",
        "selftaught.core.outcome": "Failed Scored",
        "selftaught.core.progress": "Progress",
        "selftaught.core.task": (
            "Measure ProgramFailed Reference SandboxedProgram Task per_instance"
        ),
        "selftaught.core.utility": "stages",
        "selftaught.evaluators.gepa": "from_gepa",
        "selftaught.evaluators.openevolve": "from_openevolve",
    }.items()
    for name in names.split()
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
