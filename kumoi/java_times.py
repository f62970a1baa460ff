"""Times by patterns of Java's DateTimeFormatter, such as `yyyy-MM-dd HH:mm:ssZ`: written and read; pure.

Source: the class's documentation; letters of calendars other than ISO's, and of localized texts, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from kumoi.epoch import milliseconds_of, moment_of

_PIECE = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?(?::?(\d{2}))?")
LONGEST = 256


class BadTime(ValueError):
    """A pattern, zone or text that is none."""


def zone(name: str) -> tzinfo:
    """A time zone: a region's, an offset, UTC."""
    if name in ("", "Z", "UTC", "GMT"):
        return UTC
    if match := _OFFSET.fullmatch(name):
        hours, minutes, seconds = (int(one or 0) for one in match.groups()[1:])
        delta = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        if delta <= timedelta(hours=18) and minutes < 60 and seconds < 60:
            return timezone(delta if match[1] == "+" else -delta)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadTime(f"Unknown time-zone ID: {name}") from None


def formatted(milliseconds: float, pattern: str, where: tzinfo = UTC) -> str:
    """A time in a zone, written by a pattern."""
    try:
        moment = moment_of(milliseconds, where)
    except (OverflowError, ValueError, OSError) as error:
        raise BadTime(str(error)) from None
    return "".join(_written(moment, letter, count) if letter else text for letter, count, text in _pieces(pattern))


def parsed(text: str, pattern: str, where: tzinfo | None = None) -> int:
    """The epoch milliseconds of a text; a text or pattern without a zone needs `where`, UTC if that is None."""
    expression: list[str] = []
    letters: list[str] = []
    open_ended = False
    for letter, count, plain in _pieces(pattern):
        # A number of any width ends where no digit follows: else there are too many ways to read a text.
        if open_ended and (letter in _DIGITS or plain[:1].isdigit()):
            raise BadTime(f"{pattern} has a number that nothing ends")
        open_ended = letter in _DIGITS and count == 1
        if not letter:
            expression.append(re.escape(plain))
            continue
        if letter not in _READ or letter in letters:
            raise BadTime(f"Text cannot be parsed by the letter {letter} of {pattern}")
        letters.append(letter)
        expression.append(f"({_READ[letter](count)})")
    match = re.fullmatch("".join(expression), text) if len(text) <= LONGEST else None
    if match is None:
        raise BadTime(f"Text '{text[:LONGEST]}' could not be parsed by {pattern}")
    return _moment(dict(zip(letters, match.groups(), strict=True)), text, where)


def _pieces(pattern: str) -> Iterator[tuple[str, int, str]]:
    """(letter, how often, what is written as it stands) of each piece."""
    if len(pattern) > LONGEST:
        raise BadTime(f"A pattern has up to {LONGEST} characters")
    at = 0
    for match in _PIECE.finditer(pattern):
        if match.start() != at:
            break
        at = match.end()
        if match[2]:
            yield match[2], len(match[0]), ""
        else:
            yield "", 0, match[0] if match[1] is None else (match[1].replace("''", "'") or "'")
    if at != len(pattern):
        raise BadTime(f"Pattern ends with an incomplete string literal: {pattern}")


def _name(names: Sequence[str], number: int, count: int) -> str:
    return names[number][:3] if count == 3 else names[number][:1] if count == 5 else names[number]


def _written(moment: datetime, letter: str, count: int) -> str:
    if letter in ("M", "L") and count > 2:
        return _name(_MONTHS, moment.month - 1, count)
    if letter == "E" or (letter == "e" and count > 2):
        return _name(_DAYS, moment.weekday(), max(count, 3))
    if letter in ("y", "u"):
        return f"{moment.year % 100:02d}" if count == 2 else f"{moment.year:0{count}d}"
    if letter == "S":
        return f"{moment.microsecond:06d}".ljust(9, "0")[:count]
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter in _NUMBERS:
        return f"{_NUMBERS[letter](moment):0{count}d}"
    if letter in ("Z", "x", "X"):
        return _offset(moment, letter, count)
    if letter in ("z", "V"):
        return str(moment.tzinfo) if letter == "V" else moment.tzname() or ""
    raise BadTime(f"Unknown pattern letter: {letter}")


