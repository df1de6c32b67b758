"""All studies that are installed: entry points, our own as those of others.

The only list of them is that of `pyproject.toml`. Help pages read it, so nothing heavy is imported.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from selftaught import __version__
from selftaught.core.errors import ConfigError
from selftaught.studies.study import Study

if TYPE_CHECKING:
    from selftaught.journal.events import EventRecord

_GROUP = "selftaught.studies"


@cache
def studies() -> dict[str, Study[Any]]:
    """By their names in journals; ours first. Raises: ConfigError if one cannot be loaded."""
    points = metadata.entry_points(group=_GROUP)
    ours_first = sorted(points, key=lambda one: (not one.value.startswith("selftaught."), one.name))
    return {point.name: _loaded(point) for point in ours_first}


def find_study(name: str) -> Study[Any]:
    """Raises: ConfigError if none is installed by this name."""
    found = studies().get(name)
    if found is None:
        raise ConfigError(
            f"{name!r} is a study that selftaught {__version__} does not know: there are "
            f"{', '.join(studies())}"
        )
    return found


def own_kinds() -> tuple[type[EventRecord], ...]:
    """The kinds of events that studies alone write."""
    return tuple(kind for study in studies().values() for kind in study.events())


def _loaded(point: metadata.EntryPoint) -> Study[Any]:
    try:
        study: Study[Any] = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"study {point.name!r} ({point.value}) cannot be loaded: {error}"
        ) from error
    return study
