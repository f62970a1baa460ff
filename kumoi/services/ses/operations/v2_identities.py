"""Identities, by the v2 API: made and verified at once, with what is set of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.ses import sesv2
from kumoi.services.ses.errors import no_configuration_set
from kumoi.services.ses.identities import change, find, fresh, named
from kumoi.services.ses.identity_rules import POLICY_LIMIT, check_mail_from, check_policy
from kumoi.services.ses.pages import page
from kumoi.services.ses.records import Identity, configuration_sets, identities
from kumoi.services.ses.tags import tag_list, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_KEY_LENGTH = "RSA_2048_BIT"


def _type(identity: Identity) -> str:
    return "DOMAIN" if identity.is_domain else "EMAIL_ADDRESS"


def _hosted_zone(region: str) -> str:
    return "dkim.amazonses.com" if region == "us-east-1" else f"dkim.{region}.amazonses.com"


def _dkim(one: Identity) -> dict[str, Any]:
    """What DKIM is like: the keys are never made, so that they are found at once."""
    origin = one.signing.get("origin", "AWS_SES")
    if not one.is_domain or not one.dkim_asked:
        return {"SigningEnabled": False, "Status": "NOT_STARTED", "SigningAttributesOrigin": origin}
    told: dict[str, Any] = {
        "SigningEnabled": one.dkim_enabled,
        "Status": "SUCCESS",
        "Tokens": [one.signing["selector"]] if origin == "EXTERNAL" else list(one.dkim_tokens),
        "SigningAttributesOrigin": origin,
    }
    if origin != "EXTERNAL":
        length = one.signing.get("length", _KEY_LENGTH)
        made = datetime.fromtimestamp(one.created, UTC)
        told |= {
            "SigningHostedZone": _hosted_zone(one.region),
            "NextSigningKeyLength": length,
            "CurrentSigningKeyLength": length,
            "LastKeyGenerationTimestamp": made,
        }
    return told


def _signing(given: dict[str, Any] | None, origin: str | None = None) -> dict[str, str]:
    """What a request says of an identity's DKIM keys."""
    given = given or {}
    selector, key = given.get("DomainSigningSelector"), given.get("DomainSigningPrivateKey")
    if bool(selector) != bool(key) or (origin == "EXTERNAL" and not selector):
        raise aws_error(
            "BadRequestException", "DomainSigningSelector and DomainSigningPrivateKey have to be given together."
        )
    if selector:
        return {"origin": "EXTERNAL", "selector": str(selector)}
    length = given.get("NextSigningKeyLength")
    return {"length": str(length)} if length else {}


@transactional
async def _create(tx: Transaction, identity: Identity) -> None:
    if await identities.get(tx, identity.name) is not None:
        raise aws_error("AlreadyExistsException", f"Email identity {identity.name} already exist.")
    await identities.put(tx, identity)


@sesv2.operation
async def create_email_identity(
    call: Call,
    EmailIdentity: str,
    Tags: list[dict[str, str]] | None = None,
    DkimSigningAttributes: dict[str, Any] | None = None,
    ConfigurationSetName: str | None = None,
) -> dict[str, Any]:
    """Make an address or a domain an identity. AWS waits for a link or for DNS; here it is verified at once."""
    if ConfigurationSetName:
        await _check_configuration_set(call, ConfigurationSetName)
    made = msgspec.structs.replace(
        fresh(call, named(call, EmailIdentity)),
        tags=tags_of(Tags),
        signing=_signing(DkimSigningAttributes),
        configuration_set=ConfigurationSetName or "",
    )
    await _create(call.state, made)
    return {"IdentityType": _type(made), "VerifiedForSendingStatus": True, "DkimAttributes": _dkim(made)}


async def _check_configuration_set(call: Call, name: str) -> None:
    if await configuration_sets.look(call.state, name) is None:
        raise no_configuration_set(call, name)


@sesv2.operation
async def get_email_identity(call: Call, EmailIdentity: str) -> dict[str, Any]:
    """An identity."""
    found = await find(call.state, named(call, EmailIdentity))
    mail_from: dict[str, Any] = {"BehaviorOnMxFailure": found.mail_from_behavior}
    if found.mail_from:
        mail_from |= {"MailFromDomain": found.mail_from, "MailFromDomainStatus": "SUCCESS"}
    checked = datetime.fromtimestamp(found.created, UTC)
    return {
        "IdentityType": _type(found),
        "FeedbackForwardingStatus": found.forwarding,
        "VerifiedForSendingStatus": True,
        "DkimAttributes": _dkim(found),
        "MailFromAttributes": mail_from,
        "Policies": found.policies,
        "Tags": tag_list(found.tags),
        "ConfigurationSetName": found.configuration_set or None,
        "VerificationStatus": "SUCCESS",
        "VerificationInfo": {"LastCheckedTimestamp": checked, "LastSuccessTimestamp": checked},
    }


