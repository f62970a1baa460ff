"""Regular expressions that users wrote, tried where they can do no harm.

A pattern may take for ever on a value made for it, so matching runs in a process of its own with a second of processor
time. For AllowedPattern of templates' parameters and of Parameter Store.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Sequence

_PROGRAM = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
for at, (pattern, value) in enumerate(json.load(sys.stdin)):
    if re.fullmatch(pattern, value) is None:
        print(at)
        break
"""


class BadPattern(ValueError):
    """A pattern is none, or takes too long; the text says which, to be told behind the pattern's name."""


async def first_mismatch(pairs: Sequence[tuple[str, str]]) -> int | None:
    """Which of (pattern, value) pairs is the first whose value does not match as a whole; None when all do.

    Raises BadPattern for what is no pattern, or does not come to an end in time.
    """
    if not pairs:
        return None
    for pattern, _ in pairs:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError):
            raise BadPattern("is not a valid regular expression") from None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-ISc",
        _PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        answer, _ = await process.communicate(json.dumps(pairs).encode())
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise BadPattern("takes too long on the value")
    return int(answer) if answer.strip() else None
