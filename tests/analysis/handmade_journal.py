"""A small journal made by hand: a run of two steps, an interrupted one and an `improve`."""

from __future__ import annotations

from typing import Any

from journal_support import put
from selftaught.core.program import content_id
from selftaught.journal.port import Journal

STOP_RUN = "20261123-0455-3f9a"
KILLED_RUN = "20261123-0501-0b0b"
IMPROVE_RUN = "20261124-0900-beef"

SEED = "def improve_algorithm(s, u, m):\n    return s\n"
BETTER = "def improve_algorithm(s, u, m):\n    return max(m.prompt('', s), key=u)\n"
WORSE = "def improve_algorithm(s, u, m):\n    return ''\n"
SEED_ID, BETTER_ID, WORSE_ID = (content_id(source) for source in (SEED, BETTER, WORSE))
SOLUTION, SOLVED = "def algorithm(x):\n    return x\n", "def algorithm(x):\n    return -x\n"
SOLUTION_ID, SOLVED_ID = content_id(SOLUTION), content_id(SOLVED)
TASK = {"name": "bin_packing", "version": "11" * 8}


def usage(**counts: float) -> dict[str, float]:
    names = ("lm_calls", "requests", "samples", "tokens_in", "tokens_out", "usd")
    return {name: counts.get(name, 0) for name in names}


def run_body(command: str, **changes: Any) -> dict[str, Any]:
    return {
        "command": command,
        "config": {"iterations": 2, "store": "sqlite:///x.db"},
        "version": "0.1.0",
        "seed": 7,
        "model": "local:mutator",
        "tier": "namespaced",
        "tasks": [TASK],
        "started": "2026-11-23T04:55:00+00:00",
    } | changes


def invocation(role: str, improver: str) -> dict[str, Any]:
    nothing = {"task": None, "stream": None, "repeat": None}
    return {"role": role, "parent": "", "improver": improver, **nothing}


def call(invocation_key: str, request: int = 0) -> dict[str, Any]:
    prompt = {"system": content_id("expert"), "user": content_id("improve \udc80 this")}
    settings = {"n": 2, "temperature": 0.7, "max_tokens": 10, "seeds": [1, 2]}
    return {"invocation": invocation_key, "request": request, **prompt, **settings}


def answer(
    invocation_key: str, state: str, cost_usd: float | None, request: int = 0, **used: float
) -> dict[str, Any]:
    return {
        "invocation": invocation_key,
        "request": request,
        "state": state,
        "detail": "",
        "texts": [],
        "finishes": ["stop"] * int(used.get("samples", 0)),
        "model": "local:mutator",
        "usage_reported": True,
        "usage": usage(**used, usd=cost_usd or 0.0),
        "cost_usd": cost_usd,
    }


def evaluation(program: str, kind: str, value: float | None) -> dict[str, Any]:
    return {
        "program": program,
        "task": TASK["name"],
        "task_version": TASK["version"],
        "stream": "search",
        "repeat": "0",
        "kind": kind,
        "value": value,
        "detail": "",
        "feedback": "",
        "per_instance": [],
        "metrics": {},
        "cpu_s": 0.01,
        "tier": "namespaced",
    }


def iteration(t: int, improver_id: str, mean: float) -> dict[str, Any]:
    val = {"mean": mean, "ci95": [mean - 0.1, mean + 0.1], "n": 5}
    return {"t": t, "improver_id": improver_id, "val": val, "test": val, "proposal": None}


def proposal(t: int, improver: str | None, accepted: bool) -> dict[str, Any]:
    parent = SEED_ID if t == 1 else BETTER_ID
    difference = {"mean": 0.1, "ci95": [0.0, 0.2], "n": 5} if improver else None
    judged = {"accepted": accepted, "val_difference": difference, "reason": "because"}
    return {"t": t, "parent": parent, "improver": improver, **judged}


