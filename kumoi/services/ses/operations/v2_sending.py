"""Sending, by the v2 API."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import sesv2
from kumoi.services.ses.drafts import (
    attachments,
    checking,
    data_of,
    envelope,
    headers,
    parts,
    send_parts,
    send_raw,
    send_template,
)
from kumoi.services.ses.envelopes import tags_of
from kumoi.services.ses.errors import invalid
from kumoi.services.ses.records import Template
from kumoi.services.ses.sending import may_send
from kumoi.services.ses.templates import check, find
from kumoi.wire.errors import AwsError

MOST_AT_ONCE = 50


@sesv2.operation
async def send_email(
    call: Call,
    Content: dict[str, Any],
    FromEmailAddress: str | None = None,
    FromEmailAddressIdentityArn: str | None = None,
    Destination: dict[str, Any] | None = None,
    ReplyToAddresses: list[str] | None = None,
    FeedbackForwardingEmailAddress: str | None = None,
    FeedbackForwardingEmailAddressIdentityArn: str | None = None,
    EmailTags: list[dict[str, str]] | None = None,
    ConfigurationSetName: str | None = None,
    ListManagementOptions: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Send a mail: of a subject, a text and HTML (Simple), a MIME message as it is (Raw), or a template."""
    given = [kind for kind in ("Simple", "Raw", "Template") if Content.get(kind) is not None]
    if len(given) != 1:
        raise invalid(call, "Exactly one of Simple, Raw and Template has to be in the content.")
    to, listed = Destination or {}, ListManagementOptions or {}
    if given == ["Raw"]:
        with checking(call):
            settings = {
                "configuration_set": ConfigurationSetName,
                "source_arn": FromEmailAddressIdentityArn,
                "tags": tags_of(EmailTags),
                "return_path": FeedbackForwardingEmailAddress,
                "contact_list": listed.get("ContactListName"),
                "topic": listed.get("TopicName"),
            }
        everybody = [one for kind in ("To", "Cc", "Bcc") for one in to.get(f"{kind}Addresses") or ()]
        raw = bytes(Content["Raw"]["Data"])
        return {"MessageId": await send_raw(call, raw, FromEmailAddress, everybody, settings)}
    of = envelope(
        call,
        _sender(call, FromEmailAddress),
        to,
        reply_to=ReplyToAddresses,
        return_path=FeedbackForwardingEmailAddress,
        source_arn=FromEmailAddressIdentityArn,
        configuration_set=ConfigurationSetName,
        tags=EmailTags,
        contact_list=listed.get("ContactListName"),
        topic=listed.get("TopicName"),
    )
    if given == ["Simple"]:
        return {"MessageId": await send_parts(call, of, parts(call, Content["Simple"]))}
    content = Content["Template"]
    template = await _template(call, content)
    data = data_of(call, content.get("TemplateData"))
    added, attached = headers(call, content.get("Headers")), attachments(call, content.get("Attachments"))
    return {"MessageId": await send_template(call, of, template, data, added, attached)}


@sesv2.operation
async def send_bulk_email(
    call: Call,
    DefaultContent: dict[str, Any],
    BulkEmailEntries: list[dict[str, Any]],
    FromEmailAddress: str | None = None,
    FromEmailAddressIdentityArn: str | None = None,
    ReplyToAddresses: list[str] | None = None,
    FeedbackForwardingEmailAddress: str | None = None,
    FeedbackForwardingEmailAddressIdentityArn: str | None = None,
    DefaultEmailTags: list[dict[str, str]] | None = None,
    ConfigurationSetName: str | None = None,
) -> dict[str, Any]:
    """Send a template to many, to each with data of its own; each entry has its own result."""
    content = DefaultContent.get("Template")
    if content is None:
        raise invalid(call, "The default content has to be a template.")
    if len(BulkEmailEntries) > MOST_AT_ONCE:
        raise invalid(call, f"The number of destinations exceeds {MOST_AT_ONCE}.")
    template = await _template(call, content)
    await may_send(call, ConfigurationSetName or "")
    defaults = data_of(call, content.get("TemplateData"))
    attached = attachments(call, content.get("Attachments"))
    results = []
    for entry in BulkEmailEntries:
        try:
            of = envelope(
                call,
                _sender(call, FromEmailAddress),
                entry["Destination"],
                reply_to=ReplyToAddresses,
                return_path=FeedbackForwardingEmailAddress,
                source_arn=FromEmailAddressIdentityArn,
                configuration_set=ConfigurationSetName,
                tags=entry.get("ReplacementTags") or DefaultEmailTags,
            )
            replaced = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
            data = {**defaults, **data_of(call, replaced.get("ReplacementTemplateData"))}
            added = headers(call, entry.get("ReplacementHeaders") or content.get("Headers"))
            sent = await send_template(call, of, template, data, added, attached)
            results.append({"Status": "SUCCESS", "MessageId": sent})
        except AwsError as error:
            results.append({"Status": _STATUSES.get(error.code, "FAILED"), "Error": error.message})
    return {"BulkEmailEntryResults": results}


_STATUSES = {"MessageRejected": "MESSAGE_REJECTED", "BadRequestException": "INVALID_PARAMETER"}


def _sender(call: Call, address: str | None) -> str:
    if not address:
        raise invalid(call, "Missing required parameter FromEmailAddress.")
    return address


async def _template(call: Call, content: dict[str, Any]) -> Template:
    """A stored template, or one that the request brings."""
    brought = content.get("TemplateContent")
    name = content.get("TemplateArn") or content.get("TemplateName")
    if brought is None and not name:
        raise invalid(call, "The template has neither a name nor content.")
    if brought is None:
        return await find(call, str(name))
    parts_of = {part.lower(): brought.get(part) for part in ("Subject", "Text", "Html")}
    template = Template(name=str(name or "inline"), created=call.now, **parts_of)
    check(call, template)
    return template
