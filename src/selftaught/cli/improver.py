"""`--improver` as a name, a file, or a run whose best improver is meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from selftaught.analysis.run_view import view_run
from selftaught.app.common_config import CommonConfig
from selftaught.app.discovery import improver_names, load_improver
from selftaught.core.errors import ConfigError
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.journal.reader import open_reader

C = TypeVar("C", bound=CommonConfig)


def find_improver(config: C) -> tuple[C, Program]:
    """The improver, and the configuration with a run's full id where a run was meant.

    Raises: ConfigError if it is neither a name, nor a file, nor a run.
    """
    if config.improver in improver_names() or Path(config.improver).is_file():
        return config, load_improver(config.improver)
    run_id, source = _best_improver(config.improver, config.store)
    return replace(config, improver=run_id), Program(source, IMPROVER_ENTRY)


def _best_improver(run: str, store: str) -> tuple[str, str]:
    """(run id, source) of the best improver of a run."""
    try:
        with open_reader(store) as reader:
            view = view_run(reader, reader.resolve_run(run))
    except ConfigError as error:
        names = ", ".join(improver_names())
        raise ConfigError(
            f"unknown improver {run!r}: it is no name ({names}), no file, and no run ({error})"
        ) from None
    if view.head.command != "run" or view.best is None or view.best.source is None:
        raise ConfigError(f"run {view.head.run_id} has no improver to begin with")
    return view.head.run_id, view.best.source
