"""A clock that is off: what asks Python for the time gets one that is so many seconds early or late.

The system's clock belongs to the machine, so Python's own readings of it are replaced, before the function is loaded:
those of `time`, and `now`, `utcnow` and `today` of dates. Names that modules have taken from there already are replaced
as well. Dates stay what they are: only the classes that make them are others. Monotonic clocks, and programs that the
function starts, are not off.
"""

from __future__ import annotations

import copyreg
import datetime
import sys
import time
from typing import Any, Callable


def skew(seconds: float) -> None:
    """Set this process's clock off by `seconds`, for good."""
    readings = _readings(seconds)
    for module in [one for one in sys.modules.values() if one is not None]:
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if callable(value) and id(value) in readings:
                setattr(module, name, readings[id(value)][1])
    dates = _dates()
    for module in [one for one in sys.modules.values() if one is not None]:
        if module.__name__ in (__name__, "_datetime", "_pydatetime"):
            continue
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if isinstance(value, type) and id(value) in dates:
                setattr(module, name, dates[id(value)][1])


def _readings(seconds: float) -> dict[int, tuple[Any, Callable[..., Any]]]:
    """The functions of `time` that read the wall clock, by identity, and what takes their place."""
    real, real_ns = time.time, time.time_ns
    clock, clock_ns = time.clock_gettime, time.clock_gettime_ns
    gmtime, localtime, strftime, ctime, asctime = time.gmtime, time.localtime, time.strftime, time.ctime, time.asctime
    off_ns = round(seconds * 1e9)

    def now() -> float:
        return real() + seconds

    def now_ns() -> int:
        return real_ns() + off_ns

    def clock_gettime(which: int) -> float:
        return clock(which) + (seconds if which == time.CLOCK_REALTIME else 0)

    def clock_gettime_ns(which: int) -> int:
        return clock_ns(which) + (off_ns if which == time.CLOCK_REALTIME else 0)

    pairs: list[tuple[Any, Callable[..., Any]]] = [
        (real, now),
        (real_ns, now_ns),
        (clock, clock_gettime),
        (clock_ns, clock_gettime_ns),
        (gmtime, lambda when=None: gmtime(now() if when is None else when)),
        (localtime, lambda when=None: localtime(now() if when is None else when)),
        (ctime, lambda when=None: ctime(now() if when is None else when)),
        (asctime, lambda when=None: asctime(localtime(now()) if when is None else when)),
        (strftime, lambda form, when=None: strftime(form, localtime(now()) if when is None else when)),
    ]
    return {id(old): (old, new) for old, new in pairs}


def _dates() -> dict[int, tuple[type, type]]:
    """Dates' classes by identity, and those in their place, which read `time.time` and make dates of the real ones."""
    day: Any = datetime.date
    moment: Any = datetime.datetime

    class Day(day, metaclass=_standing_in(day)):  # type: ignore[metaclass, misc]
        def __new__(cls, *given: Any, **named: Any) -> Any:
            return day.__new__(day if cls is Day else cls, *given, **named)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(time.time())

    class Moment(moment, metaclass=_standing_in(moment)):  # type: ignore[metaclass, misc]
        def __new__(cls, *given: Any, **named: Any) -> Any:
            return moment.__new__(moment if cls is Moment else cls, *given, **named)

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(time.time())

    for real, standing_in in ((day, Day), (moment, Moment)):
        standing_in.__module__, standing_in.__name__ = "datetime", real.__name__
        standing_in.__qualname__, standing_in.__doc__ = real.__name__, real.__doc__
        copyreg.pickle(real, _reduced(standing_in))
    return {id(day): (day, Day), id(moment): (moment, Moment)}


def _standing_in(real: type) -> type[type]:
    """The class of a class that stands in for `real`: whatever is one of `real` is one of it."""

    class StandingIn(type):
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, real) if cls.__bases__ == (real,) else type.__instancecheck__(cls, value)

        def __subclasscheck__(cls, other: type) -> bool:
            return issubclass(other, real) if cls.__bases__ == (real,) else type.__subclasscheck__(cls, other)

    return StandingIn


def _reduced(standing_in: type) -> Callable[[Any], Any]:
    """How a date is pickled: by the class that its module shows."""
    return lambda value: (standing_in, value.__reduce_ex__(2)[1])
