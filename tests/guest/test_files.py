"""Programs of several files as one text: what is one, what is refused, and what replies change."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught_guest.edits import EditFailed, apply_edits
from selftaught_guest.files import (
    FilesError,
    entry_path,
    head,
    join_files,
    module_of,
    split_files,
)
from selftaught_guest.reply import find_program
from selftaught_guest.reply_files import programs_of

FILES = {
    "main.py": "from parsing import fields\n\n\ndef algorithm(line):\n    return fields(line)\n",
    "parsing.py": "def fields(line):\n    return line.split()\n",
    "rules/levels.py": "LEVELS = {}\n",
}
PROGRAM = join_files(FILES)

texts = st.text(alphabet=st.sampled_from("ab=#\n: fileмй.py\"'`")).map(
    lambda text: text if not text or text.endswith("\n") else f"{text}\n"
)
paths = st.sampled_from(["main.py", "a.py", "b/c.py", "b/d/e.py", "b/__init__.py", "_x1.py"])


@given(st.dictionaries(paths, texts, min_size=1))
def test_files_come_back_as_they_were_whatever_is_in_them(files: dict[str, str]) -> None:
    assert split_files(join_files(files)) == files


@given(st.dictionaries(paths, texts, min_size=2))
def test_the_text_is_the_same_in_whatever_order_the_files_come(files: dict[str, str]) -> None:
    assert join_files(dict(reversed(files.items()))) == join_files(files)


def test_a_head_in_a_string_is_no_head() -> None:
    prompt = f'TEXT = """\n{head("main.py")}\n{head("main.py", "=====")}\n"""\n'
    files = {"main.py": prompt, "other.py": "x = 1\n"}
    program = join_files(files)
    assert split_files(program) == files
    edit = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE"
    assert split_files(apply_edits(program, edit)) == {**files, "other.py": "x = 2\n"}
    brings_one = (
        f"other.py\n<<<<<<< SEARCH\nx = 1\n=======\nx = '''\n{head('x.py')}\n'''\n>>>>>>> REPLACE"
    )
    edited = split_files(apply_edits(join_files(FILES | {"other.py": "x = 1\n"}), brings_one))
    assert edited is not None
    assert edited["other.py"] == f"x = '''\n{head('x.py')}\n'''\n"
    assert len(edited) == 4


def test_a_text_without_a_head_in_its_first_line_is_one_file() -> None:
    for text in ("", "x = 1\n", f"\n{PROGRAM}", "# ==== main.py ====\n", "# === file: a.py ===\n"):
        assert split_files(text) is None


BAD_PATHS = [
    "../main.py", "/main.py", "./main.py", "a//b.py", "a/../b.py", "main", "main.PY", ".py",
    "a b.py", "a.b.py", "a-b.py", "1a.py", "class.py", "a/def.py", "__init__.py", "__main__.py",
    "a\0.py",
    "\uff41.py", "\u0430b.py", "a\u200b.py", "a\u202epy.py", "a\\b.py", "a\r.py", "a/" * 9 + "b.py",
    "x" * 300 + ".py", "json.py", "numpy.py", "numpy/linalg.py", "helpers.py", "helpers/x.py",
    "selftaught_guest/run.py", "selftaught.py", "sys.py", "_thread.py", "program.py", "",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_no_file_may_have_is_refused_in_one_line(path: str) -> None:
    with pytest.raises(FilesError) as refused:
        join_files({**FILES, path: "x = 1\n"})
    assert "\n" not in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 250
    with pytest.raises(FilesError):
        split_files(f"{PROGRAM}{head(path)}\nx = 1\n")


def test_what_names_one_module_twice_is_refused() -> None:
    with pytest.raises(FilesError, match=r"main\.py is there twice"):
        split_files(f"{PROGRAM}{head('main.py')}\n")
    with pytest.raises(FilesError, match="folder's name"):
        join_files({"a.py": "", "a/b.py": ""})


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{head(f'f{number}.py')}\n" for number in range(10_000)),
        f"# {'=' * 10**6} file: a.py {'=' * 10**6}\n",
        f"# ==== file: {' ====' * 200_000}\n",
        f"# ==== file: {'= ' * 500_000}====\n",
        f"# ==== file: {'a/' * 500_000}b.py ====\n",
        f"{head('a.py')}\n" + "# ==== file: a\n" * 70_000,
        f"{head('a.py')}\n" + "\0" * 10**6,
    ],
)
def test_hostile_heads_are_read_or_refused_at_once(text: str) -> None:
    began_s = time.process_time()
    try:
        said = repr(split_files(text))[:10]
    except FilesError as refused:
        said = str(refused)
    assert time.process_time() - began_s < 0.5
    assert said.startswith("{'a.py'") or len(said) < 250


def test_the_entry_is_of_main_or_else_of_the_only_file_that_has_it() -> None:
    defines = "def algorithm(x):\n    return x\n"
    assert entry_path({"main.py": defines, "other.py": defines}, "algorithm") == "main.py"
    assert entry_path({"main.py": "", "other.py": defines}, "algorithm") == "other.py"
    with pytest.raises(FilesError, match=r"a\.py and b\.py do"):
        entry_path({"a.py": defines, "b.py": defines}, "algorithm")
    with pytest.raises(FilesError, match="none does"):
        entry_path({"a.py": "def algorithms(x):\n    pass\n"}, "algorithm")
    assert module_of("rules/levels.py") == "rules.levels"
    assert module_of("rules/__init__.py") == "rules"


# --- replies --------------------------------------------------------------------------------------

NEW = "def fields(line):\n    return line.split(',')"
CHANGE = "-    return line.split()\n+    return line.split(',')"
SEARCH = (
    "<<<<<<< SEARCH\n    return line.split()\n=======\n    return line.split(',')\n>>>>>>> REPLACE"
)
FORMS = {
    "a fence with a head": f"Commas.\n```python\n{head('parsing.py')}\n{NEW}\n```",
    "a fence with its path": f"```python parsing.py\n{NEW}\n```",
    "a fence with a title": f'```python title="./parsing.py"\n{NEW}\n```',
    "a path before the fence": f"I change:\n\n### `parsing.py`\n\n```python\n{NEW}\n```\nDone.",
    "a path and a folder too many": f"**program/parsing.py**:\n```\n{NEW}\n```",
    "the whole program": f"```python\n{join_files({**FILES, 'parsing.py': NEW})}```",
    "the whole program without a fence": join_files({**FILES, "parsing.py": NEW}),
    "a quotation and then the file": (
        f"```python parsing.py\n{FILES['parsing.py']}```\nbecomes\n```python parsing.py\n{NEW}\n```"
    ),
    "the file and then a quotation": (
        f"```python parsing.py\n{NEW}\n```\nin place of\n```python parsing.py\n"
        f"{FILES['parsing.py']}```"
    ),
    "an edit of no file": SEARCH,
    "an edit below its path": f"parsing.py\n{SEARCH}",
    "an edit below its path in a fence": f"```python\n# parsing.py\n{SEARCH}\n```",
    "an edit below the wrong path": f"main.py\n{SEARCH}",
    "an edit with the head in it": SEARCH.replace("SEARCH\n", f"SEARCH\n{head('parsing.py')}\n"),
    "a diff": f"```diff\n--- a/parsing.py\n+++ b/parsing.py\n@@ -1,2 +1,2 @@\n{CHANGE}\n```",
    "a diff without places": f"```diff\n{CHANGE}\n```",
}  # fmt: skip


@pytest.mark.parametrize("reply", FORMS.values(), ids=FORMS)
def test_a_reply_changes_one_file_and_leaves_the_others(reply: str) -> None:
    found = find_program(reply, "algorithm", [PROGRAM])
    assert found.program is not None, found
    assert split_files(found.program) == {**FILES, "parsing.py": f"{NEW}\n"}


def test_files_and_edits_and_new_files_come_together() -> None:
    reply = (
        f"```python\n{head('rules/more.py')}\nMORE = 1\n```\n"
        f"```python\n# rules/levels.py\nLEVELS = {{1: 2}}\n```\n{SEARCH}"
    )
    found = find_program(reply, "algorithm", [PROGRAM])
    assert found.program is not None, found
    files = split_files(found.program)
    assert files == {
        **FILES,
        "parsing.py": f"{NEW}\n",
        "rules/levels.py": "# rules/levels.py\nLEVELS = {1: 2}\n",
        "rules/more.py": "MORE = 1\n",
    }
    made = apply_edits(PROGRAM, "new.py\n<<<<<<< SEARCH\n=======\nX = 1\n>>>>>>> REPLACE")
    assert split_files(made) == {**FILES, "new.py": "X = 1\n"}


def test_a_block_of_no_file_is_the_entrys() -> None:
    reply = "```python\ndef algorithm(line):\n    return line\n```"
    found = find_program(reply, "algorithm", [PROGRAM])
    assert found.program is not None
    assert split_files(found.program) == {
        **FILES,
        "main.py": "def algorithm(line):\n    return line\n",
    }


def test_a_file_is_given_what_it_lacks_of_what_it_had() -> None:
    files = {**FILES, "parsing.py": "SIGN = ','\n\n\ndef fields(line):\n    return [line]\n"}
    reply = "```python parsing.py\ndef fields(line):\n    return line.split(SIGN)\n```"
    found = find_program(reply, "algorithm", [join_files(files)])
    assert found.program is not None
    assert "SIGN = ','" in (split_files(found.program) or {})["parsing.py"]


@pytest.mark.parametrize(
    ("reply", "why", "detail"),
    [
        ("I would not change it.", "no_program", ""),
        (f"```python json.py\n{NEW}\n```", "no_program", "json is the name of a module"),
        (f"```python\n{head('../x.py')}\nx = 1\n```", "no_program", "no path"),
        ("```python parsing.py\ndef fields(line):\n    # ... as before ...\n```", "elided", ""),
        (SEARCH.replace("line.split()", "no such line"), "edits", "not found in any file"),
    ],
)
def test_what_is_no_change_says_why(reply: str, why: str, detail: str) -> None:
    found = find_program(reply, "algorithm", [PROGRAM])
    assert (found.program, found.why) == (None, why)
    assert detail in found.detail


def test_an_edit_of_lines_that_several_files_have_must_name_its_file() -> None:
    program = join_files({"a.py": "x = 1\n", "b.py": "x = 1\n"})
    edit = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE"
    with pytest.raises(EditFailed, match=r"a\.py and b\.py"):
        apply_edits(program, edit)
    assert split_files(apply_edits(program, f"b.py\n{edit}")) == {
        "a.py": "x = 1\n",
        "b.py": "x = 2\n",
    }


def test_a_prompt_shows_the_program_with_all_its_files() -> None:
    assert programs_of(f"Improve this:\n```python\n{PROGRAM}\n```\nWell?", "algorithm") == [PROGRAM]
