"""What every task must fulfil, as a class to subclass in a test module.

    from selftaught.testing.task_conformance import TaskConformance
    from my_package.my_task import task

    class TestMyTask(TaskConformance):
        task = task
        seed_score = (0.4, 0.6)

A fixture `score`, a `Scorer`, says how a program is scored.
"""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path
from typing import ClassVar, Protocol

import pytest

import selftaught as st
from selftaught.core.seeds import STREAMS, Stream
from selftaught.core.task import PerInstance


class Scorer(Protocol):
    """Scores the source text of a program, as `st.score` does, which may be used as it is."""

    def __call__(
        self, task: st.Task, program: str, *, stream: Stream = "search", seed: int = 0
    ) -> st.Scored | st.Failed: ...


class TaskConformance:
    """Subclass it, set `task` and `seed_score`, and pytest runs these tests.

    Attributes:
        task: the task under test.
        seed_score: lowest and highest value that the seed program may have, on any stream.
        cheats: folder of programs that try to score without solving, one a file; by default
            `cheats` beside the file of the utility.
        least_cheats: how many there must be.
    """

    task: ClassVar[st.Task]
    seed_score: ClassVar[tuple[float, float]]
    cheats: ClassVar[Path | None] = None
    least_cheats: ClassVar[int] = 2

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

    @pytest.mark.parametrize("stream", STREAMS)
    @pytest.mark.parametrize("seed", range(3))
    def test_the_seed_program_scores_within_the_stated_interval(
        self, score: Scorer, stream: Stream, seed: int
    ) -> None:
        outcome = score(self.task, self._seed_source(), stream=stream, seed=seed)
        assert isinstance(outcome, st.Scored), outcome
        lowest, highest = self.seed_score
        assert lowest <= outcome.value <= highest

    def test_the_stated_interval_lies_within_the_range_of_the_task(self) -> None:
        lowest, highest = self.seed_score
        assert self.task.range[0] <= lowest <= highest <= self.task.range[1]

    @pytest.mark.parametrize("stream", STREAMS)
    def test_the_same_stream_and_seed_give_the_same_score(
        self, score: Scorer, stream: Stream
    ) -> None:
        assert self._seed_values(score, stream, 1) == self._seed_values(score, stream, 1)

    def test_streams_and_seeds_give_other_instances(self, score: Scorer) -> None:
        values = [self._seed_values(score, stream, seed) for stream in STREAMS for seed in range(3)]
        assert len(set(values)) == len(values)

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
        seed = score(self.task, self._seed_source())
        outcome = score(self.task, cheat.read_text(encoding="utf-8"))
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

    def _seed_values(self, score: Scorer, stream: Stream, seed: int) -> tuple[float, ...]:
        outcome = score(self.task, self._seed_source(), stream=stream, seed=seed)
        assert isinstance(outcome, st.Scored), outcome
        return (outcome.value, *outcome.per_instance)

    def _worth(self, outcome: st.Scored | st.Failed) -> float:
        return outcome.value if isinstance(outcome, st.Scored) else self.task.lowest
