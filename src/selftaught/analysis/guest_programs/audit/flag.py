"""Whether a program switches the flag of the guarded runner off."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from selftaught.analysis.guest_programs.audit.scopes import FUNCTIONS, defaults
from selftaught.analysis.guest_programs.audit.signs import Program

FLAG = "use_sandbox"
RUNNERS = frozenset({"helpers.run_code", "builtins.run_code"})
KIND = "flag"

_UNKNOWN = object()
_DEEPEST = 30
_PURE = {"bool": bool, "int": int, "len": len, "any": any, "all": all, "abs": abs, "float": float}
_OPERATIONS: dict[type[ast.AST], Any] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Is: lambda a, b: a is b,
    ast.IsNot: lambda a, b: a is not b,
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.BitXor: lambda a, b: a ^ b,
    ast.BitAnd: lambda a, b: a & b,
    ast.BitOr: lambda a, b: a | b,
}


def detect_flag(program: Program) -> None:
    """A sign of kind `flag` wherever the flag is, or may be, given as false."""
    flags = _Flags(program)
    for node in program.nodes:
        match node:
            case ast.Call():
                flags.of_call(node)
            case ast.keyword(arg=name, value=value) if name is not None:
                flags.of_name(name, value)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is not None:
                        flags.of_key(key, value)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    flags.of_target(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                flags.of_target(target, value)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                for name, default in defaults(node.args):
                    flags.of_name(name, default)


class _Flags:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._names = program.names

    def of_name(self, name: str, value: ast.expr) -> None:
        if name.strip("_").lower() == FLAG and self.may_be_false(value):
            self._program.add(KIND, value)

    def of_key(self, key: ast.expr, value: ast.expr) -> None:
        if FLAG in self._names.texts(key) and self.may_be_false(value):
            self._program.add(KIND, value)

    def of_target(self, target: ast.expr, value: ast.expr) -> None:
        match target:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                self.of_name(name, value)
            case ast.Subscript():
                self.of_key(target.slice, value)

    def of_call(self, node: ast.Call) -> None:
        """By position: `run_code(code, False)`, and where the runner itself is handed on."""
        if is_runner(self._program, node.func):
            self._of_place(node.args, 1)
        elif "builtins.setattr" in self._names.dotted(node.func) and len(node.args) == 3:
            self.of_key(node.args[1], node.args[2])
        else:
            for place, argument in enumerate(node.args):
                if is_runner(self._program, argument):
                    self._of_place(node.args, place + 2)

    def _of_place(self, arguments: list[ast.expr], place: int) -> None:
        if any(isinstance(one, ast.Starred) for one in arguments[:place]):
            return
        for value in arguments[place : place + 1]:
            if any(self.may_be_false(one) for one in _each(value)):
                self._program.add(KIND, value)

    def may_be_false(self, node: ast.expr, deep: int = 0) -> bool:
        """Whether a value is false, now or under some condition that the program looks at."""
        known = self._known(node, deep)
        if known is not _UNKNOWN:
            return not known
        if deep > _DEEPEST:
            return False
        match node:
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return True
            case ast.BoolOp():
                parts = [self.may_be_false(part, deep + 1) for part in node.values]
                return all(parts) if isinstance(node.op, ast.Or) else any(parts)
            case ast.IfExp():
                test = self._known(node.test, deep + 1)
                branches = [node.body, node.orelse]
                if test is not _UNKNOWN:
                    branches = [node.body if test else node.orelse]
                return any(self.may_be_false(branch, deep + 1) for branch in branches)
            case ast.Call(args=[argument]) if self._names.dotted(node.func) == {"builtins.bool"}:
                return self.may_be_false(argument, deep + 1)
            case ast.NamedExpr():
                return self.may_be_false(node.value, deep + 1)
        return any(self.may_be_false(value, deep + 1) for value in self._values(node))

    def _values(self, node: ast.expr) -> list[ast.expr]:
        """What a variable, an attribute or an item may have been given."""
        scopes = self._program.scopes
        match node:
            case ast.Name():
                bindings = scopes.bindings(node) or []
                return [one.value for one in bindings if one.value is not None]
            case ast.Attribute():
                return self._names.given(node)
            case ast.Subscript():
                keys = self._names.texts(node.slice)
                return [value for key in sorted(keys) for value in scopes.items.get(key, ())]
        return []

    def _known(self, node: ast.expr, deep: int) -> Any:
        """A value that does not depend on anything, or `_UNKNOWN`."""
        if deep > _DEEPEST:
            return _UNKNOWN
        match node:
            case ast.Constant(value=value):
                return value
            case ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
                return ()
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self._known(operand, deep + 1)
                return _UNKNOWN if value is _UNKNOWN else not value
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                return self._operated(operator, left, right, deep)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._operated(operator, left, right, deep)
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _PURE:
                value = self._known(argument, deep + 1)
                if value is not _UNKNOWN and self._names.dotted(node.func) == {f"builtins.{name}"}:
                    return _tried(_PURE[name], value)
            case ast.Name():
                bindings = self._program.scopes.bindings(node) or []
                # A parameter's default may be replaced by callers that are not seen.
                if len(bindings) == 1 and bindings[0].line > 0 and bindings[0].value is not None:
                    return self._known(bindings[0].value, deep + 1)
        return _UNKNOWN

    def _operated(self, operator: ast.AST, left: ast.expr, right: ast.expr, deep: int) -> Any:
        first, second = self._known(left, deep + 1), self._known(right, deep + 1)
        if first is _UNKNOWN or second is _UNKNOWN or type(operator) not in _OPERATIONS:
            return _UNKNOWN
        return _tried(_OPERATIONS[type(operator)], first, second)


def is_runner(program: Program, node: ast.expr) -> bool:
    return bool(RUNNERS & program.names.dotted(node))


def mentions_runner(program: Program, node: ast.AST) -> bool:
    """Whether the guarded runner is used in a part of the program."""
    return any(
        isinstance(part, (ast.Name, ast.Attribute)) and is_runner(program, part)
        for part in ast.walk(node)
        if not isinstance(part, FUNCTIONS)
    )


def _each(value: ast.expr) -> Iterator[ast.expr]:
    """The items of `[False] * n` and `repeat(False)`, or the value itself."""
    match value:
        case ast.List(elts=[_, *_] as elements) | ast.Tuple(elts=[_, *_] as elements):
            yield from elements
        case ast.BinOp(op=ast.Mult(), left=(ast.List() | ast.Tuple()) as listed):
            yield from listed.elts
        case ast.BinOp(op=ast.Mult(), right=(ast.List() | ast.Tuple()) as listed):
            yield from listed.elts
        case ast.Call(func=ast.Name(id="repeat") | ast.Attribute(attr="repeat"), args=[one, *_]):
            yield one
        case _:
            yield value


def _tried(operation: Any, *values: Any) -> Any:
    """What comes of it; constants of a program may be of any size, so only small ones are used."""
    if any(isinstance(value, (str, bytes)) and len(value) > 1000 for value in values):
        return _UNKNOWN
    try:
        return operation(*values)
    except (TypeError, ValueError, OverflowError):
        return _UNKNOWN
