"""Run the core's work with progress on stderr, and stop it cleanly."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from selftaught.app import core_thread
from selftaught.app.in_python import kept
from selftaught.app.progress import shown
from selftaught.app.tally import Tally
from selftaught.cli.edge import DONE, FAILED, Stopped
from selftaught.cli.terminal import stderr
from selftaught.core.prints import printed_on_stderr
from selftaught.core.progress import Listener
from selftaught.studies.next_command import next_command
from selftaught.studies.study import Study

Work = Callable[[Listener], Coroutine[Any, Any, dict[str, Any]]]


def execute(work: Work, store: str, *, as_json: bool) -> dict[str, Any]:
    """The work's result.

    Args:
        as_json: the result will not be shown in words.
    Raises: Stopped on Ctrl-C or a signal, when everything is put away; and what the work raises.
    """
    tally = Tally()
    summary_follows = not as_json and sys.stdout.isatty()
    # What was imported lives as long as the process: looking through it again and again, as the
    # collector would, holds the core's loop for a tenth of a second each time.
    gc.freeze()
    try:
        with printed_on_stderr(), shown(tally, stderr(), transient=summary_follows) as listener:
            return core_thread.run(work(listener))
    except KeyboardInterrupt as error:
        said = kept(tally, lambda run_id: next_command("resume", run_id, store))
        raise Stopped(said, error, tally.run_id) from None


def show_study(
    study: Study[Any],
    work: Work,
    store: str,
    *,
    as_json: bool,
    write: Callable[[Mapping[str, Any]], None] = lambda result: None,
) -> int:
    """Do a study's work, show its result, and what stands of it if it is stopped; the exit code.

    Raises: as `execute`.
    """
    from selftaught.app.pages import end_page
    from selftaught.app.series import so_far
    from selftaught.cli.terminal import print_json, print_page

    def show(result: dict[str, Any]) -> None:
        print_json(result) if as_json else print_page(end_page(study, result, store))
        write(result)

    try:
        result = execute(work, store, as_json=as_json)
    except Stopped as stopped:
        stands = None if stopped.run_id is None else so_far(store, stopped.run_id)
        if stands is not None:
            show(stands)
        raise
    show(result)
    return FAILED if study.alarming(result) else DONE
