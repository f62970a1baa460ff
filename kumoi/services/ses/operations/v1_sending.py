"""Sending, by the v1 API."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import ses
from kumoi.services.ses.drafts import (
    checking,
    data_of,
    envelope,
    parts,
    send_parts,
    send_raw,
    send_template,
)
from kumoi.services.ses.envelopes import tags_of
from kumoi.services.ses.errors import invalid
from kumoi.services.ses.sending import may_send
from kumoi.services.ses.templates import find
from kumoi.wire.errors import AwsError

MOST_AT_ONCE = 50


@ses.operation
async def send_email(
    call: Call,
    Source: str,
    Destination: dict[str, Any],
    Message: dict[str, Any],
    ReplyToAddresses: list[str] | None = None,
    ReturnPath: str | None = None,
    SourceArn: str | None = None,
    ReturnPathArn: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    ConfigurationSetName: str | None = None,
) -> dict[str, Any]:
    """Send a mail of a subject, a text and HTML."""
    of = envelope(
        call,
        Source,
        Destination,
        reply_to=ReplyToAddresses,
        return_path=ReturnPath,
        source_arn=SourceArn,
        configuration_set=ConfigurationSetName,
        tags=Tags,
    )
    return {"MessageId": await send_parts(call, of, parts(call, Message))}


@ses.operation
async def send_raw_email(
    call: Call,
    RawMessage: dict[str, bytes],
    Source: str | None = None,
    Destinations: list[str] | None = None,
    FromArn: str | None = None,
    SourceArn: str | None = None,
    ReturnPathArn: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    ConfigurationSetName: str | None = None,
) -> dict[str, Any]:
    """Send a MIME message as it is."""
    with checking(call):
        settings = {
            "configuration_set": ConfigurationSetName,
            "source_arn": FromArn or SourceArn,
            "tags": tags_of(Tags),
        }
    return {"MessageId": await send_raw(call, bytes(RawMessage["Data"]), Source, Destinations, settings)}


@ses.operation
async def send_templated_email(
    call: Call,
    Source: str,
    Destination: dict[str, Any],
    Template: str,
    TemplateData: str,
    ReplyToAddresses: list[str] | None = None,
    ReturnPath: str | None = None,
    SourceArn: str | None = None,
    ReturnPathArn: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    ConfigurationSetName: str | None = None,
    TemplateArn: str | None = None,
) -> dict[str, Any]:
    """Send a template with data."""
    of = envelope(
        call,
        Source,
        Destination,
        reply_to=ReplyToAddresses,
        return_path=ReturnPath,
        source_arn=SourceArn,
        configuration_set=ConfigurationSetName,
        tags=Tags,
    )
    template = await find(call, TemplateArn or Template)
    return {"MessageId": await send_template(call, of, template, data_of(call, TemplateData))}


@ses.operation
async def send_bulk_templated_email(
    call: Call,
    Source: str,
    Template: str,
    DefaultTemplateData: str,
    Destinations: list[dict[str, Any]],
    SourceArn: str | None = None,
    ReplyToAddresses: list[str] | None = None,
    ReturnPath: str | None = None,
    ReturnPathArn: str | None = None,
    ConfigurationSetName: str | None = None,
    DefaultTags: list[dict[str, str]] | None = None,
    TemplateArn: str | None = None,
) -> dict[str, Any]:
    """Send a template to many, to each with data of its own; each destination has its own result."""
    if len(Destinations) > MOST_AT_ONCE:
        raise invalid(call, f"The number of destinations exceeds {MOST_AT_ONCE}.")
    template = await find(call, TemplateArn or Template)
    await may_send(call, ConfigurationSetName or "")
    defaults = data_of(call, DefaultTemplateData)
    results = []
    for one in Destinations:
        try:
            of = envelope(
                call,
                Source,
                one["Destination"],
                reply_to=ReplyToAddresses,
                return_path=ReturnPath,
                source_arn=SourceArn,
                configuration_set=ConfigurationSetName,
                tags=one.get("ReplacementTags") or DefaultTags,
            )
            data = {**defaults, **data_of(call, one.get("ReplacementTemplateData"))}
            results.append({"Status": "Success", "MessageId": await send_template(call, of, template, data)})
        except AwsError as error:
            results.append({"Status": STATUSES.get(error.code, "Failed"), "Error": error.message})
    return {"Status": results}


STATUSES = {
    "MessageRejected": "MessageRejected",
    "InvalidParameterValue": "InvalidParameterValue",
    "InvalidTemplate": "InvalidParameterValue",
}
"""What results of bulk sending call errors."""
