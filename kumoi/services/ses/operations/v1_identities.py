"""Identities, by the v1 API: made and verified at once. Where many are asked for, unknown ones are passed over."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.ses import ses
from kumoi.services.ses.errors import invalid
from kumoi.services.ses.identities import fresh, named
from kumoi.services.ses.identity_rules import POLICY_LIMIT, check_mail_from, check_policy
from kumoi.services.ses.pages import page
from kumoi.services.ses.records import Identity, identities
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

_KINDS = ("Bounce", "Complaint", "Delivery")


@transactional
async def _known_or(tx: Transaction, made: Identity, dkim: bool = False) -> Identity:
    known = await identities.get(tx, made.name)
    found = known or made
    if dkim and not found.dkim_asked:
        found = msgspec.structs.replace(found, dkim_asked=True, dkim_enabled=True)
    if found is not known:
        await identities.put(tx, found)
    return found


@transactional
async def _known(tx: Transaction, names: list[str]) -> list[Identity]:
    found = [await identities.get(tx, name) for name in names]
    return [one for one in found if one is not None]


async def _of(call: Call, names: list[str]) -> list[tuple[str, Identity]]:
    """Those of the identities that there are, by the names that the request has for them."""
    by_name = {named(call, name): name for name in names}
    return [(by_name[one.name], one) for one in await _known(call.state, list(by_name))]


@transactional
async def _change(tx: Transaction, /, call: Call, name: str, **changed: Any) -> None:
    found = await identities.get(tx, name)
    if found is None:
        raise invalid(call, f"Identity <{name}> does not exist.")
    await identities.put(tx, msgspec.structs.replace(found, **changed))


async def _found(call: Call, name: str) -> tuple[State, Identity]:
    known = await _known(call.state, [named(call, name)])
    if not known:
        raise invalid(call, f"Identity <{name}> does not exist.")
    return call.state, known[0]


@ses.operation
async def verify_email_identity(call: Call, EmailAddress: str) -> None:
    """Make an address an identity. AWS mails a link to it; here it is verified at once."""
    if "@" not in EmailAddress:
        raise invalid(call, f"Invalid email address<{EmailAddress}>.")
    await _known_or(call.state, fresh(call, named(call, EmailAddress)))


@ses.operation
async def verify_email_address(call: Call, EmailAddress: str) -> None:
    """As VerifyEmailIdentity, which has replaced it."""
    await verify_email_identity(call, EmailAddress)


@ses.operation
async def verify_domain_identity(call: Call, Domain: str) -> dict[str, Any]:
    """Make a domain an identity; the token that a TXT record would show."""
    return {"VerificationToken": (await _domain(call, Domain, dkim=False)).token}


@ses.operation
async def verify_domain_dkim(call: Call, Domain: str) -> dict[str, Any]:
    """The tokens of the CNAME records that DKIM would need."""
    return {"DkimTokens": list((await _domain(call, Domain, dkim=True)).dkim_tokens)}


async def _domain(call: Call, domain: str, *, dkim: bool) -> Identity:
    if "@" in domain:
        raise invalid(call, f"Invalid domain name {domain}.")
    return await _known_or(call.state, fresh(call, named(call, domain)), dkim)


@ses.operation
async def delete_identity(call: Call, Identity: str) -> None:
    """Delete an identity; one that is not there is passed over."""
    await call.state.run(identities.delete, named(call, Identity))


@ses.operation
async def delete_verified_email_address(call: Call, EmailAddress: str) -> None:
    """As DeleteIdentity, which has replaced it."""
    await delete_identity(call, EmailAddress)


@ses.operation
async def list_identities(
    call: Call, IdentityType: str | None = None, NextToken: str | None = None, MaxItems: int | None = None
) -> dict[str, Any]:
    """The names of identities."""
    known = await call.state.run(identities.list)
    if IdentityType is not None:
        known = [one for one in known if one.is_domain == (IdentityType == "Domain")]
    found, more = page(call, [one.name for one in known], NextToken, MaxItems, 1000)
    return {"Identities": found, "NextToken": more}


@ses.operation
async def list_verified_email_addresses(call: Call) -> dict[str, Any]:
    """The addresses among the identities."""
    return {"VerifiedEmailAddresses": (await list_identities(call, "EmailAddress"))["Identities"]}


@ses.operation
async def get_identity_verification_attributes(call: Call, Identities: list[str]) -> dict[str, Any]:
    """Whether identities are verified: those that there are, are."""
    told: dict[str, Any] = {}
    for name, one in await _of(call, Identities):
        told[name] = {"VerificationStatus": "Success"}
        if one.is_domain:
            told[name]["VerificationToken"] = one.token
    return {"VerificationAttributes": told}


@ses.operation
async def get_identity_dkim_attributes(call: Call, Identities: list[str]) -> dict[str, Any]:
    """What DKIM is like for identities."""
    told = {}
    for name, one in await _of(call, Identities):
        asked = one.is_domain and one.dkim_asked
        told[name] = {
            "DkimEnabled": one.dkim_enabled and asked,
            "DkimVerificationStatus": "Success" if asked else "NotStarted",
            **({"DkimTokens": list(one.dkim_tokens)} if asked else {}),
        }
    return {"DkimAttributes": told}


@ses.operation
async def set_identity_dkim_enabled(call: Call, Identity: str, DkimEnabled: bool) -> None:
    """Whether mails of an identity are signed."""
    await _change(call.state, call, named(call, Identity), dkim_enabled=DkimEnabled)


@ses.operation
async def set_identity_mail_from_domain(
    call: Call, Identity: str, MailFromDomain: str | None = None, BehaviorOnMXFailure: str | None = None
) -> None:
    """The domain that envelopes are from; none without MailFromDomain."""
    name = named(call, Identity)
    if MailFromDomain:
        check_mail_from(call, name, MailFromDomain)
    behavior = "REJECT_MESSAGE" if BehaviorOnMXFailure == "RejectMessage" else "USE_DEFAULT_VALUE"
    await _change(call.state, call, name, mail_from=MailFromDomain or "", mail_from_behavior=behavior)


@ses.operation
async def get_identity_mail_from_domain_attributes(call: Call, Identities: list[str]) -> dict[str, Any]:
    """The domains that envelopes are from."""
    told = {}
    for name, one in await _of(call, Identities):
        behavior = "RejectMessage" if one.mail_from_behavior == "REJECT_MESSAGE" else "UseDefaultValue"
        told[name] = {
            "MailFromDomain": one.mail_from,
            "MailFromDomainStatus": "Success" if one.mail_from else "",
            "BehaviorOnMXFailure": behavior,
        }
        if not one.mail_from:
            told[name] = {"BehaviorOnMXFailure": "UseDefaultValue", "MailFromDomain": "", "MailFromDomainStatus": ""}
    return {"MailFromDomainAttributes": told}


@ses.operation
async def set_identity_notification_topic(
    call: Call, Identity: str, NotificationType: str, SnsTopic: str | None = None
) -> None:
    """The topic that is told of bounces, complaints or deliveries; none without SnsTopic."""
    _, found = await _found(call, Identity)
    topics = {kind: topic for kind, topic in found.topics.items() if kind != NotificationType}
    if SnsTopic:
        if not SnsTopic.startswith("arn:"):
            raise invalid(call, f"Invalid SNS topic <{SnsTopic}>.")
        topics[NotificationType] = SnsTopic
    await _change(call.state, call, found.name, topics=topics)


@ses.operation
async def set_identity_headers_in_notifications_enabled(
    call: Call, Identity: str, NotificationType: str, Enabled: bool
) -> None:
    """Whether notifications tell a mail's headers."""
    _, found = await _found(call, Identity)
    kinds = tuple(kind for kind in found.with_headers if kind != NotificationType)
    await _change(call.state, call, found.name, with_headers=(*kinds, NotificationType) if Enabled else kinds)


