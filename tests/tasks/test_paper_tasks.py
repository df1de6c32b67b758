"""The tasks of the STOP paper: they fulfil the contract of a task, and score what they say."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from good_programs import known_good
from hypothesis import given, settings
from hypothesis import strategies as h
from test_checks import WIRE_DATA, result_or_failure

import selftaught as st
from selftaught.core.outcome import FailureKind
from selftaught.core.seeds import PUBLIC_KEY, STREAMS, instance_generator
from selftaught.tasks.maxcut import task as maxcut
from selftaught.tasks.parity_noise import task as parity_noise
from selftaught.tasks.parity_noiseless import task as parity_noiseless
from selftaught.tasks.quadratic_assignment import task as quadratic_assignment
from selftaught.tasks.string_grid_distance import task as string_grid_distance
from selftaught.tasks.three_sat import task as three_sat
from selftaught.testing.task_conformance import Scorer, TaskConformance

TASKS = (
    parity_noise.task,
    parity_noiseless.task,
    string_grid_distance.task,
    quadratic_assignment.task,
    three_sat.task,
    maxcut.task,
)


def function_in(source: str) -> Callable[..., Any]:
    """The function of a program of ours, to be called here."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    algorithm: Callable[..., Any] = namespace["algorithm"]
    return algorithm


class TestParityNoise(TaskConformance):
    task = parity_noise.task
    known_good = (known_good("parity_noise"), 1.0)


class TestParityNoiseless(TaskConformance):
    task = parity_noiseless.task
    known_good = (known_good("parity_noiseless"), 1.0)


class TestStringGridDistance(TaskConformance):
    task = string_grid_distance.task
    known_good = (known_good("string_grid_distance"), 1.0)


class TestQuadraticAssignment(TaskConformance):
    task = quadratic_assignment.task
    known_good = (known_good("quadratic_assignment"), 0.2774)


class TestThreeSat(TaskConformance):
    task = three_sat.task
    known_good = (known_good("three_sat"), 1.0)


class TestMaxcut(TaskConformance):
    task = maxcut.task
    known_good = (known_good("maxcut"), 0.607)


class Calls:
    """A candidate that is a function of the test's own; it fails with what the function returns."""

    def __init__(self, answer: Callable[..., Any]) -> None:
        self._answer = answer
        self.args: list[tuple[Any, ...]] = []

    def __call__(self, *args: Any, cpu_s: float | None = None) -> Any:
        self.args.append(args)
        answer = self._answer(*args)
        if isinstance(answer, st.Failed):
            raise st.ProgramFailed(answer)
        return answer

    def map(self, *_: Any, **__: Any) -> list[Any]:
        raise NotImplementedError


def generators(task: st.Task) -> Iterator[np.random.Generator]:
    """Those of every stream, for ten seeds."""
    for stream, seed in itertools.product(STREAMS, range(10)):
        yield instance_generator(PUBLIC_KEY, seed, task.name, stream, "score")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_whatever_a_candidate_answers_is_a_score_within_the_range_or_bad_output(
    task: st.Task,
) -> None:
    @settings(max_examples=100)
    @given(h.one_of(WIRE_DATA, h.text("AB", max_size=30)))
    def answered(answer: object) -> None:
        program = Calls(lambda *args: answer)
        measure = result_or_failure(lambda: task.utility(program, np.random.default_rng(0)))
        if isinstance(measure, st.Failed):
            assert measure.kind == "bad_output"
            assert 0 < len(measure.detail) < 500
        else:
            assert isinstance(measure, st.Measure)
            assert task.range[0] <= measure.value <= task.range[1]

    answered()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_instances_follow_from_the_generator_alone(task: st.Task) -> None:
    asked = []
    for _ in range(2):
        program = Calls(function_in(task.seed_program().source))
        task.utility(program, np.random.default_rng(3))
        asked.append(pickle.dumps(program.args))
    assert asked[0] == asked[1]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_names_the_paper_and_values_that_it_reports(task: st.Task) -> None:
    assert "Zelikman et al. 2024" in task.source
    assert task.references
    for reference in task.references:
        assert "arXiv 2310.02304" in reference.source
        assert 0.0 <= reference.value <= 1.0


