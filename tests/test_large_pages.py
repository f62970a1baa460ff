"""What is gathered into large pages, and that nothing is lost by it."""

from __future__ import annotations

import asyncio
import sys

import pytest

from kumoi import large_pages
from kumoi.large_pages import gather, gather_now_and_then, nearly_full

SMAPS = """\
55d000000000-55d000900000 rw-p 00000000 00:00 0                          [heap]
Size:               9216 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                9000 kB
Pss:                9000 kB
7f0000100000-7f0000700000 rw-p 00000000 00:00 0
Size:               6144 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                6144 kB
7f1000000000-7f1000800000 rw-p 00000000 00:00 0
Size:               8192 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                 100 kB
7f2000000000-7f2000800000 rw-p 00000000 fe:00 1234                       /usr/lib/libx.so
Size:               8192 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                8192 kB
7f3000000000-7f3000800000 r--p 00000000 00:00 0
Size:               8192 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                8192 kB
7f4000000000-7f4000100000 rw-p 00000000 00:00 0
Size:               1024 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                1024 kB
7ffc00000000-7ffc00800000 rw-p 00000000 00:00 0                          [stack]
Size:               8192 kB
KernelPageSize:        4 kB
MMUPageSize:           4 kB
Rss:                8192 kB
VmFlags: rd wr mr mw me gd ac
"""


def test_private_memory_that_is_nearly_full_is_gathered() -> None:
    assert nearly_full(SMAPS) == [(0x55D000000000, 0x55D000800000), (0x7F0000200000, 0x7F0000600000)]
    assert nearly_full("") == []


@pytest.mark.skipif(sys.platform != "linux", reason="large pages are Linux's")
def test_what_was_gathered_is_as_it_was() -> None:
    kept = [bytes([number % 251]) * 100_000 for number in range(200)]
    assert gather() >= 0
    assert kept == [bytes([number % 251]) * 100_000 for number in range(200)]


def test_it_is_gathered_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gathered: list[int] = []
    monkeypatch.setattr(large_pages, "gather", lambda: gathered.append(1))
    asyncio.run(gather_now_and_then((0.0, 0.0)))
    assert gathered == [1, 1]
