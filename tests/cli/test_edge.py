"""The edge: every kind of error has its exit code, and a traceback only where it is asked for."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import click
import pytest

from selftaught.cli import edge
from selftaught.core.errors import (
    BudgetExceeded,
    ConfigError,
    InfrastructureError,
    SandboxUnavailable,
    TierProbe,
)
from selftaught.studies.bookkeeping import NothingMeasured

UNUSABLE = SandboxUnavailable((TierProbe("sealed", False, "seccomp: EINVAL"),))

CODES: list[tuple[BaseException, int, str]] = [
    (ConfigError("the store\nis gone"), 2, "error: the store is gone\n"),
    (
        click.UsageError("No such option: --x."),
        2,
        "error: no such option: --x (see selftaught --help)\n",
    ),
    (NothingMeasured("spent"), 3, "error: spent\n"),
    (BudgetExceeded("usd", 2, 1, "run"), 3, "error: the run's budget of usd is spent: 2 of 1\n"),
    (UNUSABLE, 4, f"error: {UNUSABLE}\n"),
    (InfrastructureError("disk full"), 1, "error: disk full\n"),
    (KeyboardInterrupt(), 130, "stopped\n"),
    (edge.Terminated(signal.SIGTERM), 143, "stopped\n"),
    (edge.Stopped("kept all", edge.Terminated(signal.SIGTERM)), 143, "kept all\n"),
    (edge.Stopped("kept all", KeyboardInterrupt()), 130, "kept all\n"),
    (
        ValueError("a\x1b[2J\nb"),
        1,
        "error: ValueError: a\\x1b[2J b (SELFTAUGHT_TRACEBACK=1 shows where)\n",
    ),
]


@pytest.fixture(autouse=True)
def _signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SELFTAUGHT_TRACEBACK", raising=False)
    kept = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in kept.items():
        signal.signal(signum, handler)


def raising(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(("error", "code", "said"), CODES, ids=lambda v: type(v).__name__)
def test_an_error_has_its_exit_code_and_its_line(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge.run(raising(error), []) == code
    assert capsys.readouterr().err.lstrip("\n") == f"selftaught: {said}"


def test_a_traceback_is_shown_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFTAUGHT_TRACEBACK", "1")
    assert edge.run(raising(ValueError("odd")), []) == 1
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("selftaught: error: ValueError: odd\n")


def test_a_signal_that_was_ignored_before_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    assert edge.run(raising(ConfigError("x")), []) == 2
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
