"""Calling the function behind an integration or an authorizer, for at most as long as API Gateway waits.

A function that takes longer goes on; only its answer is not waited for. Source: "Lambda integrations" of the developer
guide.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from typing import Any, Literal

import orjson

from kumoi.doorway import Call, Principal
from kumoi.time_limit import TimeLimit
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")
_INVOCATIONS = re.compile(r"arn:[^:]+:apigateway:[^:]*:lambda:path/[0-9-]+/functions/(?P<arn>.+)/invocations")

AS_CLIENT = "arn:aws:iam::*:user/*"
"""Credentials that hand the client's identity on."""

Reason = Literal["timeout", "refused", "throttled", "malformed", "function-error", "too-large"]


class IntegrationFailed(Exception):
    """What stands behind a route gave no answer to pass on; the text says why."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason: Reason = reason


def with_stage_variables(text: str, variables: Mapping[str, str]) -> str:
    """A URI with its `${stageVariables.name}` filled in."""
    if "${" not in text:
        return text
    return _STAGE_VARIABLE.sub(lambda match: variables.get(match[1], ""), text)


def function_of(uri: str) -> str:
    """The function that an integration's URI names: its ARN, whether bare or within the path form."""
    match = _INVOCATIONS.fullmatch(uri)
    return match["arn"] if match else uri


def is_function(uri: str) -> bool:
    """Whether an integration's URI, which may have stage variables in it, is that of a function."""
    return uri.endswith("/invocations")


def acting(call: Call, source_arn: str, role: str | None) -> Principal:
    """API Gateway as it calls what stands behind a route: in a role it was given, as the client, or itself."""
    if role == AS_CLIENT:
        return call.caller
    if role is not None and ":role/" in role:
        return Principal.of_role(call.account, role, "BackplaneAssumeRoleSession", call.node)
    return Principal.of_service(call.account, "apigateway.amazonaws.com", call.node, source_arn)


class FunctionCaller:
    """Invokes functions; remembers of which it has said that their permission is missing."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Task[Any], asyncio.Future[None]] = {}
        self._limits: dict[float, TimeLimit] = {}
        self._checked: set[tuple[str, str]] = set()

    async def invoke(
        self, call: Call, function: str, event: Any, seconds: float, source_arn: str = "", role: str | None = None
    ) -> bytes:
        """The function's answer to an event; raises IntegrationFailed.

        API Gateway calls it in `role`, or itself on account of `source_arn`: the ARN of the route or authorizer.
        """
        payload = event if isinstance(event, bytes) else orjson.dumps(event)
        gateway = acting(call, source_arn, role)
        limit = self._limits.get(seconds) or self._limits.setdefault(seconds, TimeLimit(seconds))
        task = limit.loop.create_task(call.to_as(gateway, "lambda", "Invoke", FunctionName=function, Payload=payload))
        ended = self._running[task] = limit.loop.create_future()
        task.add_done_callback(self._done)
        try:
            with limit.bound():
                await ended
        except TimeoutError:
            if not task.done():
                text = f"{function} did not answer within {seconds:g} s"
                raise IntegrationFailed("timeout", text) from None
        try:
            answer = task.result()
        except AwsError as error:
            raise IntegrationFailed(_REASONS.get(error.code, "refused"), f"{function}: {error}") from None
        content: bytes = answer["Payload"]
        if "FunctionError" in answer:
            raise IntegrationFailed("function-error", f"{function} failed: {content[:500].decode('utf-8', 'replace')}")
        return content

    async def check_permission(self, call: Call, api_id: str, function: str, source: str) -> None:
        """Say in the log, once an API and function, when AWS would not let the API invoke the function.

        It is the commonest reason why an API that works here answers 500 there.
        """
        if (api_id, function) in self._checked:
            return
        if len(self._checked) > 4096:
            self._checked.clear()
        self._checked.add((api_id, function))
        try:
            looking = Principal.looking(call.account, "lambda", call.node)
            policy = (await call.to_as(looking, "lambda", "GetPolicy", FunctionName=function))["Policy"]
        except AwsError:
            policy = ""
        if "apigateway.amazonaws.com" not in policy and '"*"' not in policy:
            logger.warning(
                "AWS would answer 500: %s has no permission for apigateway.amazonaws.com (AddPermission with"
                " SourceArn %s)",
                function,
                source,
            )

    async def stop(self) -> None:
        """Wait for what is under way to end, or end it."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _done(self, task: asyncio.Task[Any]) -> None:
        ended = self._running.pop(task)
        if not ended.done():
            ended.set_result(None)
        if not task.cancelled():
            task.exception()  # seen: whoever waits gets it; nobody else has to hear of it


_REASONS: dict[str, Reason] = {
    "TooManyRequestsException": "throttled",
    "RequestTooLargeException": "too-large",
}
