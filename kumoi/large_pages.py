"""Has what the platform has loaded lie in large pages of memory, where Linux lends them (MADV_COLLAPSE, Linux 6.1).

Each request needs a little of everything that was loaded, which lies scattered over more pages of 4 KB than a processor
remembers the places of; in a virtual machine it costs two walks to find a place again. In pages of 2 MB the same takes
a tenth less CPU. Only areas that are nearly full are gathered, so that no more memory is held than before; what comes
later, as services are loaded at their first calls, is gathered later. Where there are no large pages nothing happens.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

PAUSES = (1.0, 4.0, 15.0, 60.0, 240.0)
"""Seconds between one gathering and the next, from the start of the platform on."""

_PAGE = 2 << 20
_MADV_COLLAPSE = 25
_FULL = 0.9
_AREA = r"^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\])?\nSize: +(\d+) kB\n(?:\S+: .*\n)*?Rss: +(\d+) kB$"


async def gather_now_and_then(pauses: Sequence[float] = PAUSES) -> None:
    """Gather a few times, in a thread."""
    for pause in pauses:
        await asyncio.sleep(pause)
        await asyncio.to_thread(gather)


def gather() -> int:
    """Have what is nearly full lie in large pages; how many bytes do."""
    if sys.platform != "linux":
        return 0
    import ctypes  # at its first use: nothing else of the platform needs it

    advise = ctypes.CDLL(None).madvise
    gathered = 0
    try:
        areas = nearly_full(Path("/proc/self/smaps").read_text())
    except OSError:  # a kernel that does not tell
        return 0
    for begin, end in areas:
        for place in range(begin, end, _PAGE):
            if advise(ctypes.c_void_p(place), ctypes.c_size_t(_PAGE), _MADV_COLLAPSE) == 0:
                gathered += _PAGE
    return gathered


def nearly_full(smaps: str) -> list[tuple[int, int]]:
    """The whole large pages within areas of private memory that are nearly all in use, out of /proc/PID/smaps."""
    found = []
    for area in re.finditer(_AREA, smaps, re.MULTILINE):  # compiled when it is needed: a start is not the time
        begin, end = (int(place, 16) for place in area.group(1, 2))
        size, resident = map(int, area.group(3, 4))
        begin, end = -(-begin // _PAGE) * _PAGE, end // _PAGE * _PAGE
        if begin < end and resident >= size * _FULL:
            found.append((begin, end))
    return found
