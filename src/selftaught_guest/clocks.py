"""The clocks of an improver, which follow from what the host says: told the same, they show it.

The host is asked at the first read, at the first after each reply to a request, and at the 16th,
32nd, 64th ... read without a reply. A read in between is one microsecond after the one before. So
reads strictly increase; when the host is asked depends on what the improver does and on no clock;
and a loop that runs for some seconds ends after them, or within twice as many rounds.

`monotonic` and the like start at 0 and show the same time as `time`. `sleep` sleeps, and puts the
clocks on. Candidates keep the machine's clocks, and so does what waits in the standard library.
Other ways to a clock (numpy, `os.times`, an event loop's `time`) are not looked after here.
"""

from __future__ import annotations

import datetime
import sys
import threading
import time
import timeit
import types
from collections.abc import Callable
from typing import Any

_FIRST_DOUBLING = 16
_machine = types.ModuleType("time", "The machine's own clocks, for what waits.")
_machine.__dict__.update(vars(time))
_sleep = time.sleep

# These look `time` up when they wait. (threading and queue took their clock when imported.)
_WAITING = ("asyncio.base_events", "concurrent.futures._base", "subprocess")


def _nobody() -> None:
    """Whom a clock asks before it is connected."""


class _Clock:
    """Microseconds, as the host tells them and as reads and sleep go on from there.

    A signal's handler may read it while the same thread asks the host: hence the reentrant lock.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._ask: Callable[[], float | None] = _nobody
        self._now_us = 0
        self._first_us: int | None = None
        self._reads = 0

    @property
    def is_connected(self) -> bool:
        return self._ask is not _nobody

    def connect(self, ask: Callable[[], float | None]) -> None:
        self._ask = ask

    def renew(self) -> None:
        """A reply came: the next read asks the host. Waits for nobody."""
        self._reads = 0

    def read_us(self) -> int:
        with self._lock:
            self._reads += 1
            reads = self._reads
            told_s = None
            if reads & (reads - 1) == 0 and (reads == 1 or reads >= _FIRST_DOUBLING):
                told_s = self._ask()
            self._now_us += 1
            if told_s is not None:
                self._now_us = max(self._now_us, round(told_s * 1e6))
                if self._first_us is None:
                    self._first_us = self._now_us
            return self._now_us

    def read_elapsed_us(self) -> int:
        """The same since the first read."""
        with self._lock:
            return self.read_us() - (self._first_us or 0)

    def put_on(self, seconds: float) -> None:
        with self._lock:
            self._now_us += round(seconds * 1e6)


_clock = _Clock()
renew = _clock.renew


# --- the module time ----------------------------------------------------------------------------


def _time() -> float:
    return _clock.read_us() / 1e6


def _time_ns() -> int:
    return _clock.read_us() * 1000


def _elapsed() -> float:
    return _clock.read_elapsed_us() / 1e6


def _elapsed_ns() -> int:
    return _clock.read_elapsed_us() * 1000


def _timed() -> float:
    """For `timeit`, which reads its clock twice for many rounds: the host's own time each time.

    Candidates measure themselves.
    """
    if not _clock.is_connected:
        return _machine.perf_counter()  # type: ignore[no-any-return]
    _clock.renew()
    return _elapsed()


def _slept(seconds: float) -> None:
    _sleep(seconds)
    _clock.put_on(float(seconds))


def _localtime(seconds: float | None = None) -> time.struct_time:
    return _machine.localtime(_time() if seconds is None else seconds)  # type: ignore[no-any-return]


def _gmtime(seconds: float | None = None) -> time.struct_time:
    return _machine.gmtime(_time() if seconds is None else seconds)  # type: ignore[no-any-return]


def _ctime(seconds: float | None = None) -> str:
    return _machine.ctime(_time() if seconds is None else seconds)  # type: ignore[no-any-return]


def _asctime(*moment: Any) -> str:
    return _machine.asctime(*(moment or (_localtime(),)))  # type: ignore[no-any-return]


def _strftime(text: str, *moment: Any) -> str:
    return _machine.strftime(text, *(moment or (_localtime(),)))  # type: ignore[no-any-return]


def _clock_gettime(clock: int) -> float:
    return _time() if clock == time.CLOCK_REALTIME else _elapsed()


def _clock_gettime_ns(clock: int) -> int:
    return _time_ns() if clock == time.CLOCK_REALTIME else _elapsed_ns()


_REPLACEMENTS: dict[str, Callable[..., Any]] = {
    "time": _time,
    "time_ns": _time_ns,
    **dict.fromkeys(("monotonic", "perf_counter", "process_time", "thread_time"), _elapsed),
    **dict.fromkeys(
        ("monotonic_ns", "perf_counter_ns", "process_time_ns", "thread_time_ns"), _elapsed_ns
    ),
    "sleep": _slept,
    "localtime": _localtime,
    "gmtime": _gmtime,
    "ctime": _ctime,
    "asctime": _asctime,
    "strftime": _strftime,
    "clock_gettime": _clock_gettime,
    "clock_gettime_ns": _clock_gettime_ns,
}


# --- the module datetime ------------------------------------------------------------------------


class _Either(type):
    """What the C code makes (a datetime's `date()`, say) is of the original types: it counts."""

    def __instancecheck__(cls, instance: object) -> bool:
        return cls.__subclasscheck__(type(instance))

    def __subclasscheck__(cls, subclass: type) -> bool:
        original = _ORIGINALS.get(cls)
        return issubclass(subclass, original) if original else super().__subclasscheck__(subclass)


class _Date(datetime.date, metaclass=_Either):
    __doc__ = datetime.date.__doc__

    def __repr__(self) -> str:
        return _full_name(self, super().__repr__())

    @classmethod
    def today(cls) -> _Date:
        return cls.fromtimestamp(_time())


class _Datetime(datetime.datetime, metaclass=_Either):
    __doc__ = datetime.datetime.__doc__

    def __repr__(self) -> str:
        return _full_name(self, super().__repr__())

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Datetime:
        return cls.fromtimestamp(_time(), tz)

    @classmethod
    def utcnow(cls) -> _Datetime:
        return cls.fromtimestamp(_time(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> _Datetime:
        return cls.fromtimestamp(_time())


_ORIGINALS: dict[type, type] = {_Date: datetime.date, _Datetime: datetime.datetime}


def _full_name(moment: datetime.date, shown: str) -> str:
    """Types made in Python print without their module."""
    return f"datetime.{shown}" if type(moment) in _ORIGINALS else shown


for _made, _original in _ORIGINALS.items():
    _made.__name__ = _made.__qualname__ = _original.__name__
    _made.__module__ = "datetime"


# --- putting them in place ----------------------------------------------------------------------


_DATES = {original.__name__: made for made, original in _ORIGINALS.items()}


def prepare() -> None:
    """In the zygote, once all is loaded: what changes nothing yet, and would cost each fork."""
    for function in (timeit.Timer.__init__, timeit.timeit, timeit.repeat):
        defaults = function.__defaults__ or ()
        function.__defaults__ = tuple(
            _timed if value is _machine.perf_counter else value for value in defaults
        )
    for name in _WAITING:
        if name in sys.modules:
            sys.modules[name].time = _machine  # type: ignore[attr-defined]


def install(ask: Callable[[], float | None]) -> None:
    """In an improver's guest: let `time`, `datetime` and `timeit` show what `ask` says.

    Args:
        ask: Unix seconds, or None if the host cannot be asked now.
    """
    _clock.connect(ask)
    vars(time).update(_REPLACEMENTS)
    vars(datetime).update(_DATES)
    timeit.default_timer = _elapsed
