"""Calling the function behind a target group, for at most as long as the load balancer waits.

A function that takes longer goes on; only its answer is not waited for.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import orjson

from kumoi.doorway import Call, Principal
from kumoi.services.elbv2.records import Target, TargetGroup
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The function gave no answer; `late` where it took too long. The text says why."""

    def __init__(self, text: str, *, late: bool = False) -> None:
        super().__init__(text)
        self.late = late


class Invoker:
    """Invokes functions as Elastic Load Balancing, on account of their target groups."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    async def invoke(self, call: Call, group: TargetGroup, target: Target, event: Any, seconds: float) -> bytes:
        """A function's answer to an event; raises NoAnswer."""
        service = Principal.of_service(
            group.account, "elasticloadbalancing.amazonaws.com", call.node or call.service, group.arn
        )
        params = {"FunctionName": target.id, "Payload": orjson.dumps(event)}
        trace = call.onward
        task = asyncio.create_task(call.doorway.ask("lambda", "Invoke", params, service, group.region, trace))
        self._running.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise NoAnswer(f"{target.id} did not answer within {seconds:g} s", late=True)
        try:
            answer = task.result()
        except AwsError as error:
            raise NoAnswer(f"{target.id}: {error}") from None
        content: bytes = answer["Payload"]
        if "FunctionError" in answer:
            raise NoAnswer(f"{target.id} failed: {content[:500].decode('utf-8', 'replace')}")
        return content

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waits gets it; nobody else has to hear of it
