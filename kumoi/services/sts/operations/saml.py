"""AssumeRoleWithSAML: credentials of a role, for whoever a SAML provider vouches for.

Where signatures count, the provider must be registered and have signed the assertion; elsewhere it is taken at its
word. Source: the API reference, and "Available keys for SAML-based AWS STS federation" of the IAM user guide.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

from kumoi.doorway import Call, Principal, Session
from kumoi.names import Arn
from kumoi.saml import entity_of, for_aws
from kumoi.services.sts import sts
from kumoi.services.sts.assumed import MOST_SECONDS, assume, check_trust, find_role, not_trusted
from kumoi.services.sts.saml import Assertion, decoded, invalid_token, read, signed_part
from kumoi.services.sts.session_rules import session_policies, session_tags, transitive
from kumoi.wire.errors import AwsError, aws_error


@sts.operation(name="AssumeRoleWithSAML")
async def assume_role_with_saml(
    call: Call,
    RoleArn: str,
    PrincipalArn: str,
    SAMLAssertion: str,
    PolicyArns: list[dict[str, str]] | None = None,
    Policy: str | None = None,
    DurationSeconds: int = 3600,
) -> dict[str, Any]:
    """Session credentials of a role, for the subject of an assertion."""
    role = await find_role(call, RoleArn)
    said = await _said(call, PrincipalArn, decoded(SAMLAssertion))
    if min(said.expires, said.ends) <= call.now or said.starts > call.now:
        raise aws_error("ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance")
    if not for_aws(said.audiences):
        raise invalid_token("Response does not contain the required audience")
    if (RoleArn, PrincipalArn) not in said.roles:
        raise not_trusted(call, RoleArn)
    if not said.session_name:
        raise invalid_token("RoleSessionName is required in AuthnResponse")
    account, provider = role.account, PrincipalArn.rpartition("/")[2]
    qualifier = base64.b64encode(
        hashlib.sha1(f"{said.issuer}{account}/{provider}".encode(), usedforsecurity=False).digest()
    ).decode()
    keys: dict[str, tuple[str, ...]] = {
        "saml:aud": (said.recipient,),
        "saml:iss": (said.issuer,),
        "saml:sub": (said.subject,),
        "saml:sub_type": (said.subject_type,),
        "saml:namequalifier": (qualifier,),
        "saml:doc": (f"{account}/{provider}",),
    }
    await check_trust(call, role, PrincipalArn, {**keys, "sts:rolesessionname": (said.session_name,)})
    tags = session_tags([{"Key": name, "Value": value} for name, value in said.tags.items()], {})
    session = Session(
        issued=call.now,
        policies=session_policies(Policy, PolicyArns),
        tags=tuple(tags.items()),
        transitive=transitive(said.transitive, tags, ()),
        source_identity=said.source_identity,
        provider=PrincipalArn,
        context=tuple(keys.items()),
    )
    seconds = DurationSeconds if said.seconds is None else min(DurationSeconds, said.seconds)
    return {
        **assume(call, role, said.session_name, seconds, MOST_SECONDS, session, said.ends),
        "Subject": said.subject,
        "SubjectType": said.subject_type,
        "Issuer": said.issuer,
        "Audience": said.recipient,
        "NameQualifier": qualifier,
    }


async def _said(call: Call, provider: str, response: bytes) -> Assertion:
    """What a provider says, once its signature is right where signatures count."""
    if not call.doorway.identity.verifies:
        return read(response)
    return await asyncio.to_thread(_proven, response, await _metadata(call, provider))


def _proven(response: bytes, metadata: str) -> Assertion:
    """What the provider of some metadata has signed of a response."""
    said = read(signed_part(response, metadata))
    if said.issuer != entity_of(metadata):
        raise invalid_token("Issuer not present in specified provider")
    return said


async def _metadata(call: Call, provider: str) -> str:
    """The metadata of a registered provider; InvalidIdentityToken where nobody registered it."""
    try:
        account = Arn.parse(provider).account
        looking = Principal.looking(account, "iam", "sts")
        asked = {"SAMLProviderArn": provider}
        found = await call.doorway.ask("iam", "GetSAMLProvider", asked, looking, call.region, call.trace)
    except (AwsError, ValueError):
        raise invalid_token(f"Specified provider doesn't exist: {provider}") from None
    return str(found["SAMLMetadataDocument"])
