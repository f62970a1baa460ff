"""What may be published: subjects, structures, attributes, sizes, and ids of FIFO topics; pure rules.

Source: Publish of the API reference, "Amazon SNS message attributes" of the developer guide, and recorded refusals.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from kumoi.services.sns.naming import invalid
from kumoi.services.sns.records import Topic
from kumoi.services.sns.topic_attributes import DEFAULT_SIZE
from kumoi.wire.errors import AwsError, aws_error

_TYPE = re.compile(r"(String|Number|Binary)(\..+)?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_NAME = re.compile(r"[A-Za-z0-9_.-]*")
_TOKEN = re.compile(r"[\x21-\x7e]{1,128}")


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message that may be published. `texts` are its texts by protocol, `text` is for those without one."""

    text: str
    texts: dict[str, str] = {}
    subject: str | None = None
    attributes: dict[str, dict[str, Any]] = {}
    group: str | None = None
    deduplication: str | None = None

    def text_for(self, protocol: str) -> str:
        """What a protocol's subscribers get."""
        return self.texts.get(protocol, self.text)


def message_of(given: Mapping[str, Any], topic: Topic | None) -> Message:
    """The message that a request (or an entry of a batch) means to publish, to a topic or (None) to one receiver."""
    text, subject = given.get("Message", ""), given.get("Subject")
    attributes = given.get("MessageAttributes") or {}
    if not text:
        raise invalid("Empty message")
    if subject is not None and (not 1 <= len(subject) <= 100 or not subject.isprintable()):
        raise invalid("Subject")
    check_attributes(attributes)
    limit = int(topic.attributes.get("MaximumMessageSize") or DEFAULT_SIZE) if topic is not None else DEFAULT_SIZE
    if size_of(text, attributes) > limit:
        raise invalid("Message too long")
    texts: dict[str, str] = {}
    structure = given.get("MessageStructure")
    if structure == "json":
        texts = _structured(text)
        text = texts.pop("default")
    elif structure is not None:
        raise invalid("MessageStructure")
    group, deduplication = _ids(given, topic, given["Message"])
    return Message(
        text=text, texts=texts, subject=subject, attributes=attributes, group=group, deduplication=deduplication
    )


def fails_the_batch(error: AwsError) -> bool:
    """Whether an entry's mistake fails the batch it is in: those of structure, groups and deduplication do."""
    return any(word in error.message for word in ("Message Structure", "MessageStructure", "MessageGroupId", "Dedup"))


def _structured(text: str) -> dict[str, str]:
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        content = None
    if not isinstance(content, dict):
        raise invalid("Message Structure - JSON message body failed to parse")
    if not isinstance(content.get("default"), str):
        raise invalid("Message Structure - No default entry in JSON message body")
    return {protocol: one for protocol, one in content.items() if isinstance(one, str)}


def _ids(given: Mapping[str, Any], topic: Topic | None, text: str) -> tuple[str | None, str | None]:
    """(message group id, deduplication id) of a message."""
    group, deduplication = given.get("MessageGroupId"), given.get("MessageDeduplicationId")
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication)):
        if value is not None and not _TOKEN.fullmatch(value):
            raise invalid(f"{name} Reason: {name} can only include alphanumeric and punctuation characters, 1 to 128.")
    if topic is None or not topic.fifo:
        if deduplication is not None:
            raise invalid(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not "
                "valid for this topic type"
            )
        return group, None
    if group is None:
        raise invalid("The MessageGroupId parameter is required for FIFO topics")
    if deduplication is None:
        if topic.attributes.get("ContentBasedDeduplication") != "true":
            raise invalid(
                "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                "explicitly"
            )
        deduplication = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return group, deduplication


def size_of(text: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes that a message counts for: its text, and its attributes' names, types and values."""
    total = len(text.encode("utf-8", "surrogatepass"))
    for name, value in attributes.items():
        content = value.get("StringValue") or value.get("BinaryValue") or b""
        total += len(name.encode("utf-8", "surrogatepass")) + len(str(value.get("DataType", "")))
        total += len(content.encode("utf-8", "surrogatepass")) if isinstance(content, str) else len(content)
    return total


def check_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse message attributes that cannot be published."""
    for name, value in attributes.items():
        _check_name(name)
        kind = value.get("DataType", "")
        match = _TYPE.fullmatch(kind)
        if match is None:
            raise _bad(
                f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
                "prefixes is Binary, Number, and String."
            )
        member, other = ("BinaryValue", "StringValue") if match[1] == "Binary" else ("StringValue", "BinaryValue")
        if value.get(other):
            raise _bad(f"The message attribute '{name}' with type '{kind}' must use field '{member[:-5]}'.")
        if not value.get(member):
            raise _bad(
                f"The message attribute '{name}' must contain non-empty message attribute value for message attribute "
                f"type '{kind}'."
            )
        if match[1] == "Number" and not _NUMBER.fullmatch(value["StringValue"]):
            raise _bad(f"Could not cast message attribute '{name}' value to number.")
        if kind == "String.Array" and not _is_list(value["StringValue"]):
            raise _bad(f"Could not cast message attribute '{name}' value to an array.")


def _check_name(name: str) -> None:
    if len(name.encode("utf-8", "surrogatepass")) > 256:
        raise _bad("Length of message attribute name must be less than 256 bytes.")
    if not _NAME.fullmatch(name):
        wrong = next(character for character in name if not _NAME.fullmatch(character))
        raise _bad(
            f"Invalid non-alphanumeric character '#x{ord(wrong):X}' was found in the message attribute name. "
            "Can only include alphanumeric characters, hyphens, underscores, or dots."
        )
    if not name or name.startswith("."):
        raise _bad("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise _bad("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise _bad("Message attribute name can not have successive '.' character.")


def _is_list(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), list)
    except orjson.JSONDecodeError:
        return False


def _bad(text: str) -> AwsError:
    return aws_error("InvalidParameterValueException", text)
