"""What the program behind `local:mutator` does to the programs of its prompts.

It is our own code, so it is loaded here in-process; in a run it is a sandbox job.
"""

from __future__ import annotations

import ast
import math
import random
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import selftaught
from selftaught.models.guest_programs import mutator
from selftaught.models.guest_programs.draft import Draft
from selftaught.models.guest_programs.edits import OPERATORS, changed_number
from selftaught_guest.extract import code_blocks
from selftaught_guest.files import join_files, split_files
from selftaught_guest.focus import part_of
from selftaught_guest.helpers import extract_code
from selftaught_guest.reply import find_program

PACKAGE = Path(selftaught.__file__).parent
SOURCES = [path.read_text() for path in (PACKAGE / "models" / "guest_programs").glob("*.py")]

IMPROVER = '''\
from helpers import extract_code

def improve_algorithm(initial_solution, utility, language_model):
    """Improves a solution according to a utility function."""
    expertise = "You are an expert computer science researcher and programmer."
    message = f"""Improve the following solution:
```python
{initial_solution}
```

You will be evaluated based on this score function:
```python
{utility.str}
```

You must return an improved solution."""
    n_messages = min(language_model.max_responses_per_call, utility.budget)
    new_solutions = language_model.prompt(
        expertise, message, n_responses=n_messages, temperature=0.7
    )
    new_solutions = extract_code(new_solutions)
    best_solution = max(new_solutions, key=utility)
    return best_solution
'''
RULE = '''\
import math

def rule(x, grad, state):
    """Move against the gradient."""
    velocity = 0.1 * state.get("velocity", 0.0) - 0.5 * grad
    if abs(velocity) > 10 and state:
        velocity = velocity / 2
    for i in range(3):
        velocity -= math.sqrt(0.001)
    state["velocity"] = velocity
    return x + velocity
'''


def prompt(program: str, more: str = "def utility(program):\n    return program(3) / 10") -> str:
    return f"Improve this:\n```python\n{program}\n```\n\nScore:\n```python\n{more}\n```\nGo."


def samples(program: str, n: int = 40, temperature: float = 0.7) -> list[str]:
    replies: list[str] = mutator.sample("", prompt(program), n, temperature, list(range(n)))
    return replies


def code_of(reply: str) -> str:
    code = extract_code(reply)
    assert code is not None
    return code


def edits(operator: str, program: str, draws: int = 300, donor: str | None = None) -> set[str]:
    """All that one operator makes of a program in a number of draws."""
    donors = [draft(donor, 0)] if donor else []
    results = set()
    for seed in range(draws):
        drawn = draft(program, seed, donors)
        if OPERATORS[operator][0](drawn):
            results.add(ast.unparse(drawn.tree))
    return results


def draft(program: str, seed: int, donors: list[Any] | None = None) -> Any:
    return Draft(ast.parse(program), random.Random(seed), 0.7, donors or [])


def f(body: str, args: str = "x, y") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"def f({args}):\n{lines}"


# --- replies --------------------------------------------------------------------------------------


def test_the_same_seeds_give_the_same_replies() -> None:
    assert samples(IMPROVER) == samples(IMPROVER)
    assert samples(RULE) == samples(RULE)


def test_a_reply_depends_on_its_own_seed_only() -> None:
    one, two = (mutator.sample("", prompt(RULE), 2, 0.7, seeds) for seeds in ([5, 6], [6, 5]))
    assert one == two[::-1]


@pytest.mark.parametrize("n", [0, 1, 6])
def test_there_are_n_replies(n: int) -> None:
    assert len(samples(RULE, n)) == n


@pytest.mark.parametrize("program", [IMPROVER, RULE])
@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
def test_every_reply_holds_another_program_that_compiles_and_keeps_the_entry(
    program: str, temperature: float
) -> None:
    functions = [n.name for n in ast.parse(program).body if isinstance(n, ast.FunctionDef)]
    original = ast.unparse(ast.parse(program))
    for reply in samples(program, 200, temperature):
        code = code_of(reply)
        compile(code, "<edited>", "exec")
        defined = {n.name: n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef)}
        assert code != original
        assert set(functions) <= set(defined)
        for name in functions:
            assert any(isinstance(n, ast.Return) for n in ast.walk(defined[name]))


