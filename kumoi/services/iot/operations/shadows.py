"""Shadows of things, the classic one and named ones; what becomes of them is published on their topics, too."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.iot import iot_data
from kumoi.services.iot.naming import invalid, not_found, page
from kumoi.services.iot.records import Shadow, shadows
from kumoi.services.iot.rule_engine import Message, RuleEngine
from kumoi.services.iot.shadow_rules import MOST_BYTES, BadDocument, check, chosen, delta, document, updated
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@iot_data.operation
async def get_thing_shadow(call: Call, thingName: str, shadowName: str = "") -> dict[str, Any]:
    """A shadow: its states, what differs, and when each member was set."""
    shadow = await _find(call.state, thingName, shadowName)
    return {"payload": orjson.dumps(document(shadow, call.now))}


@iot_data.operation
async def update_thing_shadow(call: Call, thingName: str, payload: bytes, shadowName: str = "") -> dict[str, Any]:
    """Merge a document into a shadow."""
    if len(payload) > MOST_BYTES:
        raise aws_error("RequestEntityTooLargeException", "The payload exceeds the maximum size allowed", status=413)
    try:
        change = check(orjson.loads(payload))
    except orjson.JSONDecodeError:
        raise invalid("Payload contains invalid json") from None
    except BadDocument as error:
        raise invalid(str(error)) from None
    before, after = await _update(call.state, thingName, shadowName, change)
    stated = change["state"] or {}
    token = {"clientToken": change["clientToken"]} if "clientToken" in change else {}
    facts = {"version": after.version, "timestamp": int(call.now), **token}
    metadata = {
        part: chosen(getattr(after, f"{part}_at"), value) for part, value in stated.items() if value is not None
    }
    accepted = {"state": stated, "metadata": metadata, **facts}
    await _tell(call, thingName, shadowName, "update/accepted", accepted)
    if differing := delta(after.desired, after.reported):
        told = {"state": differing, "metadata": chosen(after.desired_at, differing), **facts}
        await _tell(call, thingName, shadowName, "update/delta", told)
    documents = {
        "previous": _whole(before),
        "current": _whole(after),
        "timestamp": int(call.now),
        **token,
    }
    await _tell(call, thingName, shadowName, "update/documents", documents)
    return {"payload": orjson.dumps(accepted)}


@iot_data.operation
async def delete_thing_shadow(call: Call, thingName: str, shadowName: str = "") -> dict[str, Any]:
    """Delete a shadow; its version goes on counting should it come back."""
    return {"payload": orjson.dumps(await remove_thing_shadow(call, thingName, shadowName, {}))}


@iot_data.operation
async def list_named_shadows_for_thing(
    call: Call, thingName: str, nextToken: str | None = None, pageSize: int | None = None
) -> dict[str, Any]:
    """The names of a thing's named shadows."""
    found, more = page(await _named(call.state, thingName), lambda one: one.name, nextToken, pageSize)
    return {"results": [one.name for one in found], "timestamp": int(call.now), **more}


async def remove_thing_shadow(call: Call, thing: str, name: str, token: dict[str, str]) -> dict[str, Any]:
    """Delete a shadow and tell so; `token` is the device's, where it has asked with one."""
    shadow = await _delete(call.state, thing, name)
    told = {"version": shadow.version, "timestamp": int(call.now), **token}
    await _tell(call, thing, name, "delete/accepted", told)
    return told


async def _tell(call: Call, thing: str, name: str, what: str, told: dict[str, Any]) -> None:
    named = f"/name/{name}" if name else ""
    topic = f"$aws/things/{thing}/shadow{named}/{what}"
    message = Message(topic=topic, payload=orjson.dumps(told), hops=call.params.get("hops", 0))
    await call.part(RuleEngine).publish(call.account, call.region, message)


def _whole(shadow: Shadow) -> dict[str, Any]:
    parts = [part for part in ("desired", "reported") if getattr(shadow, part)]
    return {
        "state": {part: getattr(shadow, part) for part in parts},
        "metadata": {part: getattr(shadow, f"{part}_at") for part in parts},
        "version": shadow.version,
    }


def _missing(thing: str, name: str) -> AwsError:
    return not_found(f"No shadow exists with name: '{f'{thing}~{name}' if name else thing}'")


@transactional
async def _find(tx: Transaction, thing: str, name: str) -> Shadow:
    shadow = await shadows.get(tx, thing, name)
    if shadow is None or shadow.deleted:
        raise _missing(thing, name)
    return shadow


@transactional
async def _update(tx: Transaction, thing: str, name: str, change: dict[str, Any]) -> tuple[Shadow, Shadow]:
    before = await shadows.get(tx, thing, name) or Shadow(thing=thing, name=name, version=0, updated=tx.now)
    version = change.get("version")
    if version is not None and version != before.version:
        raise aws_error("ConflictException", "Version conflict", status=409)
    after = updated(before, change, tx.now)
    await shadows.put(tx, after)
    return before, after


@transactional
async def _delete(tx: Transaction, thing: str, name: str) -> Shadow:
    shadow = await _find(tx, thing, name)
    gone = Shadow(thing=thing, name=name, version=shadow.version + 1, updated=tx.now, deleted=True)
    await shadows.put(tx, gone)
    return msgspec.structs.replace(shadow, version=shadow.version)


@transactional
async def _named(tx: Transaction, thing: str) -> list[Shadow]:
    return [one for one in await shadows.list(tx, thing) if one.name and not one.deleted]