@ses.operation
async def set_identity_feedback_forwarding_enabled(call: Call, Identity: str, ForwardingEnabled: bool) -> None:
    """Whether bounces and complaints come back as mails."""
    await _change(call.state, call, named(call, Identity), forwarding=ForwardingEnabled)


@ses.operation
async def get_identity_notification_attributes(call: Call, Identities: list[str]) -> dict[str, Any]:
    """Which topics are told of what."""
    told = {}
    for name, one in await _of(call, Identities):
        topics = {f"{kind}Topic": one.topics[kind] for kind in _KINDS if kind in one.topics}
        headers = {f"HeadersIn{kind}NotificationsEnabled": kind in one.with_headers for kind in _KINDS}
        told[name] = {**topics, **headers, "ForwardingEnabled": one.forwarding}
    return {"NotificationAttributes": told}


@ses.operation
async def put_identity_policy(call: Call, Identity: str, PolicyName: str, Policy: str) -> None:
    """Let others send for an identity."""
    _, found = await _found(call, Identity)
    try:
        check_policy(Policy)
    except ValueError as error:
        raise aws_error("InvalidPolicy", str(error)) from error
    policies = {**found.policies, PolicyName: Policy}
    if len(policies) > POLICY_LIMIT:
        raise aws_error("LimitExceeded", f"An identity can have at most {POLICY_LIMIT} policies.")
    await _change(call.state, call, found.name, policies=policies)


@ses.operation
async def delete_identity_policy(call: Call, Identity: str, PolicyName: str) -> None:
    """Take a policy away; one that is not there is passed over."""
    for found in await _known(call.state, [named(call, Identity)]):
        policies = {name: text for name, text in found.policies.items() if name != PolicyName}
        await _change(call.state, call, found.name, policies=policies)


@ses.operation
async def list_identity_policies(call: Call, Identity: str) -> dict[str, Any]:
    """The names of an identity's policies."""
    _, found = await _found(call, Identity)
    return {"PolicyNames": sorted(found.policies)}


@ses.operation
async def get_identity_policies(call: Call, Identity: str, PolicyNames: list[str]) -> dict[str, Any]:
    """Policies of an identity."""
    _, found = await _found(call, Identity)
    return {"Policies": {name: found.policies[name] for name in PolicyNames if name in found.policies}}
