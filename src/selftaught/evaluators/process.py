"""The process of an evaluator: it loads the file, and forks for each evaluation.

Started by `openevolve` with the file and a descriptor, on which frames go both ways. So each
evaluation begins with the evaluator as it is when it is loaded, in a main thread, where signals
work; and whatever it leaves behind, threads, processes or a changed module, goes with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import importlib.util
import inspect
import os
import random
import signal
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from selftaught.core.blame import own_place, words_of
from selftaught_guest.channel import Channel

WHERE = "where"  # the file in an evaluation's folder in which the process says where it is
PRINTED = "printed"
_TEXT_CHARS = 4_000
_PR_SET_PDEATHSIG = 1


@dataclass
class EvaluationResult:
    """As that of openevolve, where that is not installed."""

    metrics: dict[str, Any]
    artifacts: dict[str, Any] = field(default_factory=dict)


def main(file: Path, descriptor: int) -> None:
    """Load the evaluator, say so, and evaluate what is asked for until the host is gone."""
    _end_with_parent()
    channel = Channel(descriptor)
    os.set_inheritable(descriptor, False)
    try:
        module = _loaded(file)
    except BaseException as error:  # noqa: BLE001 - of the user's file, SystemExit too
        channel.send(("error", *_said(error, file)))
        return
    channel.send(("ready",))
    running: list[int] = []  # with all that it started it ends with the host

    def end(*_: Any) -> NoReturn:
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    with contextlib.suppress(EOFError):
        while True:
            order = channel.receive()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an evaluator that has threads when it is loaded
                pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                _evaluate(channel, module, file, *order)
            running[:] = [pid]
            channel.send(("begun", pid))
            channel.send(("ended", os.waitpid(pid, 0)[1]))


def _loaded(file: Path) -> types.ModuleType:
    sys.path.insert(0, str(file.parent))
    if importlib.util.find_spec("openevolve") is None:
        package = types.ModuleType("openevolve")
        result = types.ModuleType("openevolve.evaluation_result")
        result.EvaluationResult = EvaluationResult  # type: ignore[attr-defined]
        package.evaluation_result = result  # type: ignore[attr-defined]
        package.__path__ = []
        sys.modules |= {"openevolve": package, "openevolve.evaluation_result": result}
    spec = importlib.util.spec_from_file_location("evaluation_module", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluation_module"] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, "evaluate", None)):
        raise AttributeError("it defines no function evaluate(program_path)")
    return module


def _evaluate(
    channel: Channel,
    module: types.ModuleType,
    file: Path,
    program: str,
    seed: int,
    thresholds: Sequence[float] | None,
) -> NoReturn:
    """One evaluation, in a session of its own; never returns."""
    os.setsid()
    _end_with_parent()
    folder = Path(program).parent
    printed = os.open(folder / PRINTED, os.O_CREAT | os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(printed, stream)
    with (folder / WHERE).open("w") as where:
        faulthandler.register(signal.SIGUSR1, where, all_threads=False)
        try:
            before = _seeded(seed)
            found = _staged(module, program, thresholds)
            answer: tuple[Any, ...] = ("result", *found, _state() != before)
        except BaseException as error:  # noqa: BLE001 - the user's own, SystemExit too
            traceback.print_exc()
            failed = getattr(error, "failure", None)
            answer = ("error", *_said(error, file)) if failed is None else ("failed", *failed)
    with contextlib.suppress(OSError):  # the host does not wait any more
        channel.send(answer)
    os._exit(0)


def _staged(
    module: types.ModuleType, program: str, thresholds: Sequence[float] | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Metrics and artifacts: of `evaluate`, or of stages as far as each passes its threshold."""
    stages = [getattr(module, f"evaluate_stage{number}", None) for number in (1, 2, 3)]
    if thresholds is None or stages[0] is None:
        return _read(_awaited(module.evaluate, program))
    metrics: dict[str, Any] = {}
    artifacts: dict[str, str] = {}
    for number, stage in enumerate(stages):
        if stage is None or (
            number and not (number <= len(thresholds) and score(metrics) >= thresholds[number - 1])
        ):
            break
        found, said = _read(_awaited(stage, program))
        metrics, artifacts = metrics | found, artifacts | said
    return metrics, artifacts


def _awaited(evaluate: Callable[[str], Any], program: str) -> Any:
    result = evaluate(program)
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _read(result: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Metrics, numbers as floats and all else as texts; and artifacts as texts."""
    if isinstance(result, Mapping):
        metrics, artifacts = result.get("metrics"), result.get("artifacts")
        if not isinstance(metrics, Mapping):
            metrics = {name: one for name, one in result.items() if name != "artifacts"}
    else:
        metrics, artifacts = (getattr(result, name, None) for name in ("metrics", "artifacts"))
    if not isinstance(metrics, Mapping):
        raise TypeError(
            f"it returned {type(result).__name__}, not a dict of metrics or an EvaluationResult"
        )
    listed = artifacts if isinstance(artifacts, Mapping) else {}
    return (
        {str(name): _number_or_text(one) for name, one in metrics.items()},
        {str(name): _text(one) for name, one in listed.items()},
    )


def _number_or_text(value: Any) -> float | str:
    if isinstance(value, (bool, str)) or type(value).__name__ in ("bool_", "bool"):
        return _text(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return _text(value)


def _text(value: Any) -> str:
    said = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return said.encode(errors="replace").decode()[:_TEXT_CHARS]


def score(metrics: Mapping[str, Any]) -> float:
    """`combined_score`, or else the mean of the numbers but `error`; -inf where there are none."""
    if isinstance(metrics.get("combined_score"), float):
        return float(metrics["combined_score"])
    numbers = [v for n, v in metrics.items() if isinstance(v, float) and n != "error" and v == v]
    numbers = numbers or [v for v in metrics.values() if isinstance(v, float)]
    return sum(numbers) / len(numbers) if numbers else float("-inf")


def _seeded(seed: int) -> list[Any]:
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed & 0xFFFF_FFFF)
    return _state()


def _state() -> list[Any]:
    """What is another once the evaluator has drawn from the generators that all share."""
    numpy = sys.modules.get("numpy")
    return [random.getstate(), numpy and [str(part) for part in numpy.random.get_state()]]


def _said(error: BaseException, file: Path) -> tuple[str, str, str, int]:
    """The kind of an error, its words, and the line of the user's where it arose."""
    frames = traceback.extract_tb(error.__traceback__)
    place = own_place(frames, file) or (file, getattr(error, "lineno", None) or 1)
    return type(error).__name__, _text(words_of(error)), str(place[0]), place[1]


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
