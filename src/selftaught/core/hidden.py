"""What of a user's source a model is not shown: data, likely secrets, and what is very large.

Only the user's own, trusted files are parsed here, never a guest's text.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

# A literal of more bytes than this is left out of functions too.
LARGEST_LITERAL = 2_000

# What providers' keys and the like begin with, or are written in.
_KNOWN = re.compile(
    rb"(?<![A-Za-z0-9])(?:"
    rb"sk-(?:[\w-]{16,}|(?=[A-Za-z_-]*\d)[\w-]{6,})"
    rb"|[srp]k_(?:live|test)_\w{8,}"
    rb"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|hf_[A-Za-z0-9]{20,}|xox[a-z]-[\w-]{8,}"
    rb"|A[KS]IA[A-Z0-9]{12,}|AIza[\w-]{30,}"
    rb"|eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"
    rb"|Bearer [\w.~+/-]{16,}"
    rb"|[a-z]+://[^\s/:@'\"{}]+:[^\s/:@'\"{}]+@"
    rb")|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----)?"
)
_TOKEN = re.compile(rb"[A-Za-z0-9+/=_-]{24,}")
_CHANGES = re.compile(rb"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_COMMENT = re.compile(rb"#[^\n]*")
# What a text is given to: a variable, an argument, an attribute, an entry, whatever its annotation.
_GIVEN = rb"(\w+)[\"'\]]*(?:\s*:[^,=(){}\"']*)?\s*[:=][(\s]*"
_GIVEN_TO = re.compile(_GIVEN + rb"$")
_GIVEN_WITHIN = re.compile(_GIVEN + rb"[\"']")
# Names whose text is a secret; and those whose text is one in a constant, or if it looks like one.
_SECRETS = re.compile(
    rb"(?i)passw|passcode|passphrase|pwd|secret|credential|authorization"
    rb"|(?:api|access|private)_?(?:key|token)"
)
_PERHAPS = re.compile(
    rb"(?i)(?<![a-z])(?:auth|bearer|key|token)s?(?![a-z])|(?-i:Key|Token)s?(?![a-z])"
)
_PERHAPS_KEY = re.compile(rb"(?=\D*\d)\S{6,}|\S{16,}")
_NAME_BYTES = 200
_SAID = "<not shown: a likely secret>"

_CONTAINER = (ast.List, ast.Tuple, ast.Set, ast.Dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as a model is shown it.

    Attributes:
        text: with `"<not shown: list of 20>"` in place of each literal that is left out.
        secrets: line and name of each likely secret in it, the first line being 1.
        constants: names of the constants that could be left out.
    """

    text: str
    secrets: tuple[tuple[int, str], ...] = ()
    constants: frozenset[str] = frozenset()


