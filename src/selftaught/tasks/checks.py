"""Checks of what a candidate returned, for utilities: a clean array, or `bad_output`.

Whatever data a candidate sends, the one exception that these functions raise is `ProgramFailed`.
They look at no more entries than were asked for, and never put a candidate's text or numbers of
unknown length into a message.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from selftaught.core.outcome import Failed
from selftaught.core.task import ProgramFailed

FloatArray: TypeAlias = npt.NDArray[np.float64]
IntArray: TypeAlias = npt.NDArray[np.int64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]

# Squares, and sums of squares, of what passes are finite numbers too.
LARGEST = 1e100


def require_array(
    value: object, shape: tuple[int, ...], *, name: str = "the output", largest: float = LARGEST
) -> FloatArray:
    """The value as an array of finite numbers of just this shape.

    Args:
        value: what the candidate returned: an array, or lists or tuples, nested; bools count as
            0 and 1.
        shape: the shape that it must have; nothing is broadcast, flattened or cut.
        name: what the message calls the value.
        largest: entries must lie in [-largest, largest].
    Returns: float64 array of that shape, a copy.
    Raises: ProgramFailed of kind bad_output.
    """
    array = np.empty(shape, dtype=np.float64)
    with np.errstate(all="ignore"):  # casts of long doubles and of signalling NaNs
        _fill(array, value, name, shape)
    # A comparison with NaN is false: so this catches NaN, infinities and what is too large.
    if not (np.abs(array) <= largest).all():
        if np.isfinite(array).all():
            bad_output(f"{name} has an entry beyond {largest:g}")
        bad_output(f"{name} has entries that are not finite numbers (NaN or infinity)")
    return array


def require_labels(
    value: object, length: int, labels: Collection[int], *, name: str = "the output"
) -> IntArray:
    """The value as (length,) integers, each one of the labels.

    Raises: ProgramFailed of kind bad_output.
    """
    array = require_array(value, (length,), name=name)
    if not np.isin(array, list(labels)).all():
        allowed = ", ".join(str(label) for label in labels)
        bad_output(f"{name} has entries other than {allowed}")
    return array.astype(np.int64)


def require_permutation(value: object, length: int, *, name: str = "the output") -> IntArray:
    """The value as (length,) integers: each of 0 .. length - 1 once.

    Raises: ProgramFailed of kind bad_output.
    """
    array = require_array(value, (length,), name=name)
    if not np.array_equal(np.sort(array), np.arange(length)):
        bad_output(f"{name} must hold each of 0 .. {length - 1} once")
    return array.astype(np.int64)


def require_length(value: object, most: int, *, name: str = "the output") -> int:
    """How many entries a list, tuple or array has, where the task leaves that open: 1 to `most`.

    Raises: ProgramFailed of kind bad_output.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        length = len(value)
    else:
        length = len(value) if isinstance(value, (list, tuple)) else 0
    if not 1 <= length <= most:
        bad_output(f"{name} must have 1 to {most} entries; found {_summary(value)}")
    return length


def bad_output(detail: str) -> NoReturn:
    """Fail the candidate for what it returned.

    Raises: ProgramFailed of kind bad_output.
    """
    raise ProgramFailed(Failed("bad_output", detail))


def _fill(target: FloatArray, value: object, name: str, shape: tuple[int, ...]) -> None:
    """Copy the value into the target, entry by entry where it is not an array.

    `np.asarray` of a hostile list would allocate without bound (one long string beside many short
    ones), so the shape that is wanted leads, not the value.
    """
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf" or value.shape != target.shape:
            _refuse(value, name, shape)
        target[...] = value
    elif target.ndim == 0:
        target[...] = _number(value, name, shape)
    elif isinstance(value, (list, tuple)) and len(value) == len(target):
        if target.ndim == 1:
            target[:] = [_number(entry, name, shape) for entry in value]
        else:
            for row, entry in zip(target, value, strict=True):
                _fill(row, entry, name, shape)
    else:
        _refuse(value, name, shape)


def _number(value: object, name: str, shape: tuple[int, ...]) -> float:
    if isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "biuf":
        value = value[()]
    if not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating)):
        _refuse(value, name, shape)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _refuse(value: object, name: str, shape: tuple[int, ...]) -> NoReturn:
    bad_output(f"{name} must be numbers of shape {shape}; found {_summary(value)}")


def _summary(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if isinstance(value, (list, tuple, dict, str, bytes)):
        return f"a {type(value).__name__} of length {len(value)}"
    return f"a value of type {type(value).__name__}"
