"""Whether a file's bytes lie in the system's memory: then to read them is quicker than the way to a thread and back.

Source: preadv2(2), RWF_NOWAIT. Where the system cannot tell, they do not.
"""

from __future__ import annotations

import os

_NO_WAIT = getattr(os, "RWF_NOWAIT", None)


def is_cached(descriptor: int, offset: int, length: int) -> bool:
    """Whether a read would not wait for the disk, as far as the first and the last byte tell."""
    if _NO_WAIT is None:
        return False
    byte = bytearray(1)
    try:
        return all(os.preadv(descriptor, [byte], at, _NO_WAIT) for at in (offset, offset + length - 1))
    except OSError:
        return False
