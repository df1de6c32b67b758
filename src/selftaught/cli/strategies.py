"""`selftaught strategies`: which search strategies the improvers of a run use."""

from __future__ import annotations

from typing import Any

from selftaught.cli.edge import DONE
from selftaught.cli.options import given_settings, option
from selftaught.cli.study_command import study_command
from selftaught.core.errors import ConfigError
from selftaught.studies.registry import find_study
from selftaught.studies.study import Study

_READING = {"store"}  # settings that reading needs, too


def strategies_command() -> Any:
    """The judge's command, which without a judge reads, and spends nothing."""
    study: Study[Any] = find_study("strategies")
    command = study_command(study, "strategies")
    judge = command.callback
    assert judge is not None

    def callback(diff: bool, **values: Any) -> Any:
        given = given_settings(study.config, values)
        if given.get("model"):
            if diff:
                raise ConfigError("--diff shows what reading finds: leave it out, or --judge")
            return judge(**values)
        if needless := sorted(given.keys() - _READING):
            raise ConfigError(f"without --judge no model is asked: leave out {needless[0]!r}")
        return _read(values["origin"], given, with_diff=diff, as_json=values["as_json"])

    command.callback = callback
    diff = "Show what each proposal changed in the improver before it; without --judge."
    return option("--diff", is_flag=True, help=diff)(command)


def _read(run: str, given: dict[str, Any], *, with_diff: bool, as_json: bool) -> int:
    from selftaught.analysis.strategies.page import strategies_blocks
    from selftaught.app import core_thread
    from selftaught.app.strategies import find_strategies
    from selftaught.cli.terminal import paged, print_json, reading
    from selftaught.pages.terminal import draw
    from selftaught.studies.common_config import DEFAULT_STORE

    store = given.get("store", DEFAULT_STORE)
    with reading(store):
        found = core_thread.run(find_strategies(store, run, with_diff=with_diff))
    if as_json:
        print_json(found)
        return DONE
    with paged() as console:
        draw(console, strategies_blocks(found))
    return DONE
