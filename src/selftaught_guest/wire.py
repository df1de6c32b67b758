"""Frames: data, and nothing but data, between the host and a guest.

A frame is a 4-byte little-endian length and a payload of tagged values: None, bool, int, float,
str, bytes, list, tuple, dict, numpy scalars, and numeric arrays as raw bytes. The host takes what
it reads as hostile: size, depth, types, shapes, and what the frame costs to decode are checked, and
every fault is a `WireError`. A guest believes the host.
"""

from __future__ import annotations

import math
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

MAX_DEPTH: Final = 48
# A value costs 1, which is a microsecond or so; others, however small, take several times as long.
# Long lists of floats or of integers are read faster, and what an array holds is copied whole.
MAX_COST: Final = 750_000
_NUMBERS_AS_ONE = 8
_MORE_FOR_A_CONTAINER = 1
_MORE_FOR_AN_ARRAY = 6
_MORE_FOR_A_DIMENSION = 1
_MORE_FOR_A_SCALAR = 2
# Hashes but those of texts are no secret: keys can be made to meet in a dict's table, where finding
# a place for each takes as many steps as there are keys. So these are few, and are watched.
MAX_ODD_KEYS: Final = 15_000
_KEYS_AT_ONCE = 100
_MOST_S_FOR_KEYS = 0.1
_MOST_S_A_KEY = 2e-6
MAX_INT_BYTES: Final = 512
_CHUNK = 1 << 16
MAX_NDIM: Final = 16
HEADER: Final = struct.Struct("<I")

_U32 = HEADER
_I64 = struct.Struct("<q")
_F64 = struct.Struct("<d")
_U64 = struct.Struct("<Q")

_DTYPE_NAMES = (
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64"
    " complex128"
)
DTYPES: Final = tuple(np.dtype(name) for name in _DTYPE_NAMES.split())
_FLOATS, _INTEGERS = np.dtype("<f8"), np.dtype("<i8")
_DTYPE_CODES = {dtype: code for code, dtype in enumerate(DTYPES)}


class WireError(ValueError):
    """A value that no frame can hold, or bytes that are no frame."""


def pack(value: Any) -> bytes:
    """The frame of a value, header included.

    Raises: WireError if the value is not data, or nested deeper than `MAX_DEPTH`.
    """
    out = bytearray(HEADER.size)
    _encode(value, out, 0)
    if len(out) - HEADER.size > 0xFFFF_FFFF:
        raise WireError("a frame holds at most 4 GiB")
    HEADER.pack_into(out, 0, len(out) - HEADER.size)
    return bytes(out)


def unpack(payload: bytes | memoryview, *, most_cost: int | None = MAX_COST) -> Any:
    """The value of a payload (without its header).

    Args:
        most_cost: what it may cost; None for a sender who is trusted.
    Raises: WireError on anything that `pack` would not have written, or that costs too much.
    """
    reader = _Reader(memoryview(payload), most_cost)
    try:
        value = reader.value(0)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise WireError(f"broken frame: {error}") from None
    if reader.position != len(reader.view):
        raise WireError("broken frame: bytes after its value")
    return value


# --- writing ------------------------------------------------------------------------------------


def _encode(value: Any, out: bytearray, depth: int) -> None:
    encoder = _ENCODERS.get(type(value)) or _encoder_of_kind(value)
    if depth > MAX_DEPTH:
        raise WireError(f"data nested more than {MAX_DEPTH} deep")
    encoder(value, out, depth)


def _encoder_of_kind(value: Any) -> Callable[[Any, bytearray, int], None]:
    """Encoders of numpy's types and of subclasses, which arrive as their base."""
    if isinstance(value, np.ndarray):
        return _encode_array
    if isinstance(value, np.generic):
        return _encode_scalar
    for kind in (bool, int, float, str, bytes, list, tuple, dict):
        if isinstance(value, kind):
            return _ENCODERS[kind]
    raise WireError(f"a value of type {type(value).__name__} is not data")


def _encode_int(value: int, out: bytearray, depth: int) -> None:
    if -0x8000_0000_0000_0000 <= value <= 0x7FFF_FFFF_FFFF_FFFF:
        out += b"i" + _I64.pack(value)
        return
    size = value.bit_length() // 8 + 1
    if size > MAX_INT_BYTES:
        raise WireError(f"an integer of {size} bytes; at most {MAX_INT_BYTES}")
    _put_bytes(b"I", int(value).to_bytes(size, "little", signed=True), out)


def _encode_str(value: str, out: bytearray, depth: int) -> None:
    try:
        data = value.encode("utf-8")
    except UnicodeEncodeError:
        raise WireError("a text with lone surrogates is not data") from None
    _put_bytes(b"s", data, out)


