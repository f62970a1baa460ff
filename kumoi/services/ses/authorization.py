"""Which permissions SES's calls need: on identities, which have policies of their own, configuration sets, templates.

Both APIs' actions begin with `ses:`. Source: "Actions, resources, and condition keys for Amazon SES" and "… Amazon
Simple Email Service v2" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from typing import Any

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, resource_tags
from kumoi.mailbox import messages
from kumoi.names import Arn
from kumoi.policy import compile_policy
from kumoi.services.ses.records import configuration_sets, identities

_IDENTITY = ("Identity", "EmailIdentity", "EmailAddress", "Domain")


def resource(call: Call) -> str:
    """The identity, configuration set, template or contact list that a call names."""
    params = call.params
    for member in _IDENTITY:
        if isinstance(params.get(member), str):
            return call.arn("ses", f"identity/{params[member]}")
    if isinstance(params.get("ResourceArn"), str):
        return str(params["ResourceArn"])
    for member, kind in (
        ("ConfigurationSetName", "configuration-set"),
        ("TemplateName", "template"),
        ("ContactListName", "contact-list"),
    ):
        if isinstance(params.get(member), str):
            return call.arn("ses", f"{kind}/{params[member]}")
    return EVERYTHING


def sending(call: Call) -> Iterator[Ask]:
    """The identity that a mail comes from, and the configuration set and template that it is sent with."""
    params, action = call.params, AUTHORIZATION.action(call.operation)
    given = params.get("SourceArn") or params.get("FromArn") or params.get("FromEmailAddressIdentityArn")
    address = parseaddr(_sender(call))[1]
    yield Ask(action, str(given) if given else call.arn("ses", f"identity/{address}"))
    if params.get("ConfigurationSetName"):
        yield Ask(action, call.arn("ses", f"configuration-set/{params['ConfigurationSetName']}"))
    content = params.get("Content") or params.get("DefaultContent") or {}
    template = params.get("Template") or (content.get("Template") or {}).get("TemplateName")
    if template:
        yield Ask(action, call.arn("ses", f"template/{template}"))


def _raw(call: Call) -> bytes:
    content: Any = call.params.get("RawMessage") or (call.params.get("Content") or {}).get("Raw") or {}
    return bytes(content.get("Data") or b"")


def _sender(call: Call) -> str:
    stated = call.params.get("Source") or call.params.get("FromEmailAddress")
    return str(stated or messages.header(messages.headers_of(_raw(call)).get("from", "")))


def _recipients(call: Call) -> list[str]:
    params = call.params
    found = list(params.get("Destinations") or ()) if call.operation == "SendRawEmail" else []
    to = [params.get("Destination") or {}]
    if call.operation != "SendRawEmail":
        entries = params.get("Destinations") or params.get("BulkEmailEntries") or ()
        to += [one.get("Destination") or {} for one in entries if isinstance(one, dict)]
    found += [one for each in to for kind in ("To", "Cc", "Bcc") for one in each.get(f"{kind}Addresses") or ()]
    if not found:
        head = messages.headers_of(_raw(call))
        found = [messages.header(one) for name in ("to", "cc", "bcc") for one in head.get_all(name) or ()]
    return [parseaddr(str(one))[1] for one in found]


def context(call: Call) -> dict[str, Sequence[str]]:
    """Who a mail is from and for, and which API it comes by."""
    keys: dict[str, Sequence[str]] = {"ses:apiversion": ("2" if call.service == "sesv2" else "1",)}
    if call.operation in SENDING:
        name, address = parseaddr(_sender(call))
        keys |= {"ses:fromaddress": (address,), "ses:fromdisplayname": (name,), "ses:recipients": _recipients(call)}
        feedback = call.params.get("ReturnPath") or call.params.get("FeedbackForwardingEmailAddress")
        if feedback:
            keys["ses:feedbackaddress"] = (str(feedback),)
    return keys


async def owned(call: Call, ask: Ask) -> Owned:
    """An identity's account, policies and tags, which may be its domain's; a configuration set's tags."""
    try:
        place = Arn.parse(ask.resource)
    except ValueError:
        return Owned(call.account)
    kind, _, name = place.resource.partition("/")
    state = call.doorway.state.at(place.account or call.account, place.region or call.region)
    if kind == "configuration-set":
        found = await configuration_sets.look(state, name)
        return Owned(place.account, context=resource_tags(found.tags if found else {}))
    if kind != "identity":
        return Owned(place.account)
    for candidate in (name, name.rpartition("@")[2]):
        identity = await identities.look(state, candidate)
        if identity is not None:
            policies = tuple(compile_policy(text, "resource", "identity policy") for text in identity.policies.values())
            return Owned(place.account, policies, identity.arn, resource_tags(identity.tags))
    return Owned(place.account)


SENDING = (
    "SendBulkEmail",
    "SendBulkTemplatedEmail",
    "SendEmail",
    "SendRawEmail",
    "SendTemplatedEmail",
)
"""The operations that send."""

AUTHORIZATION = Authorization(
    "ses",
    resource=resource,
    resources=dict.fromkeys(
        ("GetAccount", "GetSendQuota", "GetSendStatistics", "ListEmailIdentities", "ListIdentities"), everything
    ),
    asks=dict.fromkeys(SENDING, sending),
    context=context,
    policy=owned,
    error="AccessDenied",
)
