"""What endpoints get: notifications and confirmations as SNS writes them, and what their signatures cover; pure.

Source: "Parsing Amazon SNS message formats" and "Verifying the signatures of Amazon SNS messages" of the developer
guide, "Using AWS Lambda with Amazon SNS", and recorded messages.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from json.encoder import encode_basestring
from typing import Any, Literal
from urllib.parse import quote

import msgspec

Kind = Literal["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery holds: a message on its way to one subscription.

    `subscription` is its ARN; `fifo`, `group`, `deduplication` and `number` are those of a FIFO topic's message (a
    group may come with any). `token` confirms. `policy` is the delivery policy that holds for it. `replayed`: whether
    it comes out of the topic's archive.
    """

    kind: Kind = "Notification"
    topic: str
    subscription: str
    protocol: str
    endpoint: str
    message_id: str
    text: str
    time: float
    subject: str | None = None
    attributes: dict[str, dict[str, Any]] = {}
    fifo: bool = False
    group: str | None = None
    deduplication: str | None = None
    number: str | None = None
    signature_version: str = "1"
    token: str = ""
    trace: str = ""
    policy: dict[str, Any] = {}
    replayed: bool = False


class Signed(msgspec.Struct, frozen=True):
    """A signature, and where the certificate is that proves it."""

    signature: str
    certificate_url: str


def timestamp(time: float) -> str:
    """A time as notifications have it, with milliseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def subscribe_url(endpoint: str, one: Handover) -> str:
    """The link that confirms."""
    return f"{endpoint}/?Action=ConfirmSubscription&TopicArn={quote(one.topic, ':')}&Token={one.token}"


def unsubscribe_url(endpoint: str, one: Handover) -> str:
    """The link that ends a subscription."""
    return f"{endpoint}/?Action=Unsubscribe&SubscriptionArn={quote(one.subscription, ':')}"


def signed_text(one: Handover, endpoint: str) -> bytes:
    """What a signature covers."""
    fields: dict[str, str | None] = {"Message": one.text, "MessageId": one.message_id}
    if one.kind == "Notification":
        fields["Subject"] = one.subject
    else:
        fields["SubscribeURL"] = subscribe_url(endpoint, one)
    fields["Timestamp"] = timestamp(one.time)
    if one.kind != "Notification":
        fields["Token"] = one.token
    fields |= {"TopicArn": one.topic, "Type": one.kind}
    text = "".join(f"{name}\n{value}\n" for name, value in fields.items() if value is not None)
    return text.encode("utf-8", "surrogatepass")


def envelope(one: Handover, signed: Signed | None, endpoint: str) -> str:
    """A message for a queue or an HTTP endpoint; those of FIFO topics are not signed."""
    fields: dict[str, str] = {"Type": one.kind, "MessageId": one.message_id}
    if one.number is not None:
        fields["SequenceNumber"] = one.number
    if one.kind != "Notification":
        fields["Token"] = one.token
    fields["TopicArn"] = one.topic
    if one.subject is not None:
        fields["Subject"] = one.subject
    fields["Message"] = one.text
    if one.kind != "Notification":
        fields["SubscribeURL"] = subscribe_url(endpoint, one)
    fields["Timestamp"] = timestamp(one.time)
    if signed is not None:
        fields["SignatureVersion"] = one.signature_version
        fields["Signature"] = signed.signature
        fields["SigningCertURL"] = signed.certificate_url
    if one.kind == "Notification":
        fields["UnsubscribeURL"] = unsubscribe_url(endpoint, one)
    lines = [f'  "{name}" : {_text(value)}' for name, value in fields.items()]
    if one.replayed:
        lines.append('  "Replayed" : true')
    if one.attributes:
        told = [f"    {_text(name)} : {_encode(value)}" for name, value in told_attributes(one.attributes).items()]
        lines.append('  "MessageAttributes" : {\n' + ",\n".join(told) + "\n  }")
    return "{\n" + ",\n".join(lines) + "\n}"


def archived(one: Handover, endpoint: str) -> str:
    """A message for a delivery stream: a line of JSON, not signed.

    Source: "Formatting Amazon SNS notifications for storage in Amazon S3 destinations" of the developer guide.
    """
    fields: dict[str, Any] = {"Type": one.kind, "MessageId": one.message_id, "TopicArn": one.topic}
    if one.subject is not None:
        fields["Subject"] = one.subject
    fields |= {
        "Message": one.text,
        "Timestamp": timestamp(one.time),
        "UnsubscribeURL": unsubscribe_url(endpoint, one),
    }
    if one.attributes:
        fields["MessageAttributes"] = told_attributes(one.attributes)
    return f"{_encode(fields)}\n"


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _text(value: str) -> str:
    return encode_basestring(value)


def told_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Message attributes as notifications have them; what is binary in base64."""
    return {
        name: {
            "Type": one["DataType"],
            "Value": base64.b64encode(one["BinaryValue"]).decode() if "BinaryValue" in one else one["StringValue"],
        }
        for name, one in attributes.items()
    }


def function_event(one: Handover, signed: Signed, endpoint: str) -> bytes:
    """The event that a function gets. SignatureVersion says 1 there, whatever the topic's, as at AWS."""
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": one.subscription,
        "Sns": {
            "Type": one.kind,
            "MessageId": one.message_id,
            "TopicArn": one.topic,
            "Subject": one.subject,
            "Message": one.text,
            "Timestamp": timestamp(one.time),
            "SignatureVersion": "1",
            "Signature": signed.signature,
            "SigningCertUrl": signed.certificate_url,
            "UnsubscribeUrl": unsubscribe_url(endpoint, one),
            "MessageAttributes": told_attributes(one.attributes),
        },
    }
    return _encode({"Records": [record]}).encode("utf-8", "surrogatepass")
