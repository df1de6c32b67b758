"""What an improver can get out of its budgets, tried from real guests: exactly what was granted."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest
from engine_support import (
    CountedUtility,
    LoggedModel,
    MemoryJournal,
    World,
    improver,
    make_context,
)

from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.errors import BudgetExceeded, InfrastructureError, ModelFailure
from selftaught.core.messages import (
    AttemptNotice,
    PromptRequest,
    Request,
    RunCodeRequest,
    ScoreRequest,
)
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.engine.broker import Broker

LIMITS = ImproverLimits(calls=3, samples_per_call=4, utility_uses=5, cpu_s=20.0)
HEAD = "import json\ndef improve_algorithm(initial_solution, utility, language_model):\n"


class Run:
    """One improver run with everything that the host saw of it."""

    def __init__(
        self,
        world: World,
        body: str,
        *,
        utility: CountedUtility | None = None,
        model: LoggedModel | None = None,
        limits: ImproverLimits = LIMITS,
        budget: Budget | None = None,
        samples_cap: int | None = None,
    ) -> None:
        lines = body.strip("\n").splitlines()
        indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        source = HEAD + "".join(f"    {line[indent:]}\n" for line in lines)
        self.utility = utility or CountedUtility()
        self.model = model or LoggedModel()
        self.context = make_context(world.executor, self.model, limits=limits, budget=budget)
        made = improver(self.context, source, samples_cap=samples_cap)
        self.result, self.usage = world.run(made.run(self.utility, Program("the seed")))

    @property
    def said(self) -> Any:
        """What the improver returned, which is JSON here."""
        import json

        assert isinstance(self.result, Program), self.result
        return json.loads(self.result.source)

    @property
    def failed(self) -> Failed:
        assert isinstance(self.result, Failed), self.result
        return self.result

    @property
    def end(self) -> dict[str, Any]:
        assert isinstance(self.context.journal, MemoryJournal)
        return self.context.journal.of("invocation_end")[0]


# --- the contract -------------------------------------------------------------------------------


def test_an_improver_sees_the_solution_the_description_and_its_limits(world: World) -> None:
    run = Run(
        world,
        """
        return json.dumps([
            initial_solution, utility.str, utility.budget, utility.uses,
            language_model.budget, language_model.max_responses_per_call, language_model.times_used,
        ])
        """,
    )
    assert run.said == ["the seed", "the longer, the better", 5, 0, 3, 4, 0]


def test_what_an_improver_is_given_prints_the_same_in_every_run(world: World) -> None:
    run = Run(world, "return json.dumps([str(utility), repr(language_model)])")
    assert run.said == ["<utility>", "<language model>"]


def test_a_score_is_a_float_with_feedback_and_uses_are_counted(world: World) -> None:
    run = Run(
        world,
        """
        score = utility("abc")
        more = utility.map(["x", "yy"])
        return json.dumps([isinstance(score, float), score, score.feedback, more,
                           [s.feedback for s in more], utility.uses, utility.map([])])
        """,
    )
    assert run.said == [
        True,
        3,
        "feedback on abc",
        [1, 2],
        ["feedback on x", "feedback on yy"],
        3,
        [],
    ]
    assert run.end["utility_uses"] == 3


def test_utility_map_scores_concurrently_and_in_order(world: World) -> None:
    async def slow(source: str) -> float:
        await asyncio.sleep(0.05 if source == "a" else 0)
        return len(source)

    run = Run(
        world,
        "return json.dumps(utility.map(['a', 'bb', 'ccc', 'dddd']))",
        utility=CountedUtility(value=slow),
    )
    assert run.said == [1, 2, 3, 4]
    assert run.utility.most_at_once == 4


def test_helpers_extract_code_from_responses(world: World) -> None:
    run = Run(
        world,
        """
        from helpers import extract_code
        told = "```\\ndef algorithm(x): return 1\\n```\\n```\\nprint(algorithm(12345678901))\\n```"
        return json.dumps(extract_code([told, "nothing"]))
        """,
    )
    assert run.said == ["def algorithm(x): return 1", None]


# --- budgets hold -------------------------------------------------------------------------------

TAMPERING = """
        for name, value in (("budget", 10**9), ("uses", -1), ("times_used", -100),
                            ("max_responses_per_call", 1000), ("lowest", 99.0)):
            setattr(utility, name, value)
            setattr(language_model, name, value)
