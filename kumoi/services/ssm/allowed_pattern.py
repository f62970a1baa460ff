"""AllowedPattern: a regular expression of a user's that a value has to match, tried where it can do no harm.

A pattern may take for ever on a value made for it, so it runs in a process of its own with a second of processor time.
"""

from __future__ import annotations

import asyncio
import re
import sys

import orjson

from kumoi.wire.errors import AwsError, aws_error

_PROGRAM = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
pattern, value = json.load(sys.stdin)
sys.exit(re.fullmatch(pattern, value) is None)
"""


async def check_pattern(pattern: str, value: str) -> None:
    """Raise unless the value matches; InvalidAllowedPatternException for what is no pattern, or takes too long."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError):
        raise _no_pattern("is not a valid regular expression") from None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-ISc",
        _PROGRAM,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await process.communicate(orjson.dumps([pattern, value]))
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode == 1:
        raise aws_error(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )
    if process.returncode:
        raise _no_pattern("takes too long on the value")


def _no_pattern(what: str) -> AwsError:
    return aws_error("InvalidAllowedPatternException", f"The AllowedPattern {what}.")
