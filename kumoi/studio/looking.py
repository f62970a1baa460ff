"""Looking at services without being seen: operations that read, called beside the doorway's guards.

What only looks must not change what it looks at: it leaves no hop, meets no declared fault, and asks no policy.
Whoever may use Studio may see the whole account.
"""

from __future__ import annotations

import asyncio
from typing import Any

from kumoi.doorway import NO_TRACE, Call, Doorway, Principal

READS = ("Get", "List", "Describe", "Scan", "Query", "Head", "Filter", "BatchGet", "Search", "Lookup", "Test", "Select")
"""How the names of operations begin that change nothing."""

LOOKS_TOO = frozenset(("StartQuery", "StopQuery"))

_TOKENS = (("NextToken", "NextToken"), ("nextToken", "nextToken"), ("NextMarker", "Marker"), ("Marker", "Marker"))
_PAGES = 20


def looks(operation: str) -> bool:
    """Whether an operation only reads; receiving a message is none that does."""
    return operation.startswith(READS) or operation in LOOKS_TOO


class Looker:
    """Reads one account's resources in one region."""

    def __init__(self, doorway: Doorway, account: str, region: str) -> None:
        self._doorway = doorway
        self.account = account
        self.region = region

    async def ask(self, service: str, operation: str, /, **params: Any) -> Any:
        """An operation's plain answer; raises its AwsError. Others have their turn before it: looking is many calls."""
        await asyncio.sleep(0)
        found = self._doorway.registry[service]
        if not found.loaded:
            await found.load()
        handler = found.find(operation)
        handler.check(service, params)
        caller = Principal.root(self.account, self.account)
        call = Call(
            self._doorway,
            service,
            operation,
            params,
            caller,
            self.account,
            self.region,
            NO_TRACE,
            "studio",
            node="studio",
        )
        return await handler.handler(call, **params)

    async def every(self, service: str, operation: str, member: str, /, **params: Any) -> list[Any]:
        """What an operation lists under `member` (a path with dots), page after page, within reason."""
        found: list[Any] = []
        for _ in range(_PAGES):
            answer = await self.ask(service, operation, **params)
            held: Any = answer
            for step in member.split("."):
                held = (held or {}).get(step)
            found += held or ()
            token = next(((into, answer[out]) for out, into in _TOKENS if answer.get(out)), None)
            if token is None:
                break
            params[token[0]] = token[1]
        return found
