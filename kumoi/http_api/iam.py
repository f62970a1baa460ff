"""AWS_IAM beside a resource policy: whether both together allow who signed a request to invoke a method."""

from __future__ import annotations

from collections.abc import Sequence

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