class TestParity:
    def test_labels_are_the_parity_of_the_same_bits_in_every_sample(self) -> None:
        for rng in generators(parity_noiseless.task):
            problem = parity_noiseless.parity_problem(rng)
            samples = np.vstack([problem.train_samples, problem.test_samples]).tolist()
            labels = [*problem.train_parity.tolist(), *problem.test_parity.tolist()]
            fitting = [
                bits
                for bits in itertools.product((0, 1), repeat=parity_noiseless.BITS)
                if any(bits)
                and all(
                    sum(itertools.compress(sample, bits)) % 2 == label
                    for sample, label in zip(samples, labels, strict=True)
                )
            ]
            assert len(fitting) == 1

    def test_noise_flips_some_training_labels_and_no_test_label(self) -> None:
        flipped = [self._misfits(parity_noise.parity_problem(rng)) for rng in self._generators()]
        in_training, in_test = zip(*flipped, strict=True)
        assert 2 < np.mean(in_training) < 8
        assert not any(in_test)

    def _generators(self) -> Iterator[np.random.Generator]:
        return generators(parity_noise.task)

    def _misfits(self, problem: parity_noise.ParityProblem) -> tuple[int, int]:
        """Training and test labels off the subset that fits most training labels."""
        subsets = np.array(list(itertools.product((0, 1), repeat=parity_noise.BITS)))
        misses = problem.train_samples @ subsets.T % 2 != problem.train_parity[:, None]
        best = subsets[np.argmin(misses.sum(axis=0))]
        in_test = problem.test_samples @ best % 2 != problem.test_parity
        return int(misses.sum(axis=0).min()), int(in_test.sum())


class TestGridDistance:
    @pytest.mark.parametrize(
        ("first", "second", "distance"),
        [
            ("A", "A", 0),
            ("A", "B", 1),
            ("AAA", "AAA", 0),
            ("AAA", "BBB", 3),  # three mismatches, no change
            ("ABA", "ABA", 4),  # no mismatch, two changes each
            ("ABA", "BAB", 7),  # three mismatches, two changes each
            ("AABB", "ABBB", 3),  # one mismatch, one change each
            ("ABAB", "AAAA", 5),  # two mismatches, three changes in the first
        ],
    )
    def test_it_counts_mismatches_and_changes(self, first: str, second: str, distance: int) -> None:
        assert string_grid_distance.grid_distance(first, second) == distance
        assert string_grid_distance.grid_distance(second, first) == distance

    def test_some_string_has_the_distance_that_is_asked_for(self) -> None:
        algorithm = function_in(known_good("string_grid_distance"))
        lengths = set()
        for rng in generators(string_grid_distance.task):
            for _ in range(string_grid_distance.INSTANCES):
                target, distance = string_grid_distance.grid_problem(rng)
                lengths.add(len(target))
                assert set(target) <= set("AB")
                found = algorithm(target, distance)
                assert len(found) == len(target)
                assert string_grid_distance.grid_distance(found, target) == distance
        assert lengths == set(range(1, 31))

    def test_the_score_is_one_or_below_a_half_and_never_below_a_sixth(self) -> None:
        for length in range(1, 7):
            strings = ["".join(letters) for letters in itertools.product("AB", repeat=length)]
            for target in strings:
                distances = {string_grid_distance.grid_distance(s, target) for s in strings}
                for got, wanted in itertools.product(distances, repeat=2):
                    score = string_grid_distance.closeness(got, wanted, length)
                    if got == wanted:
                        assert score == 1.0
                    else:
                        assert score == pytest.approx(0.5 - abs(got - wanted) / (6 * length))
                        assert 1 / 6 < score < 0.5

    @pytest.mark.parametrize(
        "answer",
        [None, 0, b"A", "", "C", "a", "AA", ["A"], ("B",), "\u0410", np.array("A"), "A\n"],
        ids=ascii,
    )
    def test_what_is_no_string_of_the_letters_and_the_length_is_bad_output(
        self, answer: object
    ) -> None:
        with pytest.raises(st.ProgramFailed) as caught:
            string_grid_distance.require_string(answer, 1)
        assert caught.value.failure.kind == "bad_output"


