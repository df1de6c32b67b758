"""What of a user's source a model is not shown: data, likely secrets, and what is very large.

Only the user's own, trusted files are parsed here, never a guest's text.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

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
_PERHAPS_KEY = re.compile(rb"(?=\D*\d)\S{6,}|\S{16,}")
_COMMENT = re.compile(rb"#[^\n]*")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_PASSWORDS = frozenset({"passcode", "passphrase", "passwd", "password", "pwd"})
_SECRETS = _PASSWORDS | {"apikey", "authorization", "credential", "secret"}
_PERHAPS = frozenset({"auth", "bearer", "key", "token"})
_CERTAINLY = frozenset({"access", "api", "private"})  # before one of those
_A_SECRET = "a likely secret"

_TEXT = (ast.JoinedStr, ast.Constant)
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

    Args:
        shown: names of constants that are shown as they are; only what looks like a key of a known
            provider is still left out of them.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return Shown('"<not shown: lines that are no whole statement>"')
    looked = _Look(source.encode(), frozenset(shown))
    looked.constants_of(tree.body)
    looked.remarks()
    return looked.result()


def without_keys(text: str) -> Shown:
    """Any text, without what looks like a key of a known provider."""
    looked = _Look(text.encode(), frozenset())
    looked.known()
    return looked.result()


@dataclass
class _Look:
    """What is left out of a text, found step by step; places are counted in bytes, as `ast` does.

    What is inside of another place that is left out goes with it.
    """

    source: bytes
    shown: frozenset[str]
    places: dict[tuple[int, int], str] = field(default_factory=dict)
    secrets: dict[int, str] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)
    docstrings: list[tuple[int, int]] = field(default_factory=list)
    owner: str = "a text"

    def __post_init__(self) -> None:
        lengths = (len(line) + 1 for line in self.source.split(b"\n"))
        self._starts = [0, *itertools.accumulate(lengths)]

    def result(self) -> Shown:
        made, at = [], 0
        for (start, end), said in sorted(self.places.items()):
            if start >= at:
                made += [self.source[at:start], said.encode()]
            at = max(at, end)
        text = b"".join([*made, self.source[at:]]).decode()
        lines = ((self.source.count(b"\n", 0, at) + 1, name) for at, name in self.secrets.items())
        return Shown(text, tuple(sorted(set(lines))), frozenset(self.constants))

    # --- statements -----------------------------------------------------------------------------

    def constants_of(self, body: Iterable[ast.stmt]) -> None:
        for node in body:
            match node:
                case ast.ClassDef():
                    self.owner = node.name
                    for part in (*node.decorator_list, *node.bases, *node.keywords):
                        self._code(part)
                    self.constants_of(node.body)
                case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    names = _names(*targets)
                    self.owner = ", ".join(sorted(names))
                    self.constants |= names
                    if all(name.startswith("__") for name in names):
                        self._code(value)
                    elif not names & self.shown:
                        for name, item in _pairs(targets, value):
                            self._constant(item, name)
                case _:
                    self.owner = getattr(node, "name", self.owner)
                    self._code(node)

    def _constant(self, node: ast.AST, names: Collection[str]) -> None:
        """The value of a constant: its data goes, what computes it stays.

        Args:
            names: what the value is given; nothing for what is only used to find it.
        """
        if isinstance(node, ast.Lambda):
            self._code(node)
            return
        secret = isinstance(node, ast.expr) and self._is_secret(node, names, constant=True)
        if isinstance(node, ast.expr) and (secret or self._is_data(node)):
            self._leave_out(node, secret)
        else:
            self._secrets_in(node)
            for child in ast.iter_child_nodes(node):
                is_given = not isinstance(node, (ast.Call, ast.Subscript))
                is_given = is_given or child is getattr(node, "func", None)
                self._constant(child, names if is_given else ())

    def _is_data(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            holds = isinstance(node.value, (str, bytes)) and bool(node.value)
            return holds or self._is_large(node)
        return isinstance(node, ast.JoinedStr) or (
            isinstance(node, _CONTAINER)
            and any(
                isinstance(one, ast.Constant) and one.value not in (None, ...)
                for one in ast.walk(node)
            )
        )

    def _code(self, node: ast.AST) -> None:
        """Anything else: it stays, but for secrets and what is large."""
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            self.docstrings.append(self._span(node.value))
            return
        self._secrets_in(node)
        if isinstance(node, (*_TEXT, *_CONTAINER)):
            secret = isinstance(node, _TEXT) and self._is_secret(node, ())
            if secret or self._is_large(node):
                self._leave_out(node, secret or self._is_secret(node, ()))
                return
        for child in ast.iter_child_nodes(node):
            self._code(child)

    def _is_large(self, node: ast.expr) -> bool:
        start, end = self._span(node)
        return end - start > LARGEST_LITERAL

    # --- secrets --------------------------------------------------------------------------------

    def known(self) -> None:
        for found in _KNOWN.finditer(self.source):
            self._hide(found.span(), f"<not shown: {_A_SECRET}>", self.owner)

    def remarks(self) -> None:
        """Comments and docstrings, in which no literal stands for what is left out."""
        self.known()
        comments = [found.span() for found in _COMMENT.finditer(self.source)]
        for start, end in (*comments, *self.docstrings):
            for found in _TOKEN.finditer(self.source, start, end):
                if _is_random(found[0]):
                    self._hide(found.span(), f"<not shown: {_A_SECRET}>", "a comment")

    def _secrets_in(self, node: ast.AST) -> None:
        """Secrets by the names that the node gives to values."""
        for name, value in _bound(node):
            if self._is_secret(value, [name]):
                self._leave_out(value, name)

    def _is_secret(self, node: ast.expr, names: Collection[str], *, constant: bool = False) -> bool:
        """Whether its names or texts say so. Of a constant any text under such a name is one, and
        all that a container holds is looked at; in code what it holds is looked at for itself.
        """
        holds = constant or isinstance(node, ast.JoinedStr)
        words = {word for name in names for word in _words(name)}
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return bool(words & _PASSWORDS) and not isinstance(node.value, bool)
        certain = words & _SECRETS or (words & _PERHAPS and (constant or words & _CERTAINLY))
        for one in ast.walk(node) if isinstance(node, (*_TEXT, *_CONTAINER)) else ():
            if holds and any(self._is_secret(value, [name]) for name, value in _bound(one)):
                return True
            if not isinstance(one, ast.Constant) or not isinstance(one.value, (str, bytes)):
                continue
            text = one.value.encode(errors="replace") if isinstance(one.value, str) else one.value
            looks = _KNOWN.search(text) or any(map(_is_random, _TOKEN.findall(text)))
            if looks and (holds or node is one):
                return True
            if text and certain and not isinstance(node, ast.JoinedStr):
                return True
            if words & _PERHAPS and _PERHAPS_KEY.fullmatch(text):
                return True
        return False

    def _leave_out(self, node: ast.expr, secret: bool | str) -> None:
        """`secret`: whether it is one, or the name by which it is."""
        said = _A_SECRET if secret else _kind(node)
        name = secret if isinstance(secret, str) else self.owner
        self._hide(self._span(node), f'"<not shown: {said}>"', name if secret else "")

    def _hide(self, span: tuple[int, int], said: str, secret: str) -> None:
        start, end = span
        if not any(first <= start and end <= last for first, last in self.places):
            self.places[span] = said
            if secret:
                self.secrets[start] = secret

    def _span(self, node: ast.AST) -> tuple[int, int]:
        at = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        start, end = (self._starts[line - 1] + column for line, column in at)
        return start, end


def _kind(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() as text):
            return f"text of {len(text)}"
        case ast.Constant(value=bytes() as text):
            return f"bytes of {len(text)}"
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return f"{type(node).__name__.lower()} of {len(items)}"
        case ast.Dict(keys=keys):
            return f"dict of {len(keys)}"
        case ast.JoinedStr():
            return "text"
    return "number"


def _bound(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Values that a node gives names to: assignments, defaults, keywords, entries of a dict."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield " ".join(_names(*targets)), value
        case (
            ast.AnnAssign(target=target, value=ast.expr() as value)
            | ast.NamedExpr(target=target, value=value)
        ):
            yield " ".join(_names(target)), value
        case ast.keyword(arg=str() as name, value=value):
            yield name, value
        case ast.arguments():
            named = [*node.posonlyargs, *node.args]
            for argument, default in (
                *zip(named[len(named) - len(node.defaults) :], node.defaults, strict=True),
                *zip(node.kwonlyargs, node.kw_defaults, strict=True),
            ):
                if default is not None:
                    yield argument.arg, default
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value


def _pairs(targets: Sequence[ast.expr], value: ast.expr) -> Iterator[tuple[set[str], ast.expr]]:
    """What is assigned, by its names; of `A, B = 1, 2` each for itself."""
    match targets, value:
        case [ast.Tuple(elts=names)], ast.Tuple(elts=items) if len(names) == len(items):
            for one, item in zip(names, items, strict=True):
                yield _names(one), item
        case _:
            yield _names(*targets), value


def _names(*targets: ast.expr) -> set[str]:
    """What is assigned to: names, attributes, and texts that something is put under."""
    found: set[str] = set()
    for target in targets:
        for node in ast.walk(target):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                    found.add(name)
                case ast.Subscript(slice=ast.Constant(value=str() as name)):
                    found.add(name)
    return found


def _words(name: str) -> Iterator[str]:
    """Of `apiKeys` or `API_KEY_1`: `api`, `key`."""
    for word in _WORD.findall(name):
        yield word.lower().removesuffix("s")


def _is_random(token: bytes) -> bool:
    """Whether letters and digits follow each other as no word, number or alphabet has them."""
    changes = len(_CHANGES.findall(token))
    has_digit = re.search(rb"[0-9]", token) is not None
    return changes >= len(token) / 4 and len(set(token)) >= 10 and has_digit
