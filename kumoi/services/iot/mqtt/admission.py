"""Who an MQTT client is: by its certificate, by the signature of its WebSocket, or by its user name.

A certificate counts whenever one is shown: it has to be registered and active. Where signatures count, a client without
a certificate and without a signature is refused; otherwise its user name says whose account is meant.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.doorway.authoriser import IdentityPolicies, principal_keys
from kumoi.names import DEFAULT_REGION, arn
from kumoi.policy import Policies, Policy, Request, decide
from kumoi.services.iot.device_policies import (
    DevicePolicies,
    as_thing,
    cognito_identity,
    connection_variables,
    device,
    thing_of,
    thing_variables,
)
from kumoi.services.iot.operations.certificates import register
from kumoi.services.iot.records import CaCertificate, Certificate, anchors, ca_certificates, certificates, owners
from kumoi.services.iot.x509_certificates import issued_by, read_der
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

logger = logging.getLogger(__name__)

MOST_TOPICS = 1000
"""Topics that are remembered of what a client may receive."""


class Shown(NamedTuple):
    """What a client shows of itself. `certificate` is in DER form, `signer` who signed a WebSocket's handshake."""

    certificate: bytes | None
    signer: Principal | None
    region: str


class NotAdmitted(Exception):
    """A client is nobody who may connect; says why."""


class Admission:
    """Finds out who clients are."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def principal(self, shown: Shown, username: str | None, client: str) -> tuple[Principal, str]:
        """Who a client is and in which region; raises NotAdmitted."""
        if shown.certificate is not None:
            return await self._device(shown.certificate, client)
        identity = self._doorway.identity
        if shown.signer is not None:
            return await self._signer(shown.signer, shown.region, client), shown.region
        if identity.verifies:
            raise NotAdmitted("it shows no certificate and has signed nothing")
        return await identity.principal(username or None, None), DEFAULT_REGION

    async def stands(self, principal: Principal) -> bool:
        """Whether a client is still who may connect: its certificate may have changed while it was let in."""
        account, region = principal.account, principal.region
        return not region or await _is_active(self._doorway.state.at(account, region), principal.id)

    async def over_https(self, certificate: bytes) -> Principal:
        """Who a client of HTTPS is by its certificate; ForbiddenException when it is nobody who may ask."""
        try:
            principal, _ = await self._device(certificate, "")
        except NotAdmitted as error:
            logger.info("a request is refused: %s", error)
            raise aws_error("ForbiddenException", "Forbidden", status=403) from None
        return principal

    async def _signer(self, signer: Principal, region: str, client: str) -> Principal:
        """Who has signed; a Cognito identity is known with its thing."""
        identity = cognito_identity(signer)
        if identity is None:
            return signer
        state = self._doorway.state.at(signer.account, region)
        return as_thing(signer, await thing_variables(state, identity, client))

    async def _device(self, shown: bytes, client: str) -> tuple[Principal, str]:
        certificate_id = hashlib.sha256(shown).hexdigest()
        found = await _find(self._doorway.state, certificate_id)
        if found is None:
            await self._announce(shown, certificate_id)
            raise NotAdmitted(f"its certificate {certificate_id} is not registered")
        certificate, account, region = found
        if certificate.status != "ACTIVE":
            raise NotAdmitted(f"its certificate {certificate_id} is {certificate.status}")
        context = await connection_variables(self._doorway.state.at(account, region), certificate, client)
        return device(certificate, account, region, context), region

    async def _announce(self, shown: bytes, certificate_id: str) -> None:
        """Register a certificate whose CA registers by itself, to be activated, and tell so: just-in-time registration.

        Source: "Just-in-time registration" of the developer guide.
        """
        found = read_der(shown)
        for authority, account, region in await _registering(self._doorway.state):
            if authority.subject != found.issuer or not issued_by(found.pem, authority.pem):
                continue
            now = self._doorway.clock.now()
            certificate = Certificate(
                id=certificate_id,
                pem=found.pem,
                status="PENDING_ACTIVATION",
                created=now,
                modified=now,
                not_before=found.not_before,
                not_after=found.not_after,
                ca=authority.id,
                mode=authority.mode,
            )
            if await register(self._doorway.state.at(account, region), certificate):
                told = {
                    "certificateId": certificate_id,
                    "caCertificateId": authority.id,
                    "timestamp": int(now * 1000),
                    "certificateStatus": "PENDING_ACTIVATION",
                    "awsAccountId": account,
                    "certificateRegistrationTimestamp": str(int(now * 1000)),
                }
                topic = f"$aws/events/certificates/registered/{authority.id}"
                caller = Principal.of_service(account, "iot.amazonaws.com", "iot")
                params = {"topic": topic, "payload": orjson.dumps(told), "clientId": None}
                await self._doorway.ask("iot-data", "MqttPublish", params, caller, region)
            return


class Receiving:
    """Which topics' messages a client may be sent (iot:Receive), where policies are enforced."""

    def __init__(self, doorway: Doorway, principal: Principal, region: str, client: str) -> None:
        self._authoriser = doorway.identity.authoriser
        self._devices = doorway.parts[DevicePolicies]
        self._principal = principal
        self._identity = cognito_identity(principal)
        self._region = region
        self._client = client
        self._side: IdentityPolicies | None = None
        self._beside: Sequence[Policy] | None = None
        self._known: dict[str, bool] = {}

    async def allows(self, topic: str) -> bool:
        """Whether a message of a topic may be sent; what was found is remembered as long as the policies stand."""
        side = await self._authoriser.side(self._principal)
        beside = None
        if self._identity is not None:
            place = self._principal.account, self._region
            beside = await self._devices.of_identity(*place, self._identity, thing_of(self._principal))
        if side is not self._side or beside is not self._beside or len(self._known) >= MOST_TOPICS:
            self._side, self._beside = side, beside
            self._known.clear()
        known = self._known.get(topic)
        if known is None:
            context = {
                **principal_keys(self._principal, side.caller),
                **side.context,
                "iot:clientid": (self._client,),
            }
            resource = arn("iot", self._region, self._principal.account, f"topic/{topic}")
            request = Request(side.caller, "iot:Receive", resource, context)
            asked = Policies(side.identity, boundary=side.boundary, session=side.session, beside=beside)
            known = self._known[topic] = decide(request, asked).allowed
        return known


