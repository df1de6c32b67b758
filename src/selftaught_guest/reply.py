"""Which program a reply of a language model means.

Models answer in many forms. What was thought aloud is set aside first; then forms are tried from
the plainest to the oddest, until one has a program that defines the entry: fences as they should
be, fences on a line with prose or glued to code, tags, fields of JSON, bare text. Of the programs
of a form the last counts; what is a quotation of the program that was shown, a stub, or has
comments in place of code, only where there is nothing better. Edits are applied to the program
that was shown. Where the entry is not told, or nothing defines it: the largest block.

The time is linear in the length of the text. Python's parser reads it, so this is for guests alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from selftaught_guest.edits import EditFailed, apply_edits, edits_in, new_files
from selftaught_guest.elision import is_elided, is_stub, marks_elision
from selftaught_guest.extract import Block, fenced, largest_block
from selftaught_guest.files import FilesError, join_files, split_files
from selftaught_guest.reply_files import given_files, signs, whole_text
from selftaught_guest.source import (
    QUOTED,
    TURN_ENDS,
    Source,
    carved,
    defines,
    joined,
    parsed,
    readable,
    unescaped,
    without_words,
)

__all__ = ["Found", "find_program"]

Why: TypeAlias = Literal["", "empty", "reasoning", "no_program", "elided", "edits"]

# --- what was thought aloud -----------------------------------------------------------------------

_WORDS = (
    "think|thinking|thought|thoughts|reasoning|reason|reflection|scratchpad|analysis|cot|"
    "seed:think|antthinking|begin_of_thought|end_of_thought"
)
# Forms of other families of models: <|begin_of_thought|>, [THINK], and channels.
_OPENS = (
    rf"^[ \t]*+(?:<\|?(?:{_WORDS})\b[^>\n]*+>|\[THINK\]|◁think▷)"
    r"|<\|channel\|>\s*+(?:analysis|commentary)\b[^<\n]*+(?:<\|message\|>)?"
)
_CLOSES = (
    rf"(?<![^`]`)(?:</(?:{_WORDS})>|<\|end_of_thought\|>|\[/THINK\]|◁/think▷"
    r"|(?:<\|start\|>assistant)?<\|channel\|>\s*+final\b[^<\n]*+<\|message\|>)(?!`(?!`))"
)
_THOUGHT = re.compile(rf"(?P<closes>{_CLOSES})|(?P<opens>{_OPENS})", re.MULTILINE | re.IGNORECASE)


def answer_of(text: str) -> str:
    """A reply without what was thought aloud, closed or not.

    What looks like a tag within a program, where it can only be part of a string, is none. An end
    without a beginning has everything before it as thoughts: servers begin them in the prompt.
    """
    if _THOUGHT.search(text) is None:
        return text
    programs = [
        block for block in fenced(text) if _THOUGHT.search(block.code) and readable(block.code)
    ]
    kept: list[str] = []
    begin, since = 0, None
    for tag in _THOUGHT.finditer(text):
        if any(block.start <= tag.start() < block.end for block in programs):
            continue
        if tag["closes"] is not None:
            kept = kept if since is not None else []
            begin, since = tag.end(), None
        elif since is None:
            kept.append(text[begin : tag.start()])
            since = tag.start()
    if since is None:
        kept.append(text[begin:])
    return "\n".join(kept)


# --- forms ----------------------------------------------------------------------------------------

_OTHER_LANGUAGES = re.compile(
    r"(?i)^(?:sh|shell|bash|zsh|console|terminal|powershell|text|txt|plain\w*|output|json\w*|"
    r"ya?ml|toml|diff|patch|ini|csv|xml|html|css|markdown|md|latex|tex|sql|c|h|cpp|c\+\+|cc|cuda|cs|csharp|java|kotlin|"
    r"scala|go|golang|rust|rs|js|jsx|javascript|ts|tsx|typescript|ruby|rb|php|perl|r|julia|swift|"
    r"haskell|lua|matlab|fortran|asm|dockerfile|makefile|requirements\S*|mermaid|math|pseudo\w*)$"
)
# A fence at the end of a line of prose or code, and code or prose after a fence on its line.
_GLUED = re.compile(r"(?<=[^\s`>])[ \t]*+(?P<fence>`{3,}+[\w+-]*+[ \t]*+)$", re.MULTILINE)
_FOLLOWED = re.compile(
    r"^(?P<fence>[ \t]*+`{3,}+)(?P<info>(?:python\d?|py)?+[ \t]++(?=[^\s`]++[ \t(])"
    r"|(?=(?:def|class|from|import|async)[ \t]))",
    re.MULTILINE,
)
_QUOTES_A_FENCE = re.compile(r"^[ \t]*+>[ \t]*+(?:`{3}|~{3})", re.MULTILINE)
_TAGGED = re.compile(
    r"<(?P<tag>code|python|program|answer|solution|final|improved\w*)\b[^>\n]*+>"
    r"(?:\s*<!\[CDATA\[)?(?P<code>.*?)(?:(?:\]\]>\s*)?</(?P=tag)>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_FIELD = re.compile(r"""(?P<quote>["'])[\w -]++(?P=quote)\s*+:\s*+(?P<value>["'])""")
_LITERAL = re.compile(r"\"{3}(?P<text>.*?)\"{3}|'(?P<plain>(?:[^'\\]|\\.)*+)'", re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`\n]++)`(?!`)")
_JSON = json.JSONDecoder(strict=False)
_DEEPEST = 3
_DEFINITION = re.compile(r"^[ \t]*+(?:async |def |class )", re.MULTILINE)
_EDITED = re.compile(
    r"^[ \t]*+(?:<{4,}+[\w ]*+|-{4,}+[ \t]*+SEARCH[ \t]*+)$|^@@(?=[ \n])"
    r"|^[ \t]*+(?:`{3,}+|~{3,}+)[ \t]*+(?:diff|patch)\b",
    re.MULTILINE,
)


def _blocks(text: str) -> list[str]:
    return [one.code for one in _fenced(text)]


def _fenced(text: str) -> list[Block]:
    """Fenced blocks that may be programs."""
    return [
        one
        for one in fenced(text)
        if not _OTHER_LANGUAGES.match(one.info)
        and (not _EDITED.search(one.code) or parsed(one.code) is not None)
        and not _FOLLOWED.match(text, one.start)
    ]


def _loosened(text: str) -> str:
    """With each fence on a line of its own, out of quotations, without marks of turns' ends."""
    text = TURN_ENDS.sub("", text)
    if _QUOTES_A_FENCE.search(text) is not None:
        text = QUOTED.sub("", text)
    return _GLUED.sub(r"\n\g<fence>", _FOLLOWED.sub(r"\g<fence>\n", text))


def _fields(text: str, depth: int = 0) -> Iterator[str]:
    """Texts of JSON's fields, also where the whole is no JSON, and of JSON within them."""
    for field in _FIELD.finditer(text):
        at = field.start("value")
        if (literal := _LITERAL.match(text, at)) is not None:
            value = literal["text"] or (literal["plain"] or "").replace("\\n", "\n")
        else:
            try:
                value, _ = _JSON.raw_decode(text, at)
            except ValueError:
                continue
        if _FIELD.search(value) is not None and depth < _DEEPEST:
            yield from _fields(value, depth + 1)
        yield from _blocks(value)
        yield value


_Read: TypeAlias = Callable[[str], Source | None]


def _forms(answer: str, entry: str) -> Iterator[tuple[_Read, list[str]]]:
    """What may be the program, in one form after the other, and how each is read."""

    def out_of_prose(text: str) -> Source | None:
        return None if marks_elision(text) else carved(text, entry)

    def as_a_whole(text: str) -> Source | None:
        return readable(text)

    yield parsed, [answer.strip("\n")]
    blocks = _blocks(answer)
    yield readable, blocks
    if _EDITED.search(answer) is not None:
        yield readable, new_files(answer)
        return
    loosened = _loosened(answer)
    yield readable, [] if loosened == answer else _blocks(loosened)
    yield readable, [found["code"] for found in _TAGGED.finditer(loosened)]
    yield readable, list(_fields(answer))
    yield as_a_whole, [loosened, *_INLINE.findall(answer)]
    yield out_of_prose, [*blocks, *_blocks(loosened)]
    yield out_of_prose, [loosened]
    yield out_of_prose, [_without_blocks(loosened)]


def _without_blocks(answer: str) -> str:
    kept, since = [], 0
    for block in fenced(answer):
        kept.append(answer[since : block.start])
        since = block.end
    return "".join([*kept, answer[since:]])


# --- the program ----------------------------------------------------------------------------------


class Found(NamedTuple):
    """What a reply came to.

    Attributes:
        program: its program, or None.
        why: there is none: `empty`; `reasoning` alone; `no_program`; `elided`, comments in place of
            code; `edits`, which do not apply. "" where there is one.
        detail: why edits do not apply, in words.
    """

    program: str | None
    why: Why = ""
    detail: str = ""


def find_program(text: str, entry: str | None = None, shown: Sequence[str] = ()) -> Found:
    """The program that a reply means.

    Args:
        entry: the function that it must define; without it, the largest block counts. "" where what
            is looked for is a text, which defines nothing: the edits, or the largest block.
        shown: programs that the prompt showed, which edits are edits of.
    """
    if entry is None:
        code = largest_block(text)
        return Found(code, "no_program" if code is None else "")
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    answer = answer_of(text)
    if not answer.strip():
        return Found(None, "reasoning" if text.strip() else "empty")
    if "&lt;&lt;&lt;" in answer:
        answer = unescaped(answer)
    if not entry:
        edited = _edited(answer, shown)
        if edited.program is not None or edited.why:
            return edited
        block = largest_block(answer)
        return Found(block, "" if block else "no_program")
    try:
        if shown and (files := split_files(shown[0])) is not None:
            return _with_files(answer, entry, shown, files)
    except FilesError as error:
        return Found(None, "no_program", str(error))
    choice = _Choice(entry, shown)
    for read, texts in _forms(answer, entry):
        if (program := choice.best_of(read, texts)) is not None:
            return Found(program)
    if _EDITED.search(answer) is not None:
        edited = _edited(answer, shown)
        if edited.program is not None or edited.detail:
            return edited
    if choice.broken or choice.elided:
        return Found(choice.broken[-1]) if choice.broken else Found(None, "elided")
    if choice.unchanged:
        return Found(choice.unchanged[0])
    uses = re.compile(rf"\b{re.escape(entry)}\b")  # a test, or an example
    others = [c for c in _blocks(answer) if _DEFINITION.search(c) and not uses.search(c)]
    return Found(max(others, key=len)) if others else Found(None, "no_program")


def _with_files(answer: str, entry: str, shown: Sequence[str], files: Mapping[str, str]) -> Found:
    """The program of several files that a prompt showed first, with the files that a reply gives,
    and then its edits, which may be of another that was shown. Raises: FilesError."""
    given = given_files(answer, _fenced(answer), files, entry)
    if not given and (loosened := _loosened(answer)) != answer:
        given = given_files(loosened, _fenced(loosened), files, entry)
    whole = {path: whole_text(text, files.get(path, "")) for path, text in given.items()}
    changed = {path: text for path, text in whole.items() if text is not None}
    program = join_files({**files, **changed})
    if _EDITED.search(answer) is not None:
        edited = _edited(answer, [program, *shown[1:]])
        if edited.program is not None or (edited.detail and not changed):
            return edited
    if len(changed) < len(whole):
        return Found(None, "elided")
    return Found(program) if changed else Found(None, "no_program")


class _Choice:
    """Chooses among texts, and keeps what is no program but the best that there may be.

    Attributes:
        broken: define the entry, and do not parse.
        elided: whether there was one that is not whole.
        unchanged: equal to what was shown, white space aside, or stubs.
    """

    def __init__(self, entry: str, shown: Sequence[str]) -> None:
        self._entry = entry
        self._shown = [source for text in shown if (source := parsed(text)) is not None]
        self._known = {signs(text) for text in shown}
        self.broken: list[str] = []
        self.elided = False
        self.unchanged: list[str] = []

    def best_of(self, read: _Read, texts: Sequence[str]) -> str | None:
        """The last that is a new and whole program with the entry."""
        if self.broken:
            texts = [text for text in texts if text not in self.broken]
        for place in reversed(range(len(texts))):
            text = texts[place]
            if not defines(text, self._entry):
                continue
            source = read(text)
            if source is None:
                self._keep(read, text)
            elif (program := self._whole(source, texts, place)) is not None:
                return program
        return None

    def _keep(self, read: _Read, text: str) -> None:
        """A block that does not parse, the last of the plainest form that has one."""
        if marks_elision(text):
            self.elided = True
        elif read is readable and not self.broken:
            self.broken.append(text)

    def _whole(self, source: Source, texts: Sequence[str], place: int) -> str | None:
        if not source.defines(self._entry):
            return None
        if signs(source.text) in self._known or is_stub(source, self._entry):
            self.unchanged.append(source.text)
            return None
        source = without_words(source)
        if source.lacks:
            near = [*texts[:place][::-1], *texts[place + 1 :]]
            others = (other for text in near if (other := readable(text)) is not None)
            source = joined(source, [*others, *self._shown])
        if is_elided(source):
            self.elided = True
            return None
        return source.text


def _edited(answer: str, shown: Sequence[str]) -> Found:
    """The first program shown on which the edits can be applied, with them."""
    try:
        if not edits_in(answer):
            return Found(None)
    except EditFailed as failed:
        return Found(None, "edits", str(failed))
    why = "there is no program that was shown"
    for program in shown:
        try:
            return Found(apply_edits(program, answer))
        except EditFailed as failed:
            why = str(failed)
    return Found(None, "edits", why)
