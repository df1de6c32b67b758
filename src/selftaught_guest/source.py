"""Texts that may be Python: made readable where that is possible, carved out of prose, joined.

Python's parser reads what a model wrote here, so this is for guests alone.
"""

from __future__ import annotations

import ast
import builtins
import re
import textwrap
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from selftaught_guest.names import bound_by, bound_within, used

__all__ = [
    "QUOTED",
    "TURN_ENDS",
    "Source",
    "carved",
    "defines",
    "joined",
    "parsed",
    "readable",
    "unescaped",
    "without_words",
]

_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}

# Of a text with this much nesting CPython's parser takes long, or too much of the stack.
_MOST_OPEN = 80
# Each try parses once more; a bound on them keeps the whole linear.
_MOST_TRIES = 8


@dataclass(frozen=True, eq=False)
class Source:
    """A text that parses."""

    text: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that the module binds: functions, classes, imports, variables."""
        return frozenset(name for node in self.tree.body for name in bound_by(node))

    @cached_property
    def lacks(self) -> frozenset[str]:
        """Names that are used somewhere and bound nowhere."""
        return frozenset(used(self.tree) - bound_within(self.tree) - _BUILTINS)

    def defines(self, entry: str) -> bool:
        """Whether it binds the name itself; to import it is to use it."""
        return any(entry in bound_by(node, imports=False) for node in self.tree.body)


def parsed(text: str) -> Source | None:
    """The text, if it is a program of at least one statement."""
    if not _is_shallow(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return Source(text, tree) if tree.body else None


def readable(text: str) -> Source | None:
    """The text as it is if it parses; else without what alone keeps it from parsing."""
    if (found := parsed(text)) is not None:
        return found
    mended = [text]
    for mend in _MENDS:
        other = mend(text)
        if other != text and (found := parsed(other)) is not None:
            return found
        mended.append(mend(mended[-1]))
    return parsed(mended[-1]) if mended[-1] != text else None


def defines(text: str, entry: str) -> bool:
    """Whether a text that need not parse has a line that defines the name."""
    return _definition(entry).search(text) is not None


# --- what keeps a program from parsing ------------------------------------------------------------

_PLAIN = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"')  # typographic quotes
    | dict.fromkeys("\u2018\u2019\u201a\u2032", "'")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " ")
    | dict.fromkeys("\ufeff\u200b\u200c\u200d\u2060")  # of no width
    | dict.fromkeys("\u2028\u2029", "\n")
    | {"\u2212": "-", "\uff0c": ",", "\uff1a": ":", "\uff08": "(", "\uff09": ")"}
)
_STRING_OR_COMMENT = re.compile(
    r"#[^\n]*+|(?P<triple>\"{3}|'{3})(?:[^\\]|\\.)*?(?P=triple)"
    r'|"(?:[^"\\\n]|\\.)*+"' + r"|'(?:[^'\\\n]|\\.)*+'",
    re.DOTALL,
)
QUOTED = re.compile(r"^[ \t]*+> ?+", re.MULTILINE)
# What chats end turns with.
TURN_ENDS = re.compile(r"(?:<\|\w++\|>|</s>|<end_of_turn>|<eos>)[ \t]*+$", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*+\d+[ \t]*+[|:.│][ \t]?+|^[ \t]*+\d+(?:\t|$)", re.MULTILINE)
_PROMPTED = re.compile(r"^[ \t]*+(?:>>>|\.\.\.)(?: |$)", re.MULTILINE)
_ADDED = re.compile(r"^\+", re.MULTILINE)


def _plain(text: str) -> str:
    """Without typographic signs, but in strings and comments."""
    kept, since = [], 0
    for found in _STRING_OR_COMMENT.finditer(text):
        kept += [text[since : found.start()].translate(_PLAIN), found[0]]
        since = found.end()
    return "".join([*kept, text[since:].translate(_PLAIN)])


def _without(prefix: re.Pattern[str], share: float) -> Callable[[str], str]:
    """Takes off what so many of the lines begin with, as in a quotation or a session."""

    def mend(text: str) -> str:
        lines = [line for line in text.split("\n") if line.strip()]
        have = sum(prefix.match(line) is not None for line in lines)
        return prefix.sub("", text) if lines and have >= share * len(lines) else text

    return mend


_ESCAPED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'", "nbsp": " "}
_ESCAPED |= {"#39": "'", "#x27": "'", "#34": '"', "#x22": '"'}
_ESCAPE = re.compile(rf"&({'|'.join(_ESCAPED)});", re.IGNORECASE)


def unescaped(text: str) -> str:
    """Without the escapes of HTML."""
    return _ESCAPE.sub(lambda found: _ESCAPED[found[1].lower()], text)


def _dedented(text: str) -> str:
    return textwrap.dedent(text.lstrip("\n")).strip("\n")


_MENDS: tuple[Callable[[str], str], ...] = (
    _dedented,
    unescaped,
    _plain,
    lambda text: TURN_ENDS.sub("", text),
    lambda text: text.replace("\\n", "\n").replace('\\"', '"'),
    _without(QUOTED, 1.0),
    _without(_NUMBERED, 1.0),
    _without(_PROMPTED, 0.7),
    _without(_ADDED, 1.0),
)


def _is_shallow(text: str) -> bool:
    depth = 0
    for sign in re.finditer(r"[(\[{]|[)\]}]", text):
        depth = depth + 1 if sign[0] in "([{" else max(0, depth - 1)
        if depth > _MOST_OPEN:
            return False
    return True


# --- a program in prose ---------------------------------------------------------------------------

_BEGINS = re.compile(
    r"import |from \S+ import |def |async def |class |@\w|#|[\"']{3}|if "
    r"|[A-Za-z_]\w*(?:\s*:[^=]*)?\s*=[^=]"
)


def carved(text: str, entry: str) -> Source | None:
    """The part of a text that is a program with the entry, prose around it left out."""
    lines = text.split("\n")
    definition = _definition(entry)
    places = [number for number, line in enumerate(lines) if definition.match(line)]
    for place in reversed(places[-_MOST_TRIES:]):
        indent = len(lines[place]) - len(lines[place].lstrip())
        if indent and _is_method(lines, place, indent):
            continue
        near = [line[indent:] if not line[:indent].strip() else line for line in lines]
        if (body := _longest(near, place)) is None:
            continue
        found, end = body
        begin = 0
        for _ in range(_MOST_TRIES):
            begin = next((n for n in range(begin, place) if _BEGINS.match(near[n])), place)
            if begin == place:
                break
            error = _error_line("\n".join(near[begin:end]))
            if error is None:
                found = parsed("\n".join(near[begin:end])) or found
                break
            begin = max(begin + 1, min(begin + error, place))
        if found.defines(entry):
            return found
    return None


def _is_method(lines: list[str], place: int, indent: int) -> bool:
    above = (line for line in reversed(lines[:place]) if line.strip())
    outer = next((line for line in above if len(line) - len(line.lstrip()) < indent), "")
    return outer.lstrip().startswith("class ")


def _longest(lines: list[str], begin: int) -> tuple[Source, int] | None:
    """From a line on as many as are a program, and where they end."""
    end = len(lines)
    for _ in range(_MOST_TRIES):
        text = "\n".join(lines[begin:end]).rstrip()
        error = _error_line(text)
        if error is None:
            source = parsed(text)
            if source is None:
                return None
            source = without_words(source)
            return source, begin + source.text.count("\n") + 1
        if error <= 1:
            return None
        end = begin + error - 1
    return None


def without_words(source: Source) -> Source:
    """A program without single words at its beginning and end, which are prose."""
    body = [node for node in source.tree.body if not _is_word(node, source)]
    if len(body) == len(source.tree.body) or not body:
        return source
    first, last = min(_lines(body[0])), body[-1].end_lineno
    return parsed("\n".join(source.text.split("\n")[first - 1 : last])) or source


def _is_word(node: ast.stmt, source: Source) -> bool:
    match node:
        case ast.Expr(ast.Name(name)):
            return name in source.lacks
    return False


def _lines(node: ast.stmt) -> list[int]:
    """Where it begins, and its decorators."""
    return [node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]


def _error_line(text: str) -> int | None:
    """The line, from 1, where a text is no Python; None if it is."""
    if not _is_shallow(text):
        return 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0
    except (ValueError, RecursionError, MemoryError):
        return 0
    return None


def _definition(entry: str) -> re.Pattern[str]:
    name = re.escape(entry)
    space, before = r"[ \t\u00a0]", r"(?:[ \t\u00a0\ufeff>+]|\d++ *+[|:.\u2502\t])*+"
    return re.compile(
        rf"(?:^|\\n){before}(?:(?:async{space}++)?def{space}++{name}{space}*+[(\[]"
        rf"|class{space}++{name}\b|{name}{space}*+(?::[^=\n]*+)?=(?!=))",
        re.MULTILINE,
    )


# --- programs in several blocks ------------------------------------------------------------------


def joined(main: Source, others: Iterable[Source]) -> Source:
    """A program with the definitions that it needs and that others have, the first of which that
    has one gives it; with those that these need, from whichever has them."""
    others = list(others)
    for _ in range(_MOST_TRIES):
        whole = _joined(main, others)
        if whole is main:
            break
        main = whole
    return main


def _joined(main: Source, others: Iterable[Source]) -> Source:
    parts: list[str] = []
    lacking = set(main.lacks)
    for other in others:
        needed = _needed(other, lacking, main.bound)
        lacking -= other.bound
        lines = other.text.split("\n")
        for node in sorted(needed, key=lambda node: node.lineno):
            parts.append("\n".join(lines[min(_lines(node)) - 1 : node.end_lineno]))
    if not parts:
        return main
    lines = main.text.split("\n")
    future = (node.end_lineno or 0 for node in main.tree.body if _is_future(node))
    begin = max(future, default=0)
    texts = ("\n".join(lines[:begin]), *parts, "\n".join(lines[begin:]))
    return parsed("\n\n".join(filter(None, texts))) or main


def _needed(other: Source, names: Iterable[str], known: frozenset[str]) -> set[ast.stmt]:
    """The statements that bind these names, and those that bind what these need."""
    by_name: dict[str, list[ast.stmt]] = {}
    for node in other.tree.body:
        for name in bound_by(node):
            by_name.setdefault(name, []).append(node)
    needed: set[ast.stmt] = set()
    waiting = [node for name in names for node in by_name.get(name, [])]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting += (one for name in used(node) - known for one in by_name.get(name, []))
    return needed


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
