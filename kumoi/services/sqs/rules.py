"""Names, bodies, message attributes and receipt handles: pure rules of the SQS API reference."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from kumoi.wire.errors import AwsError, aws_error

MOST_BYTES = 1_048_576
MOST_ATTRIBUTES = 10
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}\.fifo")
_PLAIN = b"\t\n\r" + bytes(range(0x20, 0x80))
_ATTRIBUTE_NAME = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_TOKEN = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")


@cache
def _unsendable() -> re.Pattern[str]:
    """Finds a character that no message may hold; compiled at its first use, as so large a class takes a while."""
    return re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def invalid(message: str) -> AwsError:
    """SQS's InvalidParameterValue."""
    return aws_error("InvalidParameterValueException", message)


def out_of_range(name: str, value: object, reason: str) -> AwsError:
    """What is answered to a value that a parameter cannot have."""
    return invalid(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def check_between(name: str, value: int | None, low: int, high: int, wording: str = "Must be between") -> None:
    """Refuse a number outside its bounds; None is fine."""
    if value is not None and not low <= value <= high:
        told = f"{wording} {low} and {high}" if wording == "Must be between" else f"Must be >= {low} and <= {high}"
        raise out_of_range(name, value, f"{told}, if provided.")


def check_name(name: str, *, fifo: bool) -> None:
    """Refuse a name that no such queue can have."""
    if fifo and not _FIFO_NAME.fullmatch(name):
        raise invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
            "must end with .fifo suffix and be 1 to 80 in length."
        )
    if not fifo and not _NAME.fullmatch(name):
        raise invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")


def check_body(body: str) -> None:
    """Refuse a body that cannot be sent."""
    if not body:
        raise aws_error("MissingRequiredParameterException", "The request must contain the parameter MessageBody.")
    if body.encode().translate(None, _PLAIN) if body.isascii() else _unsendable().search(body):
        raise aws_error("InvalidMessageContents", "The message contains characters outside the allowed set.")


def too_long(limit: int, *, batch: bool = False) -> AwsError:
    """The refusal of a message that is too long."""
    verb = "cannot be validated" if batch else "are invalid"
    return invalid(f"One or more parameters {verb}. Reason: Message must be shorter than {limit} bytes.")


def size_of(body: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes that a message counts for: its body, and its attributes' names, types and values."""
    total = len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
    for name, value in attributes.items():
        content = value.get("StringValue") or value.get("BinaryValue") or b""
        total += len(name.encode()) + len(str(value["DataType"]).encode())
        total += len(content.encode("utf-8", "surrogatepass")) if isinstance(content, str) else len(content)
    return total


def check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse message attributes that cannot be sent."""
    if len(attributes) > MOST_ATTRIBUTES:
        raise invalid(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{MOST_ATTRIBUTES}]."
        )
    for name, value in attributes.items():
        if not _ATTRIBUTE_NAME.fullmatch(name) or name.lower().startswith(("aws.", "amazon.")):
            raise invalid(
                f"Message (user) attribute name '{name}' can only contain A-Z, a-z, 0-9, underscores, hyphens and "
                "periods, must not begin or end with a period or begin with 'AWS.' or 'Amazon.'."
            )
        kind = str(value.get("DataType", ""))
        if not kind:
            raise invalid(f"Message (user) attribute '{name}' must contain a DataType.")
        match = _TYPE.fullmatch(kind)
        if match is None or len(kind) > 256:
            raise invalid(
                f"Message (user) attribute '{name}' has an invalid message attribute type, "
                "the set of supported type prefixes is Binary, Number, and String."
            )
        if value.get("StringListValues") or value.get("BinaryListValues"):
            raise aws_error("UnsupportedOperation", "List values are not supported for message attributes.")
        member = "BinaryValue" if match[1] == "Binary" else "StringValue"
        if not value.get(member):
            raise invalid(f"Message (user) attribute '{name}' must contain a non-empty value of type '{match[1]}'.")
        if match[1] == "Number" and not _NUMBER.fullmatch(str(value["StringValue"])):
            raise invalid(f"Can't cast the value of message (user) attribute '{name}' to a number.")
        if match[1] != "Binary" and _unsendable().search(str(value["StringValue"])):
            raise aws_error("InvalidMessageContents", "The message contains characters outside the allowed set.")


def check_token(parameter: str, value: str) -> None:
    """Refuse a message group id or a deduplication id that cannot be one."""
    if not _TOKEN.fullmatch(value):
        told = value if len(value) <= 128 else value[:128]
        raise out_of_range(
            parameter,
            told,
            f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.",
        )


def chosen(wanted: Sequence[str], available: Mapping[str, Any]) -> dict[str, Any]:
    """The message attributes that a receiver asks for by `All`, `.*`, `prefix.*` or name."""
    if not wanted:
        return {}
    if "All" in wanted or ".*" in wanted:
        return dict(available)
    prefixes = tuple(name[:-2] for name in wanted if name.endswith(".*"))
    return {
        name: value for name, value in available.items() if name in wanted or (prefixes and name.startswith(prefixes))
    }


def queue_name(url: str) -> str:
    """The name a queue's URL or ARN ends with."""
    return url.replace(":", "/").rstrip("/").rsplit("/", 1)[-1]


def receipt_handle(queue: str, sequence: int, received: int, nonce: str) -> str:
    """The handle of one reception of a message."""
    return base64.urlsafe_b64encode(f"v1|{queue}|{sequence}|{received}|{nonce}".encode()).decode()


def parse_receipt(handle: str, queue: str) -> tuple[int, int, str]:
    """(the sequence number of the message, which reception, its nonce) that a handle of this queue stands for."""
    try:
        read = base64.b64decode(handle, b"-_", validate=True).decode().split("|")
        version, owner, sequence, received, nonce = read
        if version != "v1" or not 0 < int(sequence) < 2**62 or not 0 < int(received) < 2**62:
            raise ValueError
    except ValueError:
        raise aws_error("ReceiptHandleIsInvalid", "The input receipt handle is invalid.") from None
    if owner != queue:
        raise aws_error("ReceiptHandleIsInvalid", f'The receipt handle "{handle}" is not valid for this queue.')
    return int(sequence), int(received), nonce