def receiving(doorway: Doorway, principal: Principal, region: str, client: str) -> Receiving | None:
    """What limits the messages that a client is sent; None where nothing does."""
    if not doorway.identity.enforces or principal.is_root:
        return None
    return Receiving(doorway, principal, region, client)


@transactional
async def _find(tx: Transaction, certificate_id: str) -> tuple[Certificate, str, str] | None:
    """A certificate and where it is registered: where it is active, if in several places."""
    best: tuple[Certificate, str, str] | None = None
    for owner in await owners.list(tx, certificate_id):
        found = await certificates.get(tx.at(owner.account, owner.region), certificate_id)
        if found is not None and (best is None or best[0].status != "ACTIVE"):
            best = found, owner.account, owner.region
    return best


@transactional
async def _is_active(tx: Transaction, certificate_id: str) -> bool:
    found = await certificates.get(tx, certificate_id)
    return found is not None and found.status == "ACTIVE"


@transactional
async def _registering(tx: Transaction) -> list[tuple[CaCertificate, str, str]]:
    found: list[tuple[CaCertificate, str, str]] = []
    for owner in await anchors.list(tx):
        if owner.is_ca:
            authority = await ca_certificates.get(tx.at(owner.account, owner.region), owner.certificate)
            if authority is not None and authority.registers and authority.status == "ACTIVE":
                found.append((authority, owner.account, owner.region))
    return found
