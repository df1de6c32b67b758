"""Tasks by which executors are tested: variables of a module, so that other processes find them."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from selftaught.core.errors import InfrastructureError
from selftaught.core.task import Measure, SandboxedProgram, Task

Rng = np.random.Generator
DOUBLES = "def algorithm(x):\n    return x * 2\n"


def _measures(program: SandboxedProgram, rng: Rng) -> Measure:
    values = [float(program(float(x))) for x in rng.random(3)]
    values += program.map([float(x) for x in rng.random(5)])
    return Measure(math.fsum(values), values, {"longest": max(values)}, "measured")


def _asks_for_long(program: SandboxedProgram, rng: Rng) -> float:
    return float(program(1, cpu_s=1000.0))


def _divides_by_nothing(program: SandboxedProgram, rng: Rng) -> float:
    return float(program(1) / 0)


def _says_that_we_failed(program: SandboxedProgram, rng: Rng) -> float:
    raise InfrastructureError("a part of ours is broken", retryable=True)


def _hangs_for_a_while(program: SandboxedProgram, rng: Rng) -> float:
    time.sleep(1.5)
    return float(program(1))


def _task(name: str, utility: Any, **how: Any) -> Task:
    return Task(name, DOUBLES, utility, (-100.0, 100.0), description="a test's", **how)


measures = _task("measures", _measures)
asks_for_long = _task("asks_for_long", _asks_for_long)
divides_by_nothing = _task("divides_by_nothing", _divides_by_nothing)
says_that_we_failed = _task("says_that_we_failed", _says_that_we_failed)
measures_in_time = _task("measures_in_time", _measures, utility_wall_s=0.3)
hangs_for_a_while = _task("hangs_for_a_while", _hangs_for_a_while, utility_wall_s=0.3)