class TestQuadraticObjective:
    def test_it_is_the_sum_that_the_paper_gives(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(20):
            flow, distance, penalty = rng.random((3, 15, 15))
            places = rng.permutation(15)
            total = 0.0
            for i in range(15):
                total -= 0.5 * penalty[i][places[i]]
                for j in range(15):
                    total += flow[i][j] * distance[places[i]][places[j]]
            value = quadratic_assignment.objective(flow, distance, penalty, places)
            assert value == pytest.approx(total / 225)

    def test_its_range_holds_at_the_extremes_and_no_narrower_one_would(self) -> None:
        lowest, highest = quadratic_assignment.task.range
        zeros, ones = np.zeros((15, 15)), np.ones((15, 15))
        worst = quadratic_assignment.objective(zeros, zeros, ones, np.arange(15))
        best = quadratic_assignment.objective(ones, ones, zeros, np.arange(15))
        assert worst == pytest.approx(lowest)
        assert best == pytest.approx(highest)
        assert lowest <= worst < best <= highest

    def test_a_guess_is_better_than_the_seed_program(self, score: Scorer) -> None:
        guess = (
            "import numpy as np\n\n"
            "def algorithm(flow, distance, penalty):\n"
            "    return np.random.permutation(15)\n"
        )
        task = quadratic_assignment.task
        for stream in STREAMS:
            guessed = score(task, guess, stream=stream)
            seed = score(task, task.seed_program().source, stream=stream)
            assert isinstance(guessed, st.Scored)
            assert isinstance(seed, st.Scored)
            assert seed.value < guessed.value

    def test_time_that_is_taken_adds_nothing(self, score: Scorer) -> None:
        plain = "def algorithm(flow, distance, penalty):\n    return list(range(15))\n"
        slow = plain.replace("    return", "    sum(range(10**6))\n    return")
        assert self._values(score, slow) == self._values(score, plain)

    def _values(self, score: Scorer, program: str) -> tuple[float, ...]:
        outcome = score(quadratic_assignment.task, program)
        assert isinstance(outcome, st.Scored)
        return outcome.per_instance


class TestFormulas:
    @pytest.mark.parametrize(
        ("clauses", "satisfied"),
        [
            ([[1, 2, 3]], {(1, 0, 0), (0, 1, 1), (1, 1, 1)}),
            ([[-1, -2, -3]], {(0, 0, 0), (1, 1, 0), (0, 1, 1), (1, 0, 0)}),
            ([[1, 2, 3], [-1, -2, -3]], {(1, 0, 0), (0, 1, 1), (1, 1, 0)}),
            ([[1, -2, 3], [-1, 2, -3]], {(1, 1, 0), (0, 0, 0), (1, 1, 1)}),
        ],
    )
    def test_examples_are_checked_rightly(
        self, clauses: list[list[int]], satisfied: set[tuple[int, ...]]
    ) -> None:
        for values in satisfied:
            assert three_sat.is_satisfied(np.array(clauses), np.array(values))

    def test_the_check_agrees_with_a_loop_over_literals(self) -> None:
        rng = np.random.default_rng(0)
        seen = set()
        for _ in range(20):
            clauses = three_sat.satisfiable_formula(rng, 5)
            for values in itertools.product((0, 1), repeat=5):
                expected = all(
                    any(values[abs(k) - 1] == (1 if k > 0 else 0) for k in clause)
                    for clause in clauses.tolist()
                )
                assert three_sat.is_satisfied(clauses, np.array(values)) is expected
                seen.add(expected)
        assert seen == {True, False}

    def test_every_formula_has_three_different_variables_a_clause(self) -> None:
        for rng in itertools.islice(generators(three_sat.task), 6):
            for number in (5, 17, 50):
                clauses = three_sat.satisfiable_formula(rng, number)
                assert clauses.shape == (4 * number, 3)
                assert clauses.dtype == np.int64
                assert {abs(k) for k in clauses.flat} <= set(range(1, number + 1))
                assert all(len({abs(k) for k in clause}) == 3 for clause in clauses.tolist())

    def test_every_formula_can_be_satisfied(self) -> None:
        patient = known_good("three_sat").replace("range(2500)", "range(50_000)")
        for rng in generators(three_sat.task):
            asked = Calls(function_in(patient))
            assert isinstance(measure := three_sat.utility(asked, rng), st.Measure)
            assert set(measure.per_instance) == {1.0}
            assert [args[0] for args in asked.args][:: three_sat.FORMULAS - 1] == [5, 50]

    def test_clauses_are_uniform_among_those_that_the_hidden_assignment_satisfies(self) -> None:
        rng = np.random.default_rng(1)
        holding = np.zeros(4)
        for _ in range(300):
            clauses = three_sat.satisfiable_formula(rng, 5)
            solutions = [
                values
                for values in itertools.product((0, 1), repeat=5)
                if three_sat.is_satisfied(clauses, np.array(values))
            ]
            if len(solutions) == 1:  # then it is the hidden one
                values = np.array(solutions[0])
                holds = (clauses > 0) == (values[np.abs(clauses) - 1] == 1)
                holding += np.bincount(holds.sum(axis=1), minlength=4)
        assert holding[0] == 0
        assert holding[1:] / holding.sum() == pytest.approx([3 / 7, 3 / 7, 1 / 7], abs=0.05)

    def test_the_majority_of_a_variables_signs_solves_few(self) -> None:
        def majority(variables: int, clauses: np.ndarray) -> list[int]:
            return [
                int((clauses == k).sum() > (clauses == -k).sum()) for k in range(1, variables + 1)
            ]

        values = [
            three_sat.utility(Calls(majority), rng).value for rng in generators(three_sat.task)
        ]
        assert np.mean(values) < 0.15


class TestCutShare:
    def test_it_is_the_weight_of_edges_with_ends_on_both_sides(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(5):
            weights = maxcut.graph(rng, 50)
            side = rng.integers(0, 2, 50)
            pairs = list(itertools.combinations(range(50), 2))
            cut = sum(int(weights[i, j]) for i, j in pairs if side[i] != side[j])
            total = sum(int(weights[i, j]) for i, j in pairs)
            assert maxcut.cut_share(weights, side) == pytest.approx(cut / total)

    def test_examples(self) -> None:
        weights = np.array([[0, 3, 1], [3, 0, 0], [1, 0, 0]])
        for side, share in (([0, 0, 0], 0.0), ([0, 1, 0], 0.75), ([1, 0, 0], 1.0)):
            assert maxcut.cut_share(weights, np.array(side)) == share

    def test_graphs_are_symmetric_with_the_weights_and_the_density_that_are_stated(self) -> None:
        asked = Calls(lambda weights: np.zeros(len(weights)))
        for rng in itertools.islice(generators(maxcut.task), 6):
            assert maxcut.utility(asked, rng).value == 0.0
        for (weights,) in asked.args:
            assert weights.dtype == np.int64
            assert (weights == weights.T).all()
            assert not weights.diagonal().any()
            assert set(weights.flat) == set(range(11))
        densities = [
            (weights > 0).sum() / (n * (n - 1)) for (weights,) in asked.args for n in [len(weights)]
        ]
        assert np.mean(densities) == pytest.approx(0.4, abs=0.01)
        assert [len(args[0]) for args in asked.args[:11]] == list(range(50, 201, 15))


TIMEOUT = st.Failed("timeout", "over its limit")


@pytest.mark.parametrize("module", [three_sat, maxcut], ids=lambda module: module.task.name)
class TestTimeouts:
    def _instances(self, module: Any) -> list[tuple[Any, ...]]:
        asked = Calls(lambda *args: np.zeros(self._length(args)))
        module.utility(asked, np.random.default_rng(0))
        return asked.args

    def _length(self, args: tuple[Any, ...]) -> int:
        return args[0] if len(args) == 2 else len(args[0])

    def _zeros_or(self, failure: st.Failed, fails: Callable[[int], bool]) -> Calls:
        def answer(*args: Any) -> Any:
            return failure if fails(len(calls.args) - 1) else np.zeros(self._length(args))

        calls = Calls(answer)
        return calls

    def test_an_instance_without_an_answer_in_time_counts_nothing(self, module: Any) -> None:
        task = module.task
        count = len(self._instances(module))
        late = self._zeros_or(TIMEOUT, lambda index: index > 0)
        measure = task.utility(late, np.random.default_rng(0))
        assert len(late.args) == count
        assert list(measure.per_instance[1:]) == [0.0] * (count - 1)

    def test_a_program_that_is_out_of_time_on_the_smallest_instance_fails_at_once(
        self, module: Any
    ) -> None:
        late = self._zeros_or(TIMEOUT, lambda index: True)
        with pytest.raises(st.ProgramFailed) as caught:
            module.utility(late, np.random.default_rng(0))
        assert caught.value.failure == TIMEOUT
        assert len(late.args) == 1

    @pytest.mark.parametrize("kind", ["raised", "memory", "crashed", "bad_output", "output_limit"])
    def test_any_other_failure_fails_the_program(self, module: Any, kind: FailureKind) -> None:
        failing = self._zeros_or(st.Failed(kind), lambda index: index == 5)
        with pytest.raises(st.ProgramFailed) as caught:
            module.utility(failing, np.random.default_rng(0))
        assert caught.value.failure.kind == kind

    def test_no_more_than_three_cpu_seconds_are_lost_to_timeouts(self, module: Any) -> None:
        assert 0.1 * 1.1 * len(self._instances(module)) < 3.0
