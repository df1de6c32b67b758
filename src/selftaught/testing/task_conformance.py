"""What every task must fulfil, as a class to subclass in a test module.

    from selftaught.testing.task_conformance import TaskConformance
    from my_package.my_task import task

    class TestMyTask(TaskConformance):
        task = task  # with st.Task(..., seed_score=(0.4, 0.6))

A fixture `score`, a `Scorer`, says how a program is scored.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

import selftaught as st
from selftaught.core.seeds import STREAMS, Stream
from selftaught.core.task import PerInstance

_GENERIC_CHEATS = Path(__file__).with_name("generic_cheats.py").read_text(encoding="utf-8")


class Scorer(Protocol):
    """Scores the source text of a program, as `st.score` does, which may be used as it is."""

    def __call__(
        self, task: st.Task, program: str, *, stream: Stream = "search", seed: int = 0
    ) -> st.Scored | st.Failed: ...


class TaskConformance:
    """Subclass it, set `task`, and pytest runs these tests.

    Attributes:
        task: the task under test; it states its `seed_score`.
        known_good: a program that solves the task, and the value that it reaches within 1 %. It
            belongs into the tests, where no model is shown it.
        cheats: folder of programs that try to score without solving, one a file; by default
            `cheats` beside the file of the utility.
        least_cheats: how many there must be.
        one_instance: the task draws nothing at random, as one that asks for a construction: every
            stream and seed has to give the same score, where other tasks have to give another.
            Such a task's docstring says that search, val and test measure the same.
    """

    task: ClassVar[st.Task]
    known_good: ClassVar[tuple[str, float] | None] = None
    cheats: ClassVar[Path | None] = None
    least_cheats: ClassVar[int] = 2
    one_instance: ClassVar[bool] = False
    _seed_outcomes: ClassVar[dict[tuple[Scorer, Stream, int], st.Scored | st.Failed]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._seed_outcomes = {}

    @classmethod
    def cheat_files(cls) -> list[Path]:
        """The cheats, in the order of their names."""
        folder = cls.cheats
        if folder is None:
            utility = cls.task.utility
            function = utility.score if isinstance(utility, PerInstance) else utility
            folder = Path(inspect.getfile(inspect.unwrap(function))).parent / "cheats"
        return sorted(folder.glob("*.py"))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test a cheat."""
        if "cheat" in metafunc.fixturenames and metafunc.cls is not None:
            files: list[Path] = metafunc.cls.cheat_files()
            metafunc.parametrize("cheat", files, ids=[file.stem for file in files])
        if "generic_cheat" in metafunc.fixturenames:
            names = re.findall(r"^def ([a-z]\w*)", _GENERIC_CHEATS, re.MULTILINE)
            metafunc.parametrize("generic_cheat", names)

    @pytest.mark.parametrize("stream", STREAMS)
    @pytest.mark.parametrize("seed", range(3))
    def test_the_seed_program_scores_within_the_stated_interval(
        self, score: Scorer, stream: Stream, seed: int
    ) -> None:
        outcome = self._seed_outcome(score, stream, seed)
        assert isinstance(outcome, st.Scored), outcome
        assert self.task.seed_score is not None, "the task does not state its seed_score"
        lowest, highest = self.task.seed_score
        assert lowest <= outcome.value <= highest

    def test_a_known_good_solution_reaches_the_value_that_is_stated_for_it(
        self, score: Scorer
    ) -> None:
        if self.known_good is None:
            pytest.skip(f"no known good solution of {self.task.name} is stated")
        source, value = self.known_good
        outcome = score(self.task, source)
        assert isinstance(outcome, st.Scored), outcome
        assert outcome.value == pytest.approx(value, rel=0.01)

    @pytest.mark.parametrize("stream", STREAMS)
    def test_the_same_stream_and_seed_give_the_same_score(
        self, score: Scorer, stream: Stream
    ) -> None:
        again = score(self.task, self._seed_source(), stream=stream, seed=1)
        assert self._values(again) == self._values(self._seed_outcome(score, stream, 1))

    def test_streams_and_seeds_give_other_instances(self, score: Scorer) -> None:
        values = [
            self._values(self._seed_outcome(score, stream, seed))
            for stream in STREAMS
            for seed in range(3)
        ]
        assert len(set(values)) == (1 if self.one_instance else len(values))

    def test_a_program_that_returns_nothing_is_bad_output(self, score: Scorer) -> None:
        outcome = score(self.task, f"def {self.task.entry}(*args):\n    return None\n")
        assert outcome.kind == "bad_output"

    def test_a_failure_says_what_was_wrong(self, score: Scorer) -> None:
        outcome = score(self.task, f"def {self.task.entry}(*args):\n    return {{}}\n")
        assert isinstance(outcome, st.Failed)
        assert outcome.detail

    def test_there_are_cheats(self) -> None:
        assert len(self.cheat_files()) >= self.least_cheats

    def test_a_cheat_scores_no_better_than_the_seed(self, score: Scorer, cheat: Path) -> None:
        seed = self._seed_outcome(score)
        outcome = score(self.task, cheat.read_text(encoding="utf-8"))
        assert self._worth(outcome) <= self._worth(seed), outcome

    def test_a_cheat_that_fits_every_task_scores_no_better_than_the_seed(
        self, score: Scorer, generic_cheat: str
    ) -> None:
        seed, entry = self._seed_outcome(score), self.task.entry
        source = (
            f"{self._seed_source()}\n\n_honest = {entry}\n\n{_GENERIC_CHEATS}\n\n"
            f"def {entry}(*args):\n    return {generic_cheat}(_honest, *args)\n"
        )
        outcome = score(self.task, source)
        assert self._worth(outcome) <= self._worth(seed), outcome

    def test_the_description_shows_what_is_scored(self) -> None:
        described = self.task.described()
        assert described.strip()
        if self.task.description is None:
            utility = self.task.utility
            shown = utility.score if isinstance(utility, PerInstance) else utility
            assert inspect.getsource(shown).strip() in described

    def test_the_version_is_the_same_each_time_and_follows_the_seed_program(self) -> None:
        again = dataclasses.replace(self.task)
        assert again.version == self.task.version
        other = dataclasses.replace(self.task, seed=self._seed_source() + "\n# changed\n")
        assert other.version != self.task.version

    def _seed_source(self) -> str:
        return self.task.seed_program().source

    def _seed_outcome(
        self, score: Scorer, stream: Stream = "search", seed: int = 0
    ) -> st.Scored | st.Failed:
        """The seed program's, scored once for all tests of the class."""
        key = (score, stream, seed)
        if key not in self._seed_outcomes:
            outcome = score(self.task, self._seed_source(), stream=stream, seed=seed)
            self._seed_outcomes[key] = outcome
        return self._seed_outcomes[key]

    def _values(self, outcome: st.Scored | st.Failed) -> tuple[float, ...]:
        assert isinstance(outcome, st.Scored), outcome
        return (outcome.value, *outcome.per_instance)

    def _worth(self, outcome: st.Scored | st.Failed) -> float:
        return outcome.value if isinstance(outcome, st.Scored) else self.task.lowest