"""


def test_setting_the_models_attributes_gains_no_call(world: World) -> None:
    run = Run(
        world,
        f"""
        {TAMPERING.strip()}
        got = []
        try:
            while True:
                got.append(len(language_model.prompt("e", "m", n_responses=1)))
                language_model.times_used = 0
                language_model.budget = 10**9
        except Exception as error:
            return json.dumps([got, type(error).__name__])
        """,
    )
    assert run.said == [[1, 1, 1], "BudgetExhausted"]
    assert len(run.model.prompts) == 3
    assert run.usage.lm_calls == run.context.ledger.usage.lm_calls == 3


def test_setting_the_utilitys_attributes_gains_no_use(world: World) -> None:
    run = Run(
        world,
        f"""
        {TAMPERING.strip()}
        got = []
        for _ in range(8):
            got.append(utility("abc"))
            utility.uses = -1
        got += utility.map(["abcd"] * 3)
        return json.dumps([got, got[-1].feedback, utility.uses])
        """,
    )
    values, feedback, uses = run.said
    assert values == [3.0] * 5 + [-1.0] * 6
    assert "spent" in feedback
    assert uses == 5
    assert len(run.utility.asked) == 5


def test_one_map_over_the_budget_scores_the_first_of_it(world: World) -> None:
    run = Run(world, "return json.dumps(utility.map(['abc'] * 7))")
    assert run.said == [3.0] * 5 + [-1.0] * 2
    assert len(run.utility.asked) == 5


def test_an_improver_that_does_not_catch_the_end_of_its_budget_failed_by_budget(
    world: World,
) -> None:
    run = Run(world, "while True:\n    language_model.prompt('e', 'm')")
    assert run.failed.kind == "budget"
    assert "3 calls" in run.failed.detail


def test_n_above_the_most_a_call_may_draw_is_clipped(world: World) -> None:
    run = Run(world, "return json.dumps(language_model.prompt('e', 'm', n_responses=100))")
    assert run.said == ["m #0", "m #1", "m #2", "m #3"]
    assert [prompt.n for prompt in run.model.prompts] == [4]
    assert run.usage.samples == 4


@pytest.mark.parametrize("n", ["10**9", "10**18", "10**300"])
def test_a_huge_n_is_clipped_without_making_room_for_it(n: str, world: World) -> None:
    run = Run(world, f"return json.dumps(language_model.prompt('e', 'm', n_responses={n}))")
    assert len(run.said) == 4


def test_a_cap_on_samples_holds_over_all_calls(world: World) -> None:
    run = Run(
        world,
        """
        got = []
        try:
            while True:
                got.append(len(language_model.prompt("e", "m", n_responses=3)))
        except Exception as error:
            return json.dumps([got, type(error).__name__])
        """,
        samples_cap=5,
    )
    assert run.said == [[3, 2], "BudgetExhausted"]
    assert run.usage.samples == 5


def test_threads_share_the_budgets_and_ask_concurrently(world: World) -> None:
    run = Run(
        world,
        """
        from concurrent.futures import ThreadPoolExecutor
        def ask(i):
            try:
                return language_model.prompt("e", f"m{i}")[0]
            except Exception as error:
                return type(error).__name__
        with ThreadPoolExecutor(8) as pool:
            said = list(pool.map(ask, range(8)))
            scores = list(pool.map(utility, ["x"] * 8))
        return json.dumps([sorted(said), sorted(scores)])
        """,
        model=LoggedModel(delay_s=0.1),
    )
    said, scores = run.said
    assert said.count("BudgetExhausted") == 5
    assert all(answer.endswith("#0") for answer in said if answer != "BudgetExhausted")
    assert scores == [-1.0] * 3 + [1.0] * 5
    assert run.model.most_at_once == 3


def test_threads_get_their_own_replies(world: World) -> None:
    run = Run(
        world,
        """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(16) as pool:
            lengths = list(pool.map(lambda i: utility("x" * i), range(60)))
        return json.dumps(lengths)
        """,
        limits=ImproverLimits(utility_uses=60, cpu_s=20.0),
    )
    assert run.said == list(range(60))


# --- batches ------------------------------------------------------------------------------------


def test_equal_messages_of_a_batch_are_one_request_and_different_ones_go_out_at_once(
    world: World,
) -> None:
    run = Run(
        world,
        """
        got = language_model.batch_prompt("e", ["a", "b", "a", "c"])
        return json.dumps([got, language_model.times_used])
        """,
        model=LoggedModel(delay_s=0.05),
    )
    assert run.said == [["a #0", "b #0", "a #1", "c #0"], 1]
    assert sorted((prompt.user, prompt.n) for prompt in run.model.prompts) == [
        ("a", 2),
        ("b", 1),
        ("c", 1),
    ]
    assert run.model.most_at_once == 3
    assert run.usage.lm_calls == 1
    assert run.usage.samples == 4


def test_the_order_of_a_batch_does_not_depend_on_which_answer_comes_first(world: World) -> None:
    async def answer(prompt: Any) -> list[str]:
        await asyncio.sleep({"a": 0.1, "b": 0.05, "c": 0.0}[prompt.user])
        return [prompt.user.upper()] * prompt.n

    run = Run(
        world,
        "return json.dumps(language_model.batch_prompt('e', ['a', 'b', 'c', 'b']))",
        model=LoggedModel(answer),
    )
    assert run.said == ["A", "B", "C", "B"]


def test_a_batch_longer_than_a_call_may_draw_is_clipped(world: World) -> None:
    run = Run(
        world, "return json.dumps(language_model.batch_prompt('e', [f'm{i}' for i in range(9)]))"
    )
    assert run.said == ["m0 #0", "m1 #0", "m2 #0", "m3 #0"]


def test_a_model_that_answers_too_much_is_taken_at_what_was_asked(world: World) -> None:
    body = "return json.dumps(language_model.prompt('e', 'm', n_responses=3))"
    run = Run(world, body, model=LoggedModel(lambda prompt: ["x"] * 10))
    assert run.said == ["x"] * 3
    assert run.usage.samples == 3


def test_what_a_model_leaves_out_is_asked_for_again_as_one_call(world: World) -> None:
    body = "return json.dumps(language_model.prompt('e', 'm', n_responses=4))"
    run = Run(world, body, model=LoggedModel(lambda prompt: [f"of {prompt.n}"]))
    assert run.said == ["of 4", "of 3", "of 2", "of 1"]
    assert (run.usage.lm_calls, run.usage.requests, run.usage.samples) == (1, 4, 4)
    seeds = [prompt.seeds for prompt in run.model.prompts]
    assert [seeds[0][-len(later) :] for later in seeds] == seeds


def test_a_model_that_never_answers_anything_is_a_fault_of_the_provider(world: World) -> None:
    with pytest.raises(ModelFailure, match="no choices"):
        Run(world, "language_model.prompt('e', 'm')", model=LoggedModel(lambda prompt: []))


def test_a_prompt_that_the_provider_refuses_is_an_exception_in_the_guest(world: World) -> None:
    def answer(prompt: Any) -> list[str]:
        if len(prompt.user) > 3:
            raise ModelFailure("context_length_exceeded", kind="prompt", status=400)
        return ["fine"]

    run = Run(
        world,
        """
        try:
            language_model.prompt("e", "too long")
        except Exception as error:
            return json.dumps([str(error), language_model.batch_prompt("e", ["too long", "m"])])
        """,
        model=LoggedModel(answer),
    )
    said, rest = run.said
    assert "refused this prompt: context_length_exceeded" in said
    assert rest == ["fine"]
    assert (run.usage.lm_calls, run.usage.requests, run.usage.samples) == (2, 3, 1)


def test_a_prompt_beyond_the_limit_is_not_sent(world: World) -> None:
    run = Run(
        world,
        """
        try:
            language_model.prompt("e", "m" * (1 << 18))
        except ValueError as error:
            return json.dumps(str(error))
        """,
    )
    assert run.said == "a prompt of 262145 bytes; the limit is 262144"
    assert run.model.prompts == []


@pytest.mark.parametrize(
    "text", ["", "\x00", "\ud800 a lone surrogate", "x" * 1_000_000, "```", "\u2028" * 100]
)
def test_whatever_text_a_model_returns_the_run_goes_on(text: str, world: World) -> None:
    run = Run(
        world,
        "return json.dumps([len(t) for t in language_model.prompt('e', 'm', n_responses=4)])",
        model=LoggedModel(lambda prompt: [text] * prompt.n),
    )
    assert run.said == [len(text)] * 4


def test_temperature_is_bounded_for_providers(world: World) -> None:
    run = Run(
        world,
        """
        for temperature in (-1, 0.3, 99):
            language_model.prompt("e", "m", temperature=temperature)
        return "{}"
        """,
    )
    assert [prompt.temperature for prompt in run.model.prompts] == [0.0, 0.3, 2.0]


# --- requests that are not of the contract ------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        "language_model.prompt('e', 'm', n_responses=0)",
        "language_model.prompt('e', 'm', n_responses=-3)",
        "language_model.prompt('e', 'm', temperature=float('nan'))",
        "language_model.prompt('e', 'm', temperature=float('inf'))",
        "language_model.batch_prompt('e', [])",
    ],
)
def test_an_invalid_request_is_a_value_error_in_the_guest_and_costs_nothing(
    call: str, world: World
) -> None:
    run = Run(
        world,
        f"""
        try:
            {call}
        except ValueError as error:
            return json.dumps(str(error))
        """,
    )
    assert isinstance(run.said, str)
    assert run.model.prompts == []
    assert run.usage.lm_calls == 0


def test_solutions_that_are_no_text_are_worth_the_lowest_value(world: World) -> None:
    run = Run(
        world,
        """
        scores = utility.map([None, 3, b"x", ["a"], "ok"])
        return json.dumps([scores, scores[0].feedback])
        """,
    )
    values, feedback = run.said
    assert values == [-1, -1, -1, -1, 2]
    assert feedback.startswith("no_code")
    assert run.utility.asked == ["ok"]


def test_a_solution_with_lone_surrogates_does_not_end_the_run(world: World) -> None:
    run = Run(
        world,
        """
        try:
            score = utility("\\ud800")
        except ValueError:
            score = "refused"
        return json.dumps([score, utility("ok")])
        """,
    )
    assert run.said[0] in (-1, "refused", 1)
    assert run.said[1] == 2


@pytest.mark.parametrize(
    "request_",
    [
        ScoreRequest(("a",) * 20_000),
        PromptRequest("e", (), 1, 0.5),
        PromptRequest("e", ("m",) * 20_000, 1, 0.5),
        PromptRequest("e", ("m",), 0, 0.5),
        PromptRequest("e", ("m",), -(2**600), 0.5),
        PromptRequest("e", ("m",), 1, math.inf),
        PromptRequest("e", ("m",), 1, math.nan),
        PromptRequest("e", ("m" * 10**6,), 1, 0.5),
        RunCodeRequest("x = 1", True),
        AttemptNotice("network", "elsewhere"),
    ],
    ids=range(10),
)
def test_a_request_that_makes_no_sense_is_refused_with_a_reason(
    request_: Request, world: World
) -> None:
    context = make_context(world.executor, limits=LIMITS)
    broker = Broker(context, "key", CountedUtility(), "algorithm", LIMITS)
    reply = world.run(broker.serve(request_))
    assert reply.refused == "value"
    assert reply.data["error"] == "value"
    assert reply.data["detail"]
    assert broker.calls == broker.uses == 0


def test_a_solution_of_many_megabytes_is_worth_the_lowest_and_is_not_kept(world: World) -> None:
    context = make_context(world.executor, limits=LIMITS)
    broker = Broker(context, "key", CountedUtility(), "algorithm", LIMITS)
    reply = world.run(broker.serve(ScoreRequest(("#" * (2 << 20), "short"))))
    assert reply.data["values"][0] == CountedUtility().lowest < reply.data["values"][1]
    assert "2,097,152 characters; at most 1,048,576" in reply.data["feedback"][0]
    assert broker.uses == 2


def test_uses_of_the_utility_beyond_its_budget_are_worth_the_lowest_and_no_refusals(
    world: World,
) -> None:
    run = Run(
        world,
        """
        scores = [utility(f"program {i}") for i in range(1500)]
        return json.dumps([max(scores), min(scores)])
        """,
    )
    assert run.said == [len("program 4"), -1.0]


# --- the whole run's budget and failures of ours ------------------------------------------------


def test_the_end_of_the_whole_runs_budget_ends_the_improver_run(world: World) -> None:
    with pytest.raises(BudgetExceeded) as ended:
        Run(
            world,
            """
            while True:
                try:
                    language_model.prompt("e", "m")
                except BaseException:
                    pass
            """,
            limits=ImproverLimits(calls=100, cpu_s=20.0),
            budget=Budget(lm_calls=2),
        )
    assert ended.value.resource == "lm_calls"


def test_a_call_that_does_not_fit_is_shrunk(world: World) -> None:
    run = Run(
        world,
        "return json.dumps(language_model.prompt('e', 'm', n_responses=4))",
        budget=Budget(samples=3),
    )
    assert run.said == ["m #0", "m #1", "m #2"]
    assert run.context.ledger.usage.samples == 3


def test_a_batch_that_does_not_fit_is_shrunk_to_the_messages_that_do(world: World) -> None:
    run = Run(
        world,
        "return json.dumps(language_model.batch_prompt('e', ['a', 'b', 'c', 'd']))",
        budget=Budget(samples=2),
    )
    assert run.said == ["a #0", "b #0"]
    assert run.context.ledger.usage.samples == 2


def test_a_provider_that_fails_is_our_failure_whatever_the_improver_catches(world: World) -> None:
    def answer(prompt: Any) -> list[str]:
        raise InfrastructureError("the provider is down")

    with pytest.raises(InfrastructureError, match="provider is down"):
        Run(
            world,
            """
            try:
                language_model.prompt("e", "m")
            except BaseException:
                pass
            return "a solution"
            """,
            model=LoggedModel(answer),
        )


def test_an_answer_of_unknown_outcome_is_settled_at_its_reservation(world: World) -> None:
    def answer(prompt: Any) -> list[str]:
        raise InfrastructureError("timed out")

    context = make_context(world.executor, LoggedModel(answer), limits=LIMITS)
    broker = Broker(context, "key", CountedUtility(), "algorithm", LIMITS)
    request = PromptRequest("ee", ("mmm",), 2, 0.5)
    with pytest.raises(InfrastructureError):
        world.run(broker.serve(request))
    usage = context.ledger.usage
    assert (usage.lm_calls, usage.samples) == (1, 2)
    assert usage.tokens_in + usage.tokens_out >= 5 + 2 * context.max_tokens


def test_what_is_asked_and_answered_is_in_the_journal_with_its_usage(world: World) -> None:
    run = Run(world, "language_model.prompt('e', 'm', n_responses=2)\nreturn 'x'")
    journal = run.context.journal
    assert isinstance(journal, MemoryJournal)
    (call,), (answer,) = journal.of("lm_call"), journal.of("lm_answer")
    assert call["n"] == 2
    assert len(set(call["seeds"])) == 2
    assert all(0 <= seed < 2**63 for seed in call["seeds"])
    assert answer["state"] == "answered"
    assert len(answer["texts"]) == 2
    assert run.end["usage"]["samples"] == 2
    assert run.end["outcome"] == "returned"


def test_requests_that_differ_in_temperature_alone_have_keys_of_their_own(world: World) -> None:
    """Else the order in which threads ask would decide which of them gets which seeds."""

    def seeds(temperatures: list[float]) -> dict[float, tuple[int, ...]]:
        model = LoggedModel()
        context = make_context(world.executor, model, limits=LIMITS)
        broker = Broker(context, "key", CountedUtility(), "algorithm", LIMITS)
        for temperature in temperatures:
            request = {"op": "prompt", "expertise": "e", "messages": ["m"], "n": 2}
            world.run(broker.serve({**request, "temperature": temperature}))
        return {prompt.temperature: prompt.seeds for prompt in model.prompts}

    assert seeds([0.2, 0.9]) == seeds([0.9, 0.2])


def test_equal_requests_one_after_the_other_have_seeds_of_their_own(world: World) -> None:
    run = Run(
        world, "[language_model.prompt('e', 'm', n_responses=3) for _ in range(3)]\nreturn ''"
    )
    seeds = [seed for prompt in run.model.prompts for seed in prompt.seeds]
    assert len(set(seeds)) == 9
