"""Publish: a message over HTTPS."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote

import orjson

from kumoi.doorway import Call
from kumoi.iot_sql.rules import BASIC_INGEST
from kumoi.services.iot import iot_data
from kumoi.services.iot.charging import metered
from kumoi.services.iot.device_topics import PREFIX, PROVISIONING, answer
from kumoi.services.iot.naming import MOST_SLASHES, MOST_TOPIC, given, invalid
from kumoi.services.iot.reserved_topics import publishable
from kumoi.services.iot.rule_engine import Message, RuleEngine

MOST_BYTES = 128 * 1024


@iot_data.operation
async def publish(
    call: Call,
    topic: str,
    qos: int = 0,
    retain: bool = False,
    payload: bytes = b"",
    userProperties: str | None = None,
    payloadFormatIndicator: str | None = None,
    contentType: str | None = None,
    responseTopic: str | None = None,
    correlationData: str | None = None,
    messageExpiry: int | None = None,
) -> None:
    """Publish a message; what rules do with it is stored when this answers."""
    check_topic(topic)
    if topic.startswith(PROVISIONING):
        raise invalid("Devices are provisioned over MQTT: nothing is published to that topic over HTTPS.")
    if qos not in (0, 1):
        raise invalid("QoS must be 0 or 1.")
    if len(payload) > MOST_BYTES:
        raise invalid(f"The payload is larger than {MOST_BYTES} bytes.")
    call.meter("messages", metered(topic, [payload]))
    message = Message(
        topic=topic,
        payload=payload,
        qos=qos,
        retain=retain,
        principal=call.caller.arn,
        source_ip=call.http.client[0] if call.http is not None else None,
        user_properties=_user_properties(userProperties),
        properties=given(
            content_type=contentType,
            response_topic=responseTopic,
            correlation_data=correlationData,
            format_indicator=payloadFormatIndicator,
        ),
    )
    await call.part(RuleEngine).publish(call.account, call.region, message)
    if topic.startswith(PREFIX):
        await answer(call, topic, payload)


def check_topic(topic: str) -> None:
    """InvalidRequestException for a topic that nothing can be published to."""
    levels = topic
    if topic.startswith(BASIC_INGEST):
        levels = topic.removeprefix(BASIC_INGEST).partition("/")[2]
    if not topic or "+" in topic or "#" in topic or "\0" in topic:
        raise invalid(f"The topic {unquote(topic)!r} is not valid.")
    if len(topic.encode()) > MOST_TOPIC or levels.count("/") > MOST_SLASHES:
        raise invalid(f"A topic has at most {MOST_TOPIC} bytes and {MOST_SLASHES} slashes.")
    if not publishable(topic):
        raise invalid(f"The topic {topic} is reserved: clients cannot publish to it.")


def _user_properties(text: str | None) -> list[tuple[str, str]]:
    """User properties: JSON, an array of objects with one pair each, or such an array as base64."""
    if not text:
        return []
    try:
        listed: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            listed = orjson.loads(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            raise invalid("userProperties is not a JSON array.") from None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise invalid("userProperties is not a JSON array of objects.")
    return [(key, str(value)) for one in listed for key, value in one.items()]
