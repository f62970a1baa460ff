"""The lineage of a request: which functions ran in the chain of requests that led to it, and how often each.

It travels in the trace header (`Lineage=1:0a1b2c3d:4+2:…`: a function's place in the chain, its mark, how often it has
come again), which SDKs within functions send along, and with what SQS, SNS and S3 deliver. Rules: "Use Lambda recursive
loop detection to prevent infinite loops" of the developer guide.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from kumoi.doorway import Call
from kumoi.wire.errors import aws_error

MOST = 16
"""How often a function runs in one chain of requests."""
MOST_FUNCTIONS = 32
"""Of how many functions a chain knows: the latest."""
STOPPED = "RecursiveInvocationException"


@lru_cache(4096)
def mark_of(account: str, region: str, name: str) -> str:
    """What a lineage calls a function."""
    return blake2b(f"{account}:{region}:{name}".encode(), digest_size=4).hexdigest()


def times(lineage: str, mark: str) -> int:
    """How often a function has run in a chain."""
    for entry in lineage.split("+") if lineage else ():
        _, found, again = entry.split(":")
        if found == mark:
            return int(again) + 1
    return 0


def entered(lineage: str, mark: str) -> str:
    """The lineage of what a function asks for as it runs in a chain."""
    if not lineage:
        return f"1:{mark}:0"
    entries = [entry.split(":") for entry in lineage.split("+")]
    for entry in entries:
        if entry[1] == mark:
            entry[2] = str(int(entry[2]) + 1)
            break
    else:
        entries.append([str(int(entries[-1][0]) + 1), mark, "0"])
    return "+".join(map(":".join, entries[-MOST_FUNCTIONS:]))


def check_loop(call: Call, function_arn: str, mark: str, recursive_loop: str) -> None:
    """Raise RecursiveInvocationException where a function has run often enough in a call's chain of requests."""
    if recursive_loop == "Terminate" and times(call.trace.lineage, mark) >= MOST:
        call.warning = f"a recursive loop: the function has run {MOST} times in this chain of requests"
        raise aws_error(
            STOPPED,
            f"Lambda has detected that {function_arn} is invoked in a recursive loop with other resources, and has"
            f" stopped it: it has run {MOST} times in one chain of requests. PutFunctionRecursionConfig allows it to.",
            Type="User",
        )