@sesv2.operation
async def list_email_identities(
    call: Call, Filter: dict[str, str] | None = None, NextToken: str | None = None, PageSize: int | None = None
) -> dict[str, Any]:
    """The identities."""
    found, more = page(call, await call.state.run(identities.list), NextToken, PageSize, 1000)
    told = [
        {
            "IdentityType": _type(one),
            "IdentityName": one.name,
            "SendingEnabled": True,
            "VerificationStatus": "SUCCESS",
        }
        for one in found
    ]
    return {"EmailIdentities": told, "NextToken": more}


@sesv2.operation
async def delete_email_identity(call: Call, EmailIdentity: str) -> None:
    """Delete an identity."""
    name = named(call, EmailIdentity)
    await find(call.state, name)
    await call.state.run(identities.delete, name)


async def _change(call: Call, name: str, **changed: Any) -> Identity:
    return await change(call.state, named(call, name), lambda one: msgspec.structs.replace(one, **changed))


@sesv2.operation
async def put_email_identity_dkim_attributes(call: Call, EmailIdentity: str, SigningEnabled: bool = False) -> None:
    """Whether mails of an identity are signed."""
    await _change(call, EmailIdentity, dkim_enabled=SigningEnabled)


@sesv2.operation
async def put_email_identity_dkim_signing_attributes(
    call: Call, EmailIdentity: str, SigningAttributesOrigin: str, SigningAttributes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Whose DKIM keys sign an identity's mails."""
    signing = _signing(SigningAttributes, SigningAttributesOrigin)
    found = await _change(call, EmailIdentity, signing=signing, dkim_asked=True)
    told = _dkim(found)
    return {
        "DkimStatus": told["Status"],
        "DkimTokens": told.get("Tokens", []),
        "SigningHostedZone": told.get("SigningHostedZone"),
    }


@sesv2.operation
async def put_email_identity_feedback_attributes(
    call: Call, EmailIdentity: str, EmailForwardingEnabled: bool = False
) -> None:
    """Whether bounces and complaints come back as mails."""
    await _change(call, EmailIdentity, forwarding=EmailForwardingEnabled)


@sesv2.operation
async def put_email_identity_mail_from_attributes(
    call: Call, EmailIdentity: str, MailFromDomain: str | None = None, BehaviorOnMxFailure: str | None = None
) -> None:
    """The domain that envelopes are from; none without MailFromDomain."""
    if MailFromDomain:
        check_mail_from(call, named(call, EmailIdentity), MailFromDomain)
    behavior = BehaviorOnMxFailure or "USE_DEFAULT_VALUE"
    await _change(call, EmailIdentity, mail_from=MailFromDomain or "", mail_from_behavior=behavior)


@sesv2.operation
async def put_email_identity_configuration_set_attributes(
    call: Call, EmailIdentity: str, ConfigurationSetName: str | None = None
) -> None:
    """The configuration set of mails that name none."""
    if ConfigurationSetName:
        await _check_configuration_set(call, ConfigurationSetName)
    await _change(call, EmailIdentity, configuration_set=ConfigurationSetName or "")


def _checked(policy: str) -> str:
    try:
        check_policy(policy)
    except ValueError as error:
        raise aws_error("BadRequestException", str(error)) from error
    return policy


@sesv2.operation
async def create_email_identity_policy(call: Call, EmailIdentity: str, PolicyName: str, Policy: str) -> None:
    """Let others send for an identity."""

    def added(one: Identity) -> Identity:
        if PolicyName in one.policies:
            raise aws_error("AlreadyExistsException", f"Policy {PolicyName} already exists.")
        if len(one.policies) >= POLICY_LIMIT:
            raise aws_error("LimitExceededException", f"An identity can have at most {POLICY_LIMIT} policies.")
        return msgspec.structs.replace(one, policies={**one.policies, PolicyName: _checked(Policy)})

    await change(call.state, named(call, EmailIdentity), added)


@sesv2.operation
async def update_email_identity_policy(call: Call, EmailIdentity: str, PolicyName: str, Policy: str) -> None:
    """Replace a policy of an identity."""

    def updated(one: Identity) -> Identity:
        if PolicyName not in one.policies:
            raise aws_error("NotFoundException", f"Policy {PolicyName} does not exist.")
        return msgspec.structs.replace(one, policies={**one.policies, PolicyName: _checked(Policy)})

    await change(call.state, named(call, EmailIdentity), updated)


@sesv2.operation
async def delete_email_identity_policy(call: Call, EmailIdentity: str, PolicyName: str) -> None:
    """Take a policy away; one that is not there is passed over."""

    def without(one: Identity) -> Identity:
        left = {name: text for name, text in one.policies.items() if name != PolicyName}
        return msgspec.structs.replace(one, policies=left)

    await change(call.state, named(call, EmailIdentity), without)


@sesv2.operation
async def get_email_identity_policies(call: Call, EmailIdentity: str) -> dict[str, Any]:
    """The policies of an identity."""
    return {"Policies": (await find(call.state, named(call, EmailIdentity))).policies}