def without_data(source: str, shown: Collection[str] = ()) -> Shown:
    """The source of top-level statements, without what a model should not see of it.

    Of constants (of the file, or of a class) texts and containers that hold data are left out; of
    functions only likely secrets, and literals larger than `LARGEST_LITERAL`.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return Shown('"<not shown: lines that are no whole statement>"')
    looked = _Look(source.encode(), frozenset(shown))
    looked.statements(tree.body)
    looked.known()
    looked.remarks()
    return looked.result()


def without_keys(text: str) -> Shown:
    """Any text, without what looks like a key of a known provider."""
    looked = _Look(text.encode())
    looked.known()
    return looked.result()


class _Look:
    """What is left out of a text, found step by step; places are counted in bytes, as `ast` does.

    What is inside of another place that is left out goes with it.
    """

    def __init__(self, source: bytes, shown: frozenset[str] = frozenset()) -> None:
        self._source = source
        self._shown = shown
        self._places: dict[tuple[int, int], str] = {}
        self._secrets: dict[int, str] = {}
        self._constants: set[str] = set()
        self._docstrings: list[tuple[int, int]] = []
        self._owner = "a text"
        lengths = (len(line) + 1 for line in source.split(b"\n"))
        self._starts = [0, *itertools.accumulate(lengths)]

    def result(self) -> Shown:
        made, at = [], 0
        for (start, end), said in sorted(self._places.items()):
            if start >= at:
                made += [self._source[at:start], said.encode()]
            at = max(at, end)
        text = b"".join([*made, self._source[at:]]).decode()
        lines = ((self._source.count(b"\n", 0, at) + 1, name) for at, name in self._secrets.items())
        return Shown(text, tuple(sorted(set(lines))), frozenset(self._constants))

    def statements(self, body: Iterable[ast.stmt]) -> None:
        """Of a file, or of a class."""
        for node in body:
            match node:
                case ast.ClassDef():
                    self._owner = node.name
                    for part in (*node.decorator_list, *node.bases, *node.keywords):
                        self._look(part)
                    self.statements(node.body)
                case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    inside = [one for target in targets for one in ast.walk(target)]
                    names = {one.id for one in inside if isinstance(one, ast.Name)}
                    self._owner = ", ".join(sorted(names))
                    self._constants |= names
                    is_data = not all(name.startswith("__") for name in names)
                    together = isinstance(value, ast.Tuple) and isinstance(targets[0], ast.Tuple)
                    for item in ast.iter_child_nodes(value) if together else [value]:
                        if not names & self._shown:
                            self._look(item, is_data=is_data)
                case _:
                    self._owner = getattr(node, "name", self._owner)
                    self._look(node)

    def known(self) -> None:
        for found in _KNOWN.finditer(self._source):
            self._hide(found.span(), _SAID, self._owner)

    def remarks(self) -> None:
        """Comments and docstrings, in which no literal stands for what is left out."""
        comments = [found.span() for found in _COMMENT.finditer(self._source)]
        for start, end in (*comments, *self._docstrings):
            for found in _TOKEN.finditer(self._source, start, end):
                if _is_random(found[0]):
                    self._hide(found.span(), _SAID, "a comment")

    def _look(self, node: ast.AST, *, is_data: bool = False) -> None:
        """Leave out of it what is not to be seen.

        Args:
            is_data: whether it is the value of a constant, whose data goes as well.
        """
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            self._docstrings.append(self._span(node.value))
            return
        is_data = is_data and not isinstance(node, ast.Lambda)
        if isinstance(node, (ast.Constant, ast.JoinedStr, *_CONTAINER)):
            start, end = self._span(node)
            goes = end - start > LARGEST_LITERAL or (is_data and _holds_data(node))
            name = None
            if goes or not isinstance(node, _CONTAINER):
                name = self._secret(node, is_data=is_data)
            if goes or name is not None:
                said = f'"<not shown: {_kind(node)}>"' if name is None else f'"{_SAID}"'
                self._hide((start, end), said, name or "")
                return
        for child in ast.iter_child_nodes(node):
            self._look(child, is_data=is_data)

    def _secret(self, node: ast.expr, *, is_data: bool) -> str | None:
        """By what name it is a likely secret, if by its shape or its name it is one."""
        start, end = self._span(node)
        text, inner = self._source[start:end], []
        match node:
            case ast.Constant(value=str() as value):
                text = value.encode(errors="replace")
            case ast.Constant(value=bytes() as value):
                text = value
            case ast.Constant():
                return None
            case _:
                inner = _GIVEN_WITHIN.findall(text)
        given = _GIVEN_TO.search(self._source[max(0, start - _NAME_BYTES) : start])
        name = given[1] if given else b""
        looks = _KNOWN.search(text) or any(map(_is_random, _TOKEN.findall(text)))
        named = any(map(_SECRETS.search, [name, *inner])) or (
            _PERHAPS.search(name) and (is_data or _PERHAPS_KEY.fullmatch(text))
        )
        return (name.decode() or self._owner) if looks or (text and named) else None

    def _hide(self, span: tuple[int, int], said: str, secret: str) -> None:
        start, end = span
        if not any(first <= start and end <= last for first, last in self._places):
            self._places[span] = said
            if secret:
                self._secrets[start] = secret

    def _span(self, node: ast.AST) -> tuple[int, int]:
        at = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        start, end = (self._starts[line - 1] + column for line, column in at)
        return start, end


def _holds_data(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes)) and bool(node.value)
    return isinstance(node, ast.JoinedStr) or any(
        isinstance(one, ast.Constant) and one.value not in (None, ...) for one in ast.walk(node)
    )


def _kind(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() | bytes() as text):
            return f"{'text' if isinstance(text, str) else 'bytes'} of {len(text)}"
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return f"{type(node).__name__.lower()} of {len(items)}"
        case ast.Dict(keys=keys):
            return f"dict of {len(keys)}"
        case ast.JoinedStr():
            return "text"
    return "number"


def _is_random(token: bytes) -> bool:
    """Whether letters and digits follow each other as no word, number or alphabet has them."""
    changes = len(_CHANGES.findall(token))
    has_digit = re.search(rb"[0-9]", token) is not None
    return changes >= len(token) / 4 and len(set(token)) >= 10 and has_digit
