"""All studies that are installed: entry points, our own as those of others.

The only list of them is that of `pyproject.toml`. Help pages read it, so nothing heavy is imported.
One of others that cannot be used takes nothing else down: it is left out, and told where it is
asked for, and by `doctor`.
"""

from __future__ import annotations

from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from selftaught import __version__
from selftaught.core.errors import ConfigError
from selftaught.studies.study import Study

if TYPE_CHECKING:
    from selftaught.journal.record import EventRecord

_GROUP = "selftaught.studies"


def studies() -> dict[str, Study[Any]]:
    """By their names in journals; ours first."""
    return _installed()[0]


def unusable() -> dict[str, str]:
    """What is wrong with each of the others, by the names of their entry points."""
    return _installed()[1]


def find_study(name: str) -> Study[Any]:
    """Raises: ConfigError if none is installed by this name, or it cannot be used."""
    found = studies().get(name)
    if found is None and name in unusable():
        raise ConfigError(unusable()[name])
    if found is None:
        raise ConfigError(
            f"{name!r} is a study that selftaught {__version__} does not know: there are "
            f"{', '.join(studies())}"
        )
    return found


def own_kinds() -> tuple[type[EventRecord], ...]:
    """The kinds of events that studies alone write."""
    return tuple(kind for study in studies().values() for kind in study.events())


@cache
def _installed() -> tuple[dict[str, Study[Any]], dict[str, str]]:
    found: dict[str, Study[Any]] = {}
    wrong: dict[str, str] = {}
    points = metadata.entry_points(group=_GROUP)
    for point in sorted(points, key=lambda one: (not _is_ours(one), one.name)):
        what = f"study {point.name!r} ({point.value})"
        if point.name in found:
            wrong[point.value] = f"{what} has the name of another"
            continue
        try:
            study = point.load()
        # Others' code runs here: whatever it raises, all that is not theirs goes on.
        except (Exception, SystemExit) as error:
            if _is_ours(point):
                raise
            wrong[point.name] = f"{what} cannot be loaded: {type(error).__name__}: {error}"
            continue
        if not isinstance(study, Study):
            wrong[point.name] = f"{what} is no Study, but {study!r:.60}"
        elif study.name != point.name:
            wrong[point.name] = f"{what} has a configuration whose command is {study.name!r}"
        else:
            found[point.name] = study
    return found, wrong


def _is_ours(point: metadata.EntryPoint) -> bool:
    return point.value.startswith("selftaught.")