def _put_bytes(tag: bytes, data: bytes, out: bytearray) -> None:
    out += tag
    out += _U32.pack(len(data))
    out += data


def _encode_list(value: list[Any], out: bytearray, depth: int) -> None:
    # Long lists of one number type go as raw bytes: a list of 1,000 floats in 20 us.
    for kind, tag, code in ((float, b"L", "d"), (int, b"J", "q")) if len(value) > 8 else ():
        if all(type(item) is kind for item in value):
            try:
                packed = struct.pack(f"<{len(value)}{code}", *value)
            except struct.error:
                break  # an integer over 64 bits: item by item
            out += tag + _U32.pack(len(value))
            out += packed
            return
    _encode_items(b"l", value, out, depth)


def _encode_items(tag: bytes, items: Sequence[Any], out: bytearray, depth: int) -> None:
    out += tag + _U32.pack(len(items))
    for item in items:
        _encode(item, out, depth + 1)


def _encode_dict(value: dict[Any, Any], out: bytearray, depth: int) -> None:
    out += b"d" + _U32.pack(len(value))
    for key, item in value.items():
        _encode(key, out, depth + 1)
        _encode(item, out, depth + 1)


def _encode_array(value: np.ndarray[Any, Any], out: bytearray, depth: int) -> None:
    code = _dtype_code(value.dtype)
    if value.ndim > MAX_NDIM:
        raise WireError(f"an array of {value.ndim} dimensions; at most {MAX_NDIM}")
    out += bytes((ord("a"), code, value.ndim))
    for length in value.shape:
        out += _U64.pack(length)
    out += np.ascontiguousarray(value, dtype=DTYPES[code]).tobytes()


def _encode_scalar(value: np.generic, out: bytearray, depth: int) -> None:
    code = _dtype_code(value.dtype)
    out += bytes((ord("g"), code))
    out += value.astype(DTYPES[code]).tobytes()


def _dtype_code(dtype: np.dtype[Any]) -> int:
    code = _DTYPE_CODES.get(dtype.newbyteorder("="))
    if code is None:
        raise WireError(f"an array of dtype {dtype} is not numeric data")
    return code


_ENCODERS: dict[type, Callable[[Any, bytearray, int], None]] = {
    type(None): lambda value, out, depth: out.extend(b"N"),
    bool: lambda value, out, depth: out.extend(b"T" if value else b"F"),
    int: _encode_int,
    float: lambda value, out, depth: out.extend(b"f" + _F64.pack(value)),
    str: _encode_str,
    bytes: lambda value, out, depth: _put_bytes(b"b", value, out),
    list: _encode_list,
    tuple: lambda value, out, depth: _encode_items(b"t", value, out, depth),
    dict: _encode_dict,
    np.ndarray: _encode_array,
}


# --- reading ------------------------------------------------------------------------------------


