"""What MQTT clients publish: a call like any other, so that it is guarded, traced and on the map."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot_data
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.operations.publish import MOST_BYTES, check_topic
from kumoi.services.iot.rule_engine import Message, RuleEngine


@iot_data.operation
async def mqtt_publish(
    call: Call,
    topic: str,
    payload: bytes,
    clientId: str | None,
    qos: int = 0,
    retain: bool = False,
    properties: dict[str, Any] | None = None,
    userProperties: list[tuple[str, str]] | None = None,
) -> None:
    """Publish a client's message (no operation of AWS's API: it cannot be called over HTTPS)."""
    if clientId is not None:
        check_topic(topic)
    if len(payload) > MOST_BYTES:
        raise invalid(f"The payload is larger than {MOST_BYTES} bytes.")
    message = Message(
        topic=topic,
        payload=payload,
        qos=qos,
        retain=retain,
        client_id=clientId,
        principal=call.caller.id,
        user_properties=userProperties or [],
        properties=properties or {},
    )
    await call.part(RuleEngine).publish(call.account, call.region, message)
