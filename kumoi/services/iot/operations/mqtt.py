"""MQTT at the doorway: WebSockets, and what clients publish, a call like any other: guarded, traced, on the map."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot_data
from kumoi.services.iot.charging import metered
from kumoi.services.iot.device_topics import PREFIX, PROVISIONING, answer
from kumoi.services.iot.mqtt.admission import Handshake
from kumoi.services.iot.mqtt.broker import Broker
from kumoi.services.iot.mqtt.connection import Connection
from kumoi.services.iot.mqtt.websocket import SUBPROTOCOL, serve
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.operations.publish import MOST_BYTES, check_topic
from kumoi.services.iot.rule_engine import Message, RuleEngine
from kumoi.wire.http import Response
from kumoi.wire.websocket import Upgrade


@iot_data.data_plane("iot-mqtt")
async def mqtt_websocket(call: Call, path: str, attributes: dict[str, str]) -> Response:
    """A WebSocket that speaks MQTT, as browsers and mobile devices open it."""
    request = call.http
    assert request is not None, "a data plane's call is a request"
    offered = request.headers.get("sec-websocket-protocol", "")
    if SUBPROTOCOL not in [one.strip() for one in (offered or "").split(",")]:
        return Response(400, [("Content-Type", "text/plain")], b"The sub-protocol is mqtt.\n")
    signer = call.caller if call.caller.access_key is not None else None
    headers = {name.lower(): value for name, value in request.headers.items}
    handshake = Handshake(signer, call.region, headers, request.query, request.scheme == "https")
    connection = Connection(call.part(Broker), handshake)
    return Response(101, [], upgrade=Upgrade(partial(serve, connection), SUBPROTOCOL))


@iot_data.operation
async def mqtt_connect(call: Call, clientId: str) -> None:
    """A client wants to connect: asked here, so that policies, faults and the map see it (none of AWS's API)."""


@iot_data.operation
async def mqtt_subscribe(call: Call, topicFilter: str, clientId: str) -> None:
    """A client wants to subscribe: asked here as MqttConnect is."""


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
    hops: int = 0,
    more: Sequence[bytes] = (),
) -> None:
    """Publish a client's message, or what IoT itself says (no operation of AWS's API: it is not called over HTTPS).

    `hops` counts how often rules have republished it; `more` are payloads of messages that are otherwise alike.
    """
    if clientId is not None:
        check_topic(topic)
    payloads = [payload, *more]
    if max(map(len, payloads)) > MOST_BYTES:
        raise invalid(f"The payload is larger than {MOST_BYTES} bytes.")
    if clientId is not None:
        call.meter("messages", metered(topic, payloads))
    if clientId is not None and topic.startswith(PROVISIONING):
        from kumoi.services.iot import device_provisioning

        for one in payloads:
            await device_provisioning.answer(call, clientId, topic, one)
        return
    message = Message(
        topic=topic,
        payload=payload,
        qos=qos,
        retain=retain,
        client_id=clientId,
        principal=call.caller.id,
        user_properties=userProperties or [],
        properties=properties or {},
        hops=hops,
    )
    await call.part(RuleEngine).publish(call.account, call.region, message, payloads)
    if topic.startswith(PREFIX):
        for one in payloads:
            await answer(call, topic, one)
