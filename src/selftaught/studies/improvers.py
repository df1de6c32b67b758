"""The improvers that are shipped, and those of files; read as text, and never imported."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from selftaught.core.errors import ConfigError
from selftaught.core.program import IMPROVER_ENTRY, Program

if TYPE_CHECKING:
    from selftaught.analysis.recorded_run import RecordedRun
    from selftaught.core.task import Task


def improver_names() -> list[str]:
    """Names of the improvers that are shipped."""
    folder = resources.files("selftaught") / "improvers"
    return sorted(item.name.removesuffix(".py") for item in folder.iterdir() if item.is_file())


def own_program(name: str) -> Program:
    """An improver that a study brings for itself."""
    folder = resources.files("selftaught.studies") / "guest_programs"
    return Program((folder / f"{name}.py").read_text(encoding="utf-8"), IMPROVER_ENTRY)


def load_improver(name_or_path: str | Path) -> Program:
    """An improver by its name, or the text of a file. It is read, and never imported.

    Raises: ConfigError if there is none.
    """
    text = str(name_or_path)
    if text in improver_names():
        source = resources.files("selftaught") / "improvers" / f"{text}.py"
        return Program(source.read_text(encoding="utf-8"), IMPROVER_ENTRY)
    path = Path(text)
    if not path.is_file():
        raise ConfigError(
            f"unknown improver {text!r}: there are {', '.join(improver_names())}, or give a file.py"
        )
    try:
        return Program(path.read_text(encoding="utf-8-sig"), IMPROVER_ENTRY)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the improver {path}: {error}") from None


def fitting(improver: Program, tasks: Sequence[Task]) -> Program:
    """The improver for these tasks: of texts `evolve` asks otherwise, and else does the same."""
    if any(task.kind == "text" for task in tasks) and improver == load_improver("evolve"):
        return Program(f"{improver.source}\n\n{own_program('evolve_texts').source}", IMPROVER_ENTRY)
    return improver


def check_starts(improver: Program, run: RecordedRun) -> None:
    """That an improver does anything at all, after its first runs.

    Raises: ImproverFailed if all of them failed before they asked the model anything. Runs of older
    versions went on.
    """
    from selftaught.analysis.recorded_run import latest
    from selftaught.journal.events import Invocation, InvocationEnd
    from selftaught.studies.next_command import next_command
    from selftaught.studies.study import ImproverFailed

    begun = {
        key for key, one in latest(run.events, Invocation).items() if one.improver == improver.id
    }
    ends = [one for key, one in latest(run.events, InvocationEnd).items() if key in begun]
    if not run.head.start.bounded or any(one.program or one.usage.lm_calls for one in ends):
        return
    for one in ends[:1]:
        raise ImproverFailed(
            f"the improver fails before it asks the model anything ({one.outcome}: "
            f"{one.detail.partition(chr(10))[0]}); mend it, see "
            f"{next_command('show', run.run_id, run.head.config['store'])} --trace"
        )
