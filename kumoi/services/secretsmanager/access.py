"""Whether a caller of another account may work with a secret: the secret's resource policy decides.

It is asked where identity is enforced; elsewhere everybody is taken at their word.
"""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.policy import Caller, Request, compile_policy
from kumoi.services.secretsmanager.records import Secret
from kumoi.wire.errors import aws_error


def check_access(call: Call, secret: Secret) -> None:
    """Raise AccessDeniedException when identity is enforced and the secret's policy does not allow the call."""
    if not call.doorway.identity.enforces:
        return
    caller = call.caller
    service = "" if caller.arn.startswith("arn:") else caller.arn
    who = Caller(account=caller.account, arn="" if service else caller.arn, service=service)
    request = Request(who, f"secretsmanager:{call.operation}", secret.arn)
    policy = None if secret.policy is None else compile_policy(secret.policy, "resource")
    if policy is None or policy.says(request, "Deny") is not None or policy.says(request, "Allow") is None:
        raise aws_error(
            "AccessDeniedException",
            f"User: {caller.arn} is not authorized to perform: secretsmanager:{call.operation} on resource: "
            f"{secret.arn} because no resource-based policy allows the secretsmanager:{call.operation} action",
        )
