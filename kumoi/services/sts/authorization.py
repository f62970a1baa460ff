"""Which permissions STS's calls need: assuming a role is asked of the caller's policies and of the role's trust policy.

Source: "Actions, resources, and condition keys for AWS Security Token Service" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import no_permission

_TRUST = "role trust policy"


def assume_role(call: Call) -> Iterator[Ask]:
    """Assuming the role, with the session tags and the source identity that are set."""
    role = str(call.params.get("RoleArn", ""))
    yield Ask("sts:AssumeRole", role)
    if call.params.get("Tags"):
        yield Ask("sts:TagSession", role)
    if call.params.get("SourceIdentity"):
        yield Ask("sts:SetSourceIdentity", role)


def federation(call: Call) -> Iterator[Ask]:
    """Making a session for somebody of that name."""
    yield Ask("sts:GetFederationToken", call.arn("sts", f"federated-user/{call.params.get('Name', '')}"))


def context(call: Call) -> Mapping[str, Sequence[str]]:
    """STS's own condition keys."""
    params = call.params
    members = (
        ("ExternalId", "sts:externalid"),
        ("RoleSessionName", "sts:rolesessionname"),
        ("SourceIdentity", "sts:sourceidentity"),
        ("DurationSeconds", "sts:durationseconds"),
    )
    keys: dict[str, Sequence[str]] = {key: (str(params[member]),) for member, key in members if member in params}
    if call.operation == "AssumeRole":
        keys["aws:multifactorauthpresent"] = ("true" if "TokenCode" in params else "false",)
    if isinstance(params.get("TransitiveTagKeys"), list):
        keys["sts:transitivetagkeys"] = tuple(str(one) for one in params["TransitiveTagKeys"])
    return keys


async def owned(call: Call, ask: Ask) -> Owned:
    """The account of a role, and its trust policy, without which nobody assumes it."""
    parts = ask.resource.split(":", 5)
    account = parts[4] if len(parts) == 6 else call.account
    source = call.doorway.identity.authoriser.source
    if len(parts) < 6 or ":role/" not in ask.resource or source is None:
        return Owned(account)
    trust = await source.trust(ask.resource)
    return Owned(account, () if trust is None else (trust,), required=True, what=_TRUST)


AUTHORIZATION = Authorization(
    "sts",
    asks={
        "AssumeRole": assume_role,
        "GetFederationToken": federation,
        **dict.fromkeys(
            (
                *("GetCallerIdentity", "GetSessionToken", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"),
                "GetAccessKeyInfo",
            ),
            no_permission,
        ),
    },
    context=context,
    policy=owned,
    error="AccessDenied",
)
