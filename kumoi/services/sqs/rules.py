"""Queue names, attributes and receipt handles: pure rules of the SQS API reference."""

from __future__ import annotations

import base64
import re

from kumoi.wire.errors import AwsError, aws_error

DEFAULTS = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}
BOUNDS = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, 1048576),
    "MessageRetentionPeriod": (60, 1209600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43200),
}
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_UNSENDABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def invalid(message: str) -> AwsError:
    """SQS's InvalidParameterValue."""
    return aws_error("InvalidParameterValueException", message)


def out_of_range(name: str, value: int, reason: str) -> AwsError:
    """What is answered to a number outside its bounds."""
    return invalid(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def check_name(name: str) -> None:
    """Refuse a name that no standard queue can have."""
    if not _NAME.fullmatch(name):
        raise invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def check_attributes(attributes: dict[str, str]) -> None:
    """Refuse attributes that are unknown here, or out of their bounds."""
    for name, value in attributes.items():
        if name not in BOUNDS:
            raise aws_error("InvalidAttributeName", f"Unknown Attribute {name}.")
        low, high = BOUNDS[name]
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise aws_error("InvalidAttributeValue", f"Invalid value for the parameter {name}.")


def check_body(body: str, limit: int) -> None:
    """Refuse a body that cannot be sent, or is longer than `limit` bytes."""
    if _UNSENDABLE.search(body):
        raise aws_error("InvalidMessageContents", "The message contains characters outside the allowed set.")
    if len(body.encode()) > limit:
        raise invalid(f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.")


def queue_name(url: str) -> str:
    """The name a queue's URL or ARN ends with."""
    return url.replace(":", "/").rstrip("/").rsplit("/", 1)[-1]


def receipt_handle(queue: str, sequence: int, received: int) -> str:
    """The handle of one reception of a message."""
    return base64.urlsafe_b64encode(f"v1|{queue}|{sequence}|{received}".encode()).decode()


def parse_receipt(handle: str, queue: str) -> int:
    """The sequence number of the message a handle of this queue stands for."""
    try:
        version, owner, sequence, received = base64.b64decode(handle, b"-_", validate=True).decode().split("|")
        if version != "v1" or not 0 < int(sequence) < 2**62 or int(received) < 1:
            raise ValueError
    except ValueError:
        raise aws_error("ReceiptHandleIsInvalid", "The input receipt handle is invalid.") from None
    if owner != queue:
        raise aws_error("ReceiptHandleIsInvalid", f'The receipt handle "{handle}" is not valid for this queue.')
    return int(sequence)