def write_stop_run(journal: Journal, run_id: str = STOP_RUN, **changes: Any) -> None:
    def append(kind: str, key: str, body: dict[str, Any], *texts: str) -> None:
        put(journal, run_id, kind, key, body, texts)

    append("run", run_id, run_body("run", **changes), SEED)
    append("iteration", "0", iteration(0, SEED_ID, 0.5))
    append("invocation", "p1", invocation("proposal", SEED_ID))
    append("lm_call", "p1/0", call("p1"), "expert", "improve \udc80 this")
    append("lm_answer", "p1/0", answer("p1", "fault", 0.5, lm_calls=1, requests=1, samples=2))
    append("lm_call", "p1/0", call("p1", 1))
    second = answer("p1", "answered", 0.25, 1, requests=1, samples=2, tokens_in=10)
    append("lm_answer", "p1/0", second)
    append("model_notice", "p1/0", {"detail": "it does not take temperature"})
    append("invocation", "i1", invocation("inner", BETTER_ID))
    append("lm_call", "i1/0", call("i1"))
    append("lm_call", "i1/0", call("i1"))
    append("lm_answer", "i1/0", answer("i1", "answered", None, lm_calls=1, requests=1, samples=2))
    append("lm_call", "i1/1", call("i1"))
    append("lm_answer", "i1/1", answer("i1", "limited", 0.0, lm_calls=1, requests=1))
    append("lm_call", "i1/1", call("i1", 1))
    append("evaluation", "e1", evaluation(SOLUTION_ID, "scored", 0.5), SOLUTION)
    append("evaluation", "e1", evaluation(SOLUTION_ID, "scored", 0.5))
    append("evaluation", "e2", evaluation(SOLVED_ID, "scored", 0.9), SOLVED)
    append("evaluation", "e3", evaluation("ab" * 8, "timeout", None))
    end = {"detail": "", "program": None, "cpu_s": 0.1, "usage": usage(), "utility_uses": 3}
    append("invocation_end", "p1", {"outcome": "returned", **end})
    append("proposal", "1", proposal(1, BETTER_ID, accepted=True), BETTER)
    append("iteration", "1", iteration(1, BETTER_ID, 0.7))
    append("proposal", "2", proposal(2, WORSE_ID, accepted=False), WORSE)
    append("proposal", "3", proposal(3, None, accepted=False))
    append("iteration", "2", iteration(2, BETTER_ID, 0.7))


STOP_USAGE = usage(lm_calls=3, requests=4, samples=6, tokens_in=10, usd=0.75)


def write_all(journal: Journal) -> None:
    write_stop_run(journal)
    result: dict[str, Any] = {"run_id": STOP_RUN, "state": "done", "best_improver_id": BETTER_ID}
    put(journal, STOP_RUN, "result", STOP_RUN, result)
    end: dict[str, Any] = {"state": "done", "detail": "", "usage": STOP_USAGE, "wall_s": 12.5}
    put(journal, STOP_RUN, "run_end", STOP_RUN, end)

    # Interrupted, resumed, and killed.
    write_stop_run(journal, KILLED_RUN)
    interrupted = end | {"state": "interrupted", "detail": "Ctrl-C"}
    put(journal, KILLED_RUN, "run_end", KILLED_RUN, interrupted)
    put(journal, KILLED_RUN, "run", KILLED_RUN, run_body("run", started="later"))

    put(journal, IMPROVE_RUN, "run", IMPROVE_RUN, run_body("improve"))
    put(journal, IMPROVE_RUN, "evaluation", "e", evaluation(SOLUTION_ID, "scored", 0.5))
    best = {"val": 0.9, "test": 0.8, "program_id": SOLVED_ID, "source": SOLVED}
    result = {"run_id": IMPROVE_RUN, "seed": {"val": 0.5, "test": 0.5}, "best": best}
    put(journal, IMPROVE_RUN, "result", IMPROVE_RUN, result)
    spent = end | {"state": "budget", "detail": "the budget of usd is spent"}
    put(journal, IMPROVE_RUN, "run_end", IMPROVE_RUN, spent)
