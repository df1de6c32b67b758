"""What `extract_code` finds in the replies and prompts of improvers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught_guest.extract import code_blocks
from selftaught_guest.helpers import extract_code

PROGRAM_WITH_PROMPT = '''\
def improve_algorithm(initial_solution, utility, language_model):
    """Improves a solution."""
    message = f"""Improve this:
```python
{initial_solution}
```

Scored by:
```
{utility.str}
```
"""
    return language_model.prompt("you're an expert", message)[0]
'''


def fenced(code: str, fence: str = "```", info: str = "python") -> str:
    return f"Here it is, I'm sure:\n\n{fence}{info}\n{code}\n{fence}\n\nThat's all.\n"


@pytest.mark.parametrize("fence", ["```", "````", "~~~", "~~~~~"])
@pytest.mark.parametrize("info", ["", "python", "py title='x'", " python "])
def test_a_block_is_what_stands_between_its_fences(fence: str, info: str) -> None:
    assert code_blocks(fenced("x = 1\ny = 2", fence, info)) == ["x = 1\ny = 2"]


def test_a_text_without_a_block_has_no_code() -> None:
    assert extract_code("I would rather not; `x = 1` is ```inline``` code.") is None
    assert code_blocks("") == []


def test_the_largest_block_is_the_code() -> None:
    text = fenced("x = 1") + fenced("y = 1\ny += 1") + fenced("z = 1")
    assert code_blocks(text) == ["x = 1", "y = 1\ny += 1", "z = 1"]
    assert extract_code(text) == "y = 1\ny += 1"


def test_a_list_gives_a_list() -> None:
    assert extract_code([fenced("x = 1"), "none", fenced("y = 1")]) == ["x = 1", None, "y = 1"]


def test_fences_in_a_string_do_not_close_the_block() -> None:
    assert code_blocks(fenced(PROGRAM_WITH_PROMPT)) == [PROGRAM_WITH_PROMPT]


def test_the_prompt_of_a_self_improvement_has_two_blocks() -> None:
    text = fenced(PROGRAM_WITH_PROMPT) + fenced("def utility(program): ...")
    assert code_blocks(text) == [PROGRAM_WITH_PROMPT, "def utility(program): ..."]


@pytest.mark.parametrize(
    "string",
    [
        "r'''\\''''\nx = '''\n```\n'''",
        'a = """ \\""" \n```\n"""',
        "# it's a comment with \"\"\"\nx = '''\n```\n'''",
        "x = 'it\\'s # no comment' + '''\n```\n'''",
        "x = 'a\\\nb' + rb'''\n```\n'''",
        "x = '' + \"\" + f'''\n```\n'''",
    ],
)
def test_strings_are_followed_as_python_reads_them(string: str) -> None:
    compile(string, "<parameter>", "exec")
    assert code_blocks(fenced(string)) == [string]


def test_a_longer_or_another_fence_holds_a_block() -> None:
    inner = fenced("x = 1")
    assert code_blocks(fenced(inner, "````", "markdown")) == [inner]
    assert code_blocks(fenced(inner, "~~~", "markdown")) == [inner]


def test_a_block_without_an_end_runs_to_the_end_of_the_text() -> None:
    assert code_blocks("text\n```python\nx = 1\ny = 2") == ["x = 1\ny = 2"]
    assert code_blocks("text\n```") == [""]


def test_an_unclosed_string_falls_back_to_the_first_bare_fence() -> None:
    assert code_blocks(fenced('say """ now') + "more\n") == ['say """ now']


def test_an_empty_block_is_a_block() -> None:
    assert code_blocks("```\n```\n") == [""]


def test_an_indented_block_loses_its_indentation() -> None:
    text = "1. First:\n\n   ```python\n   if x:\n       y = 1\n   ```\n2. Done.\n"
    assert code_blocks(text) == ["if x:\n    y = 1"]


def test_windows_line_ends_become_plain_ones() -> None:
    assert code_blocks(fenced(PROGRAM_WITH_PROMPT).replace("\n", "\r\n")) == [PROGRAM_WITH_PROMPT]


string_line = st.sampled_from(["```", "```python", "~~~", "````", "  ```", "it's", "", "x = 1"])


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Statements, comments and strings, with fences in the triple-quoted strings."""
    parts: list[str] = []
    for _ in range(draw(st.integers(1, 6))):
        quotes = draw(st.sampled_from(['"""', "'''"]))
        body = "\n".join(draw(st.lists(string_line, max_size=5)))
        prefix = draw(st.sampled_from(["", "f", "r", "rb"]))
        plain = st.sampled_from(["x = 'a' + \"b'\"", '# don\'t """ stop', "", "x = '\\'' * 2"])
        parts.append(draw(plain))
        parts.append(f"y = {prefix}{quotes}{body}\n{quotes}")
    return "\n".join(parts) + draw(st.sampled_from(["", "\n", "\n\n"]))


@given(programs(), st.sampled_from(["```", "~~~", "`````"]), st.sampled_from(["", "python"]))
def test_any_program_survives_a_fence_and_prose(program: str, fence: str, info: str) -> None:
    compile(program, "<drawn>", "exec")
    assert code_blocks(fenced(program, fence, info)) == [program]
    assert extract_code(fenced("x", "~~~") + fenced(program, fence, info)) == program


@given(st.text(alphabet="`~'\"\\\n\r\t# ax{}rf") | st.text())
def test_no_text_raises(text: str) -> None:
    for block in code_blocks(text):
        assert isinstance(block, str)
    extract_code([text])


RUBBISH = {
    "fences closed only in strings": '```py\n"""\n```\n"""\n',
    "strings that never end": "```\n\\'''\n```\n",
    "openings only": "```py\n",
    "backticks": "`",
    "blank lines": "\n",
    "spaces": " ",
    "escapes in a string": "'\\\n",
    "long fences": "```" + " " * 999 + "x\n",
    "quotes": "'\"",
}


@pytest.mark.parametrize("name", RUBBISH)
@pytest.mark.parametrize("start", ["", "```\n", "```\n'''"])
def test_a_megabyte_of_rubbish_takes_linear_time(name: str, start: str) -> None:
    text = start + RUBBISH[name] * (1_000_000 // len(RUBBISH[name]))
    began = time.process_time()
    code_blocks(text)
    # A quadratic scan would need minutes; the bound leaves room for a slow machine.
    assert time.process_time() - began < 10