def test_the_prompt_strings_of_a_program_stay_as_they_are() -> None:
    def texts(program: str) -> set[str]:
        found = (n for n in ast.walk(ast.parse(program)))
        return {ast.unparse(n) for n in found if isinstance(n, ast.JoinedStr)} | {
            n.value
            for n in ast.walk(ast.parse(program))
            if isinstance(n, ast.Constant) and isinstance(n.value, str)
        }

    known = texts(IMPROVER)
    for reply in samples(IMPROVER, 200):
        assert texts(code_of(reply)) <= known


def test_a_good_part_of_the_edits_of_an_improver_composes_it_or_keeps_its_incumbent() -> None:
    replies = samples(IMPROVER, 400)
    useful = [r for r in replies if re.search("composition|incumbents", r.splitlines()[0])]
    assert len(useful) >= 0.15 * len(replies)


def test_about_half_of_the_replies_have_a_second_edit_and_a_few_a_third() -> None:
    counts = [reply.splitlines()[0].count(",") for reply in samples(RULE, 500)]
    assert 0.35 < statistics.mean(count >= 1 for count in counts) < 0.65
    assert 0.02 < statistics.mean(count >= 2 for count in counts) < 0.2


def test_a_program_with_fences_on_lines_of_its_own_gets_a_longer_fence() -> None:
    program = 'def f(x):\n    """Like this:\n```\ncode\n```\n"""\n    return x + 1\n'
    for reply in samples(program):
        assert "\n````python\n" in reply
        compile(code_of(reply), "<edited>", "exec")


@pytest.mark.parametrize(
    "user",
    [
        "",
        "Tell me a story.",
        "```python\nx = 1\n```",
        "```\nThis is (no program.\n```",
        "```python\ndef f(:\n```",
        "```python\ndef f(x):\n    return " + "(" * 2000 + "x" + ")" * 2000 + "\n```",
        "```python\ndef f(x):\n    return " + "-" * 20_000 + "x\n```",
        "```python\ndef f(x):\n    return " + "x + " * 5_000 + "x\n```",
        "```python\ndef f(x):\n    return '\0'\n```",
    ],
)
def test_a_prompt_without_a_program_to_edit_gets_replies_without_code(user: str) -> None:
    replies = mutator.sample("system", user, 3, 0.7, [1, 2, 3])
    assert len(replies) == 3
    assert extract_code(replies) == [None] * 3


def test_a_program_that_no_operator_can_edit_comes_back_unchanged() -> None:
    replies = mutator.sample("", "```\ndef f():\n    pass\n```", 2, 0.7, [1, 2])
    assert extract_code(replies) == ["def f():\n    pass"] * 2


def test_the_first_program_that_defines_a_function_is_the_one_edited() -> None:
    user = "```\nprose, (not code\n```\n" + prompt(RULE)
    codes = map(code_of, mutator.sample("", user, 5, 0.7, [1, 2, 3, 4, 5]))
    assert all("def rule(" in code for code in codes)


@given(st.text(), st.text(alphabet="`def f(x):\n return+1'\""))
@settings(max_examples=100)
def test_no_prompt_raises(system: str, user: str) -> None:
    for text in (user, f"```\n{user}\n```", f"```\ndef f(x):\n    return x\n{user}"):
        assert len(mutator.sample(system, text, 2, 1.0, [1, 2])) == 2


def test_edits_of_edits_stay_programs() -> None:
    rng = random.Random(0)
    for program in (IMPROVER, RULE):
        for _ in range(60):
            seed = rng.randrange(2**63)
            (reply,) = mutator.sample("", prompt(program), 1, 1.0, [seed])
            program = code_of(reply)
            compile(program, "<edited>", "exec")


def test_a_sample_takes_milliseconds() -> None:
    began = time.process_time()
    samples(IMPROVER, 100)
    # Measured: 1 ms a sample; the bound leaves room for a slow or busy machine.
    assert (time.process_time() - began) / 100 < 0.010


# --- operators ------------------------------------------------------------------------------------


def test_every_operator_is_reached() -> None:
    replies = samples(IMPROVER, 600) + samples(RULE, 600)
    named = {name for r in replies for name in r.splitlines()[0][8:-1].split(", ")}
    assert named == set(OPERATORS)


def test_constants_keep_their_type() -> None:
    for program in edits("constants", f("return x * 4")):
        assert re.search(r"x \* -?\d+$", program)
    for program in edits("constants", f("return x * 0.4")):
        assert re.search(r"x \* -?\d+(\.\d+)?(e-\d+)?$", program)
    assert edits("constants", f("return True")) == {f("return False")}