class _Reader:
    """A cursor over a payload, with what the whole frame may still cost."""

    __slots__ = ("cost_left", "is_hostile", "most_cost", "odd_keys_left", "position", "view")

    def __init__(self, view: memoryview, most_cost: int | None) -> None:
        self.view = view
        self.position = 0
        self.is_hostile = most_cost is not None
        self.most_cost = sys.maxsize if most_cost is None else most_cost
        self.cost_left = self.most_cost
        self.odd_keys_left = sys.maxsize if most_cost is None else MAX_ODD_KEYS

    def take(self, size: int) -> memoryview:
        end = self.position + size
        if end > len(self.view):
            raise WireError("broken frame: it ends within a value")
        part = self.view[self.position : end]
        self.position = end
        return part

    def count(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def charge(self, cost: int) -> None:
        self.cost_left -= cost
        if self.cost_left < 0:
            raise WireError(
                f"more than {self.most_cost:,} values, where a list counts as two and a small "
                "array as seven; send an array of numbers, or a list of numbers of one kind"
            )

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise WireError(f"data nested more than {MAX_DEPTH} deep")
        tag = self.view[self.position]
        self.position += 1
        decoder = _DECODERS.get(tag)
        if decoder is None:
            raise WireError(f"broken frame: unknown tag {tag}")
        return decoder(self, depth)

    def items(self, depth: int) -> list[Any]:
        return [self.value(depth + 1) for _ in range(self.item_count())]

    def item_count(self, of_each: int = 1) -> int:
        """How many items a container has, of so many values each; charged."""
        count = self.count()
        if of_each * count > len(self.view) - self.position:
            raise WireError("broken frame: more items than it can hold")
        self.charge(of_each * count + _MORE_FOR_A_CONTAINER)
        return count


def _decode_bigint(reader: _Reader, depth: int) -> int:
    size = reader.count()
    if size > MAX_INT_BYTES:
        raise WireError(f"an integer of {size} bytes; at most {MAX_INT_BYTES}")
    return int.from_bytes(reader.take(size), "little", signed=True)


def _decode_numbers(reader: _Reader, dtype: np.dtype[Any]) -> list[Any]:
    """In pieces, between which other threads have their turn."""
    count = reader.count()
    numbers = np.frombuffer(reader.take(8 * count), dtype=dtype)
    reader.charge(count // _NUMBERS_AS_ONE)
    found: list[Any] = [None] * len(numbers)
    for start in range(0, len(numbers), _CHUNK):
        found[start : start + _CHUNK] = numbers[start : start + _CHUNK].tolist()
    return found


def _decode_dict(reader: _Reader, depth: int) -> dict[Any, Any]:
    flat = [reader.value(depth + 1) for _ in range(2 * reader.item_count(of_each=2))]
    keys, values = flat[::2], flat[1::2]
    odd = sum(type(key) is not str and type(key) is not bytes for key in keys)
    reader.odd_keys_left -= odd
    if reader.odd_keys_left < 0:
        raise WireError(f"more than {MAX_ODD_KEYS:,} keys that are no text; send lists or arrays")
    return _table(reader, keys, values)


def _table(reader: _Reader, keys: list[Any], values: list[Any]) -> dict[Any, Any]:
    """A dict, unless finding places for its keys takes far longer than it should."""
    found: dict[Any, Any] = {}
    # In a guest, who believes the host, a clock may be one that asks the host.
    start_s = time.thread_time() if reader.is_hostile else 0.0
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        end = start + _KEYS_AT_ONCE
        try:
            found.update(zip(keys[start:end], values[start:end], strict=True))
        except TypeError:
            raise WireError("a list, a table or an array cannot be a key") from None
        most_s = _MOST_S_FOR_KEYS + _MOST_S_A_KEY * end
        if reader.is_hostile and time.thread_time() - start_s > most_s:
            raise WireError("keys that are made to collide")
    return found


def _decode_dtype(reader: _Reader) -> np.dtype[Any]:
    code = reader.take(1)[0]
    if code >= len(DTYPES):
        raise WireError(f"broken frame: unknown dtype {code}")
    return DTYPES[code]


def _decode_array(reader: _Reader, depth: int) -> np.ndarray[Any, Any]:
    dtype = _decode_dtype(reader)
    ndim = reader.take(1)[0]
    if ndim > MAX_NDIM:
        raise WireError(f"an array of {ndim} dimensions; at most {MAX_NDIM}")
    reader.charge(_MORE_FOR_AN_ARRAY + _MORE_FOR_A_DIMENSION * ndim)
    shape = tuple(int(_U64.unpack(reader.take(8))[0]) for _ in range(ndim))
    # An empty array may announce any other length: numpy's own limit is on the product of all.
    if math.prod(max(1, length) for length in shape) > 0x7FFF_FFFF:
        raise WireError(f"an array of shape {shape} is too large")
    data = reader.take(math.prod(shape) * dtype.itemsize)
    return _numbers(bytearray(data), dtype).reshape(shape)


def _decode_scalar(reader: _Reader, depth: int) -> np.generic:
    reader.charge(_MORE_FOR_A_SCALAR)
    dtype = _decode_dtype(reader)
    scalar: np.generic = _numbers(reader.take(dtype.itemsize), dtype)[0]
    return scalar


def _numbers(data: bytearray | memoryview, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    if dtype.kind == "b" and np.any(np.frombuffer(data, dtype=np.uint8) > 1):
        raise WireError("broken frame: a truth value that is neither 0 nor 1")
    return np.frombuffer(data, dtype=dtype)


_DECODERS: dict[int, Callable[[_Reader, int], Any]] = {
    ord("N"): lambda reader, depth: None,
    ord("T"): lambda reader, depth: True,
    ord("F"): lambda reader, depth: False,
    ord("i"): lambda reader, depth: _I64.unpack(reader.take(8))[0],
    ord("I"): _decode_bigint,
    ord("f"): lambda reader, depth: _F64.unpack(reader.take(8))[0],
    ord("s"): lambda reader, depth: str(reader.take(reader.count()), "utf-8"),
    ord("b"): lambda reader, depth: bytes(reader.take(reader.count())),
    ord("l"): lambda reader, depth: reader.items(depth),
    ord("t"): lambda reader, depth: tuple(reader.items(depth)),
    ord("L"): lambda reader, depth: _decode_numbers(reader, _FLOATS),
    ord("J"): lambda reader, depth: _decode_numbers(reader, _INTEGERS),
    ord("d"): _decode_dict,
    ord("a"): _decode_array,
    ord("g"): _decode_scalar,
}
