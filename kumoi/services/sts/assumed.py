"""The role that is to be assumed: what IAM knows of it, and the session that comes of it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from kumoi.doorway import Call, Principal, Session
from kumoi.names import Arn, arn
from kumoi.policy import Caller, Decision, Policies, Request, decide
from kumoi.services.sts.session_rules import check_duration, check_name, invalid, packed_size, told
from kumoi.wire.errors import AwsError, aws_error

MOST_SECONDS = 43_200


class Role(NamedTuple):
    """A role by its ARN. Where nobody created it, `exists` is false and the rest made up."""

    arn: str
    account: str
    name: str
    id: str
    most_seconds: int
    exists: bool


async def find_role(call: Call, text: str) -> Role:
    """The role of an ARN; one that nobody created is taken at its word.

    Where signatures count, that is AccessDenied, and so is another path than the role's: policies were asked about it.
    """
    try:
        parsed = Arn.parse(text)
    except ValueError:
        raise invalid(f"{text} is invalid") from None
    if parsed.service != "iam" or not parsed.resource.startswith("role/"):
        raise invalid(f"{text} is invalid")
    name = parsed.resource.rpartition("/")[2]
    looking = Principal.looking(parsed.account, "iam", "sts")
    try:
        answer = await call.doorway.ask("iam", "GetRole", {"RoleName": name}, looking, call.region, call.trace)
    except AwsError as error:
        if error.code != "NoSuchEntity":
            raise
    else:
        found = answer["Role"]
        if call.doorway.identity.verifies and Arn.parse(found["Arn"]).resource != parsed.resource:
            raise not_trusted(call, text)
        return Role(text, parsed.account, name, found["RoleId"], found.get("MaxSessionDuration", 3600), True)
    if call.doorway.identity.verifies:
        raise not_trusted(call, text)
    made_up = f"AROA{name.upper().encode().hex().upper():0<17.17}"
    return Role(text, parsed.account, name, made_up, MOST_SECONDS, False)


def not_trusted(call: Call, role: str) -> AwsError:
    """AccessDenied to an operation that assumes a role."""
    if call.caller.is_anonymous or call.operation != "AssumeRole":
        return aws_error("AccessDenied", f"Not authorized to perform sts:{call.operation}")
    return aws_error(
        "AccessDenied", f"User: {call.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
    )


async def check_trust(call: Call, role: Role, provider: str, keys: dict[str, tuple[str, ...]]) -> None:
    """Ask a role's trust policy about somebody whom an identity provider vouches for.

    `keys` are what the provider says. A refusal is noted, and raised where policies are enforced.
    """
    identity = call.doorway.identity
    if identity.mode == "off" or identity.authoriser.source is None:
        return
    trust = await identity.authoriser.source.trust(role.arn)
    request = Request(Caller(federated=provider), f"sts:{call.operation}", role.arn, keys)
    policies = Policies(resource=() if trust is None else (trust,), owner=role.account, what="role trust policy")
    decision: Decision = decide(request, policies)
    call.asked = f"{request.action} {role.arn}"
    if not decision.allowed:
        call.denied = f"{request.action} on {role.arn} {decision.because}"
        if identity.enforces:
            raise not_trusted(call, role.arn)


def assume(
    call: Call, role: Role, name: str, seconds: int, most: int, session: Session, ends: float = math.inf
) -> dict[str, Any]:
    """Credentials of a session of a role, as the operations answer them; none lasts beyond `ends` (epoch seconds)."""
    check_name("roleSessionName", name)
    check_duration(seconds, min(most, role.most_seconds))
    assumed = arn("sts", "", role.account, f"assumed-role/{role.name}/{name}")
    principal = Principal(role.account, assumed, f"{role.id}:{name}", call.caller.source, session=session)
    answer: dict[str, Any] = {
        **packed_size(session),
        "Credentials": told(call.doorway.identity.issue(principal, min(seconds, ends - call.now))),
        "AssumedRoleUser": {"AssumedRoleId": principal.id, "Arn": assumed},
    }
    if session.source_identity:
        answer["SourceIdentity"] = session.source_identity
    return answer