def test_temperature_widens_the_changes_of_constants() -> None:
    def spread(temperature: float) -> float:
        rng = random.Random(0)
        drawn = [changed_number(100.0, rng, temperature) for _ in range(500)]
        return statistics.pstdev(math.log(value) for value in drawn if value > 0)

    assert spread(0.1) < spread(0.7) < spread(1.5)


def test_a_constant_in_a_string_is_no_constant() -> None:
    assert edits("constants", f("return f'{x + 1}'")) == set()


def test_composition_calls_a_function_on_its_own_result() -> None:
    results = edits("composition", f("return x + y"))
    head = "def f_once(x, y):\n    return x + y\n\n"
    assert head + f("return f_once(f_once(x, y), y)") in results
    assert head + f("for _ in range(3):\n    x = f_once(x, y)\nreturn x") in results


def test_composition_keeps_the_best_by_what_the_function_ranks_with() -> None:
    program = f("new_xs = y(x)\nreturn max(new_xs, key=u)", "x, y, u")
    results = edits(
        "composition", program.replace("return max", "new_x = max") + "\n    return new_x"
    )
    assert any("return max([x, *[f_once(x, y, u) for _ in range(2)]], key=u)" in r for r in results)
    assert any("x = max([x, f_once(x, y, u)], key=u)" in r for r in results)


def test_composition_passes_every_kind_of_parameter_on() -> None:
    program = "def f(x, /, y=1, *z, k=2, **w):\n    if y:\n        return f(x, 0)\n    return x + y"
    for result in edits("composition", program):
        scope: dict[str, object] = {}
        exec(result, scope)  # our own program, edited
        function = scope["f"]
        assert callable(function)
        assert function(1, 1, 5, k=3, other=4) > 0


def test_composition_wraps_a_number_in_a_function_of_the_program() -> None:
    program = "import math\n\ndef f(x):\n    y = math.sqrt(2 * x)\n    return y * 3"
    assert any("return math.sqrt(y * 3)" in r for r in edits("composition", program))


def test_crossover_takes_from_a_donor_and_fits_its_names() -> None:
    results = edits("crossover", f("return x - y"), donor="def g(a):\n    return a ** 5")
    assert f("return x ** 5") in results
    assert f("return y ** 5") in results


def test_crossover_without_a_donor_takes_from_the_program() -> None:
    assert f("z = x - y\nreturn x - y") in edits("crossover", f("z = x - y\nreturn z * 2"))


def test_a_name_that_the_program_cannot_know_is_not_taken_over() -> None:
    donor = "def g(a):\n    return secret.load(a) + helper(a)"
    results = edits("crossover", f("return x - y"), donor=donor)
    assert not any("secret" in r or "helper" in r for r in results)


def test_subtrees_are_replaced_and_put_into_arithmetic() -> None:
    results = edits("subtrees", f("return x - y * 3"))
    assert f("return x - x") in results
    assert f("return x - y * 3 * 3") in results
    assert any(re.search(r"return x - y \* 3 \+ ", r) for r in results)


def test_operators_change_into_their_like() -> None:
    assert {f("return x + y"), f("return y - x"), f("return x * y")} <= edits(
        "operators", f("return x - y")
    )
    assert edits("operators", f("return x and y")) == {f("return x or y")}
    assert f("x *= y\nreturn x") in edits("operators", f("x += y\nreturn x"))
    assert edits("operators", f("return 'a' + 'b'")) == set()


def test_names_change_into_names_in_scope() -> None:
    results = edits("names", f("z = x\nreturn z", "x, y"))
    assert results == {f("z = y\nreturn z"), f("z = x\nreturn x"), f("z = x\nreturn y")}


def test_a_deletion_leaves_what_others_need() -> None:
    program = f("z = x\nz += y\nz = z * 2\nreturn z")
    assert edits("deletion", program) == {
        f("z = x\nz = z * 2\nreturn z"),
        f("z = x\nz += y\nreturn z"),
    }
    assert edits("deletion", "import math\n\n" + f("return math.pi")) == set()


def test_comparisons_change() -> None:
    assert edits("comparisons", f("return x < y")) == {f("return x <= y"), f("return x > y")}


def test_hoisting_takes_a_part_for_the_whole_and_a_body_for_its_block() -> None:
    assert {f("return x"), f("return y")} <= edits("hoisting", f("return x * y"))
    program = f("if x > y:\n    x = y + 1\nreturn x")
    assert f("x = y + 1\nreturn x") in edits("hoisting", program)


