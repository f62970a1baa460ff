"""How devices that share a claim get an identity of their own, over MQTT: fleet provisioning.

A device asks for a certificate on `$aws/certificates/create/…` (or has its signing request signed), gets it with a
token that proves for an hour that it is its owner, and then asks on `$aws/provisioning-templates/NAME/provision/…` for
what the template says. Answers have secrets: they go to the client that has asked alone, and nobody else sees requests.
What clients publish below these topics goes no further: all devices have the same claim, and none may answer another.
Source: developer guide, "Device provisioning MQTT API".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from kumoi.doorway import Call, Doorway, Principal
from kumoi.names import hex_id
from kumoi.services.iot.mqtt.broker import Broker
from kumoi.services.iot.naming import invalid
from kumoi.services.iot.operations.certificates import (
    create_certificate_from_csr,
    create_keys_and_certificate,
    find_certificate,
)
from kumoi.services.iot.operations.provisioning_templates import find_template
from kumoi.services.iot.provisioning import carry_out, pseudo_parameters
from kumoi.services.iot.provisioning_hook import allowed
from kumoi.services.iot.provisioning_rules import plan_of, read_template
from kumoi.services.iot.records import OWNERSHIP_ENDS, Ownership, ownerships
from kumoi.state import Timer, Transaction, transactional
from kumoi.wire.cbor import CborError, decode, encode
from kumoi.wire.errors import AwsError, aws_error

_TOPIC = re.compile(
    r"\$aws/(?:certificates/(create|create-from-csr)|provisioning-templates/([\w-]{1,36})/provision)/(json|cbor)",
    re.ASCII,
)
SECONDS = 3600


async def answer(call: Call, client: str, topic: str, payload: bytes) -> None:
    """Do what a message asks for, and answer its client; nothing on a topic where nothing is asked for."""
    found = _TOPIC.fullmatch(topic)
    if found is None:
        return
    made, template, form = found.groups()
    try:
        asked = _read(payload, form)
        if made == "create":
            said = await _created(call)
        elif made is not None:
            said = await _signed(call, asked)
        else:
            said = await _provisioned(call, client, template, asked)
    except AwsError as error:
        outcome = "rejected"
        code = error.code.removesuffix("Exception")
        said = {"statusCode": error.default_status, "errorCode": code, "errorMessage": error.message}
    else:
        outcome = "accepted"
    content = encode(said) if form == "cbor" else orjson.dumps(said)
    await call.part(Broker).reply(call.account, call.region, client, f"{topic}/{outcome}", content)


def _read(payload: bytes, form: str) -> dict[str, Any]:
    try:
        asked = (decode(payload) if form == "cbor" else orjson.loads(payload)) if payload else {}
    except (CborError, orjson.JSONDecodeError):
        raise aws_error("InvalidPayload", f"The payload is not valid {form.upper()}.", status=400) from None
    if not isinstance(asked, dict):
        raise aws_error("InvalidPayload", "The payload is not an object.", status=400)
    return asked


async def _created(call: Call) -> dict[str, Any]:
    made = await create_keys_and_certificate(call)
    return {
        "certificateId": made["certificateId"],
        "certificatePem": made["certificatePem"],
        "privateKey": made["keyPair"]["PrivateKey"],
        "certificateOwnershipToken": await _token(call, made["certificateId"]),
    }


async def _signed(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    request = asked.get("certificateSigningRequest")
    if not isinstance(request, str):
        raise invalid("certificateSigningRequest is missing.")
    made = await create_certificate_from_csr(call, request)
    return {
        "certificateId": made["certificateId"],
        "certificatePem": made["certificatePem"],
        "certificateOwnershipToken": await _token(call, made["certificateId"]),
    }


async def _token(call: Call, certificate: str) -> str:
    token = hex_id(64)
    await _keep(call.state, Ownership(token, certificate, call.now + SECONDS))
    return token


async def _provisioned(call: Call, client: str, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    token, parameters = asked.get("certificateOwnershipToken"), asked.get("parameters", {})
    if not isinstance(token, str) or not token:
        raise invalid("certificateOwnershipToken is missing.")
    if not isinstance(parameters, dict) or not all(
        isinstance(key, str) and isinstance(value, str) for key, value in parameters.items()
    ):
        raise invalid("parameters is not an object of texts.")
    ownership = await _find(call.state, token)
    if ownership is None or ownership.until <= call.now:
        raise aws_error("InvalidCertificateOwnershipToken", "The certificate ownership token is not valid.", status=400)
    template = await find_template(call.state, name)
    if not template.enabled:
        raise invalid(f"Provisioning template {name} is not enabled.")
    certificate = await find_certificate(call.state, ownership.certificate)
    if template.hook is not None:
        parameters = await allowed(call, client, template, template.hook, certificate, parameters)
    version = template.version(template.default)
    assert version is not None
    plan = plan_of(read_template(version.body), parameters, pseudo_parameters(certificate.pem))
    role = Principal.of_role(call.account, template.role, template.name, f"iot:{template.name}")
    untouched = certificate.version == 1  # who has deactivated a device since means it: its token is good for an hour
    made = await carry_out(partial(call.to_as, role, "iot"), plan, fresh=untouched)
    return {"deviceConfiguration": plan.configuration, **({} if made.thing is None else {"thingName": made.thing})}


@transactional
async def _keep(tx: Transaction, ownership: Ownership) -> None:
    await ownerships.put(tx, ownership)
    tx.timer(ownership.until, OWNERSHIP_ENDS, key=ownership.token)


@transactional
async def _find(tx: Transaction, token: str) -> Ownership | None:
    return await ownerships.get(tx, token)


@transactional
async def _forget(tx: Transaction, token: str) -> None:
    await ownerships.delete(tx, token)


async def expire(doorway: Doorway, timer: Timer) -> None:
    """A token's time is over: a certificate that was never activated goes, unless it has a thing or a policy."""
    state = doorway.state.at(timer.account, timer.region)
    ownership = await _find(state, timer.key)
    if ownership is not None:
        with contextlib.suppress(AwsError):  # it is gone, or has one
            if (await find_certificate(state, ownership.certificate)).version == 1:
                caller = Principal.of_service(timer.account, "iot.amazonaws.com", "iot")
                params = {"certificateId": ownership.certificate}
                await doorway.ask("iot", "DeleteCertificate", params, caller, timer.region)
    await _forget(state, timer.key)
