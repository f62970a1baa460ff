"""Whether policies allow who signed a request to invoke a method, and API Gateway itself to ask a service."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import Owned
from kumoi.policy import Policy


async def check_invoke(call: Call, method_arn: str, policies: Sequence[Policy] = ()) -> None:
    """Ask policies about `execute-api:Invoke`, as the platform's mode says; `policies` are the API's own.

    Raises AccessDeniedException where policies are enforced; what they say is noted on the call in any case.
    """
    identity = call.doorway.identity
    if identity.mode == "off":
        return

    async def owned(asking: Call, _ask: Ask) -> Owned:
        return Owned(asking.account, policies)

    facts = Authorization("execute-api", policy=owned)
    asks = (Ask("execute-api:Invoke", method_arn),)
    await identity.authoriser.require(call, asks, facts, enforce=identity.enforces)


async def ask_service(call: Call) -> Any:
    """Make a call that an integration stands for; raises AwsError.

    API Gateway itself, where it was given no role, may only what a resource's policy allows it: services without such
    policies refuse it.
    """
    service = call.doorway.registry[call.service]
    if call.caller.is_service and service.authorization.policy is None:
        await call.doorway.identity.require(call, service, *service.authorization.asks(call))
    return await call.doorway.dispatch(call)
