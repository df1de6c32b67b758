"""`--improver` as a name, a file, or a run whose best improver is meant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from selftaught.analysis.run_view import view_run
from selftaught.app.config import CommonConfig
from selftaught.app.discovery import improver_names
from selftaught.core.errors import ConfigError
from selftaught.store.reader import open_reader

C = TypeVar("C", bound=CommonConfig)


@contextmanager
def improver_file(config: C) -> Iterator[C]:
    """The configuration with an improver that is a name or a file, also where it was a run.

    Raises: ConfigError if it is none of the three.
    """
    if config.improver in improver_names() or Path(config.improver).is_file():
        yield config
        return
    run_id, source = _best_improver(config.improver, config.store)
    with tempfile.TemporaryDirectory(prefix="selftaught-") as folder:
        path = Path(folder) / f"best_of_{run_id}.py"
        path.write_text(source, encoding="utf-8", errors="surrogatepass")
        yield config.model_copy(update={"improver": str(path)})


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