def test_an_incumbent_is_kept_among_the_choices() -> None:
    program = f("xs = m(x)\nreturn max(xs, key=u)", "x, u, m")
    assert f("xs = m(x)\nreturn max([*xs, x], key=u)", "x, u, m") in edits("incumbents", program)
    again = f("return min([*x, x], key=u)", "x, u, m")
    assert edits("incumbents", again) == {f("return min([*x, x, m], key=u)", "x, u, m")}
    assert edits("incumbents", f("return max(x, y)")) == set()


def test_duplication_repeats_a_statement_or_swaps_neighbours() -> None:
    results = edits("duplication", f("z = x\nz += y\nx = 1\nreturn z"))
    assert f("z = x\nz += y\nz += y\nx = 1\nreturn z") in results
    assert f("z = x\nx = 1\nz += y\nreturn z") in results
    assert f("z += y\nz = x\nx = 1\nreturn z") not in results


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("min(x, y)", "max(x, y)"),
        ("x.argmax()", "x.argmin()"),
        ("any(x)", "all(x)"),
        ("sorted(x)", "sorted(x, reverse=True)"),
        ("sorted(x, key=y, reverse=True)", "sorted(x, key=y)"),
        ("list(reversed(x))", "list(sorted(x))"),
    ],
)
def test_opposites_change_places(before: str, after: str) -> None:
    assert edits("opposites", f(f"return {before}")) == {f(f"return {after}")}


# --- what it is -----------------------------------------------------------------------------------


def test_the_source_names_no_task() -> None:
    tasks = [folder.name for folder in (PACKAGE / "tasks").iterdir() if folder.is_dir()]
    names = [name for name in tasks if not name.startswith("_")]
    assert names
    text = "\n".join(SOURCES).lower()
    for name in names:
        assert not re.search(name.replace("_", "[ _-]?"), text), name


def test_the_source_imports_only_plain_modules() -> None:
    allowed = {"ast", "collections.abc", "copy", "dataclasses", "math", "random", "re", "textwrap"}
    ours = "selftaught.models.guest_programs."
    for node in ast.walk(
        ast.parse("\n".join(SOURCES).replace("from __future__ import annotations", ""))
    ):
        if isinstance(node, ast.Import):
            assert {alias.name for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            readers = {f"selftaught_guest.{name}" for name in ("extract", "files", "focus")}
            assert module in allowed | readers or module.startswith(ours)
    assert code_blocks.__module__ in sys.modules


def test_the_source_says_that_it_is_no_language_model() -> None:
    assert "not a language model" in str(mutator.__doc__)


# --- programs of several files, and parts ---------------------------------------------------------

FILES = {
    "main.py": "from rules import rule\n\n\ndef algorithm(x):\n    return rule(x) + 1.5\n",
    "rules.py": "LIMIT = 12\n\n\ndef rule(x):\n    return min(x * 2, LIMIT)\n",
    "words.py": 'NAMES = ["a", "b"]\n',
}


def test_of_several_files_one_with_a_function_is_edited() -> None:
    program = join_files(FILES)
    replies = mutator.sample("", f"Improve:\n```python\n{program}\n```", 40, 0.7, list(range(40)))
    changed = set()
    for reply in replies:
        found = find_program(reply, "algorithm", [program]).program
        files = split_files(found or "")
        assert files is not None, reply
        assert files.keys() == FILES.keys()
        (path,) = (path for path in FILES if files[path] != FILES[path])
        changed.add(path)
    assert changed == {"main.py", "rules.py"}


def test_of_a_part_a_function_that_stands_there_whole_is_edited() -> None:
    body = "".join(f"    x += {n} * x\n" for n in range(10))
    long = "".join(f"def step_{n}(x):\n{body}    return x\n\n\n" for n in range(40))
    program = join_files({**FILES, "steps.py": long})
    message = f"Improve:\n```python\n{part_of(program, 0.5, 5_000)}\n```"
    for reply in mutator.sample("", message, 20, 0.7, list(range(20))):
        found = find_program(reply, "algorithm", [program])
        assert found.program not in (None, program), (reply, found)


def test_what_heads_cannot_be_is_no_program() -> None:
    broken = "# ==== file: ../main.py ====\ndef algorithm(x):\n    return x\n"
    assert mutator.sample("", f"```python\n{broken}```", 1, 0.7, [1]) == [mutator.NO_PROGRAM]
