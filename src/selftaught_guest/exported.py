"""A program as the module that it would be elsewhere: its names, its data and its functions, for
whoever has it only through frames; and values that are more than frames can hold, as data.

Nothing of a value's own code goes with it: an object arrives with its attributes and no methods.
"""

from __future__ import annotations

import dataclasses
import types
from collections import deque, namedtuple
from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence, ValuesView
from functools import partial
from typing import Any

import numpy as np

__all__ = ["Thing", "operation", "plain", "revived"]

# Begins a tuple that stands for a value of another kind; no program's own tuple does by chance.
_MARK = "\0selftaught"
_AS_LISTS = (range, deque, KeysView, ValuesView, types.GeneratorType, map, filter, zip)
_ALONE = {type(None), bool, int, float, str, bytes}
_NO_DATA = (type, types.ModuleType, types.BuiltinFunctionType, types.MethodType)


class Thing:
    """An object of the program's as it came out of the sandbox: its attributes, and no methods."""

    def __init__(self, kind: str, attributes: Mapping[str, Any]) -> None:
        vars(self).update(attributes)
        self.__kind = kind

    def __getattr__(self, name: str) -> Any:
        kind = vars(self).get("_Thing__kind", "an object")
        raise AttributeError(
            f"{kind!r} comes out of the sandbox as data, and has no {name!r} there: let a function "
            "of the program return it"
        )

    def __repr__(self) -> str:
        said = (f"{name}={value!r}" for name, value in vars(self).items() if name[0] != "_")
        return f"{self.__kind}({', '.join(said)})"


def plain(value: Any) -> Any:
    """A value as data that frames hold, from which `revived` makes one like it.

    Raises: TypeError that says what is no data, and how to go on.
    """
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return value
        case np.ndarray() if value.dtype.kind in "OUS":
            return _MARK, "array", plain(value.tolist())
        case np.ndarray() | np.generic():
            return value
        case complex():
            return _MARK, "complex", value.real, value.imag
        case tuple():
            fields = getattr(value, "_fields", None)
            items = tuple(map(plain, value))
            return items if fields is None else (_MARK, "tuple", _kind(value), [*fields], [*items])
        case set() | frozenset():
            return _MARK, "set", [plain(item) for item in value]
        case dict() | types.MappingProxyType():
            return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, *_AS_LISTS)):
        held = [*value]
        return held if {*map(type, held)} <= _ALONE else [plain(item) for item in held]
    if callable(value) or isinstance(value, _NO_DATA) or not _attributes(value):
        raise TypeError(
            f"{_described(value)} is no data, which alone goes into the sandbox and out of it: "
            "numbers, texts, arrays, lists, tables, or objects of these. Let the program make and "
            "use it within one function"
        )
    return _MARK, "thing", _kind(value), {n: plain(v) for n, v in _attributes(value).items()}


def revived(value: Any) -> Any:
    """The value that `plain` was given, or one like it."""
    if isinstance(value, list):
        return value if {*map(type, value)} <= _ALONE else [revived(item) for item in value]
    if isinstance(value, dict):
        return {revived(key): revived(item) for key, item in value.items()}
    if not isinstance(value, tuple):
        return value
    if not value or type(value[0]) is not str or value[0] != _MARK:
        return tuple(map(revived, value))
    match value[1:]:
        case ("array", list(items)):
            return np.array(revived(items))
        case ("complex", float(real), float(imaginary)):
            return complex(real, imaginary)
        case ("set", list(items)):
            return set(map(revived, items))
        case ("tuple", str(kind), list(fields), list(items)):
            return namedtuple(kind, fields, rename=True)(*map(revived, items))
        case ("thing", str(kind), dict(held)):
            return Thing(kind, {str(name): revived(item) for name, item in held.items()})
    return value


def _kind(value: Any) -> str:
    return type(value).__name__


def _attributes(value: Any) -> dict[str, Any]:
    """What an object holds: of its own, in slots, and what its properties say."""
    found = dict(getattr(value, "__dict__", {}))
    if dataclasses.is_dataclass(value):
        found |= {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    for kind in type(value).__mro__:
        for name, one in vars(kind).items():
            if isinstance(one, (property, types.MemberDescriptorType)) and name[0] != "_":
                found.setdefault(name, getattr(value, name, None))
    return {name: one for name, one in found.items() if not callable(one)}


def _described(value: Any) -> str:
    if isinstance(value, (types.FunctionType, *_NO_DATA)):
        return f"{_kind(value)} {getattr(value, '__name__', '')!r}"
    return f"a value of type {_kind(value)!r}"


# --- what is asked of a program -------------------------------------------------------------------


def operation(module: types.ModuleType, name: str) -> Callable[..., Any] | None:
    """What a call by this name calls: a function of the program, or what is asked of it besides."""
    if name in _OPERATIONS:
        return partial(_OPERATIONS[name], module)
    found = vars(module).get(name)
    return found if callable(found) else None


def _names(module: types.ModuleType) -> dict[str, list[str]]:
    """Names of what can be called in it, and of its data."""
    names: dict[str, list[str]] = {"functions": [], "data": []}
    for name, value in list(vars(module).items()):
        if name[:2] != "__" and name.isidentifier() and not isinstance(value, types.ModuleType):
            names["functions" if callable(value) else "data"].append(name)
    return names


def _called(
    module: types.ModuleType, name: str, args: Sequence[Any], keywords: Mapping[str, Any]
) -> Any:
    function = vars(module).get(name)
    if not callable(function):
        raise AttributeError(f"module 'program' has no function {name!r}")
    return plain(function(*map(revived, args), **revived(dict(keywords))))


def _value(module: types.ModuleType, name: str) -> Any:
    return plain(vars(module)[name])


_OPERATIONS: dict[str, Callable[..., Any]] = {
    "@names": _names,
    "@call": _called,
    "@value": _value,
}


def listed(names: Any) -> Iterator[tuple[str, bool]]:
    """Of the answer to `@names`, which a program may have forged: names, and what can be called."""
    match names:
        case {"functions": list(functions), "data": list(data)}:
            for name in (*functions, *data):
                if isinstance(name, str) and name.isidentifier():
                    yield name, name in functions