_NUMBERS: dict[str, Callable[[datetime], int]] = {
    "M": lambda moment: moment.month,
    "L": lambda moment: moment.month,
    "d": lambda moment: moment.day,
    "D": lambda moment: moment.timetuple().tm_yday,
    "e": lambda moment: moment.isoweekday() % 7 + 1,
    "H": lambda moment: moment.hour,
    "k": lambda moment: moment.hour or 24,
    "h": lambda moment: moment.hour % 12 or 12,
    "K": lambda moment: moment.hour % 12,
    "m": lambda moment: moment.minute,
    "s": lambda moment: moment.second,
    "n": lambda moment: moment.microsecond * 1000,
    "A": lambda moment: ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 + moment.microsecond // 1000,
    "Q": lambda moment: (moment.month + 2) // 3,
}


def _offset(moment: datetime, letter: str, count: int) -> str:
    seconds = int((moment.utcoffset() or timedelta()).total_seconds())
    sign, hours, minutes = "-" if seconds < 0 else "+", abs(seconds) // 3600, abs(seconds) // 60 % 60
    if letter == "X" and seconds == 0:
        return "Z"
    if letter == "Z" and count == 4:
        return f"GMT{sign}{hours:02d}:{minutes:02d}" if seconds else "GMT"
    if letter == "Z" and count == 5 and seconds == 0:
        return "Z"
    if letter in ("x", "X") and count == 1:
        return f"{sign}{hours:02d}{f'{minutes:02d}' if minutes else ''}"
    colon = ":" if count in (3, 5) else ""
    return f"{sign}{hours:02d}{colon if letter != 'Z' or count == 5 else ''}{minutes:02d}"


def _digits(count: int) -> str:
    return r"\d{1,9}" if count == 1 else rf"\d{{{min(count, 9)}}}"


_TEXTS = "|".join(sorted({one[:size] for one in _MONTHS for size in (3, 99)}, key=len, reverse=True))
_WEEKDAYS = "|".join(sorted({one[:size] for one in _DAYS for size in (3, 99)}, key=len, reverse=True))
_DIGITS = frozenset("yudHkhKmsSML")
_READ: dict[str, Callable[[int], str]] = {
    **dict.fromkeys("yudHkhKmsS", _digits),
    **dict.fromkeys("ML", lambda count: _digits(count) if count < 3 else _TEXTS),
    "E": lambda _count: _WEEKDAYS,
    "a": lambda _count: "AM|PM|am|pm",
    **dict.fromkeys("ZxX", lambda _count: r"Z|(?:GMT)?[+-]\d{2}:?(?:\d{2})?|GMT"),
    **dict.fromkeys("zV", lambda _count: r"[A-Za-z_]+(?:/[A-Za-z_+-]+)*"),
}


def _moment(found: dict[str, str], text: str, where: tzinfo | None) -> int:
    month = found.get("M") or found.get("L") or "1"
    number = int(month) if month.isdigit() else [one[:3] for one in _MONTHS].index(month[:3]) + 1
    year = found.get("y") or found.get("u") or "1970"
    hour = int(found.get("H") or found.get("k") or found.get("h") or found.get("K") or 0) % 24
    if "h" in found or "K" in found:
        hour = hour % 12 + (12 if found.get("a", "").upper() == "PM" else 0)
    fraction = int(found.get("S", "0").ljust(9, "0")[:6])
    offset = next((found[letter] for letter in "ZxXzV" if letter in found), None)
    at = (where or UTC) if offset is None else zone(offset)
    try:
        moment = datetime(
            int(year) + (2000 if len(year) == 2 else 0), number, int(found.get("d") or 1), hour,
            int(found.get("m") or 0), int(found.get("s") or 0), fraction, at,
        )  # fmt: skip
    except ValueError as error:
        raise BadTime(f"Text '{text}' could not be parsed: {error}") from None
    return milliseconds_of(moment)
