"""Who an MQTT client is: by its certificate, the signature of its WebSocket, an authorizer, or its user name.

A certificate counts whenever one is shown: it has to be registered and active. Where signatures count, a client without
a certificate, a signature and an authorizer that lets it in is refused; otherwise its user name says whose account is
meant.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from kumoi.doorway import Doorway, Principal
from kumoi.doorway.authoriser import IdentityPolicies, principal_keys
from kumoi.names import DEFAULT_REGION, arn
from kumoi.policy import Policies, Policy, decide
from kumoi.policy import Request as Question
from kumoi.services.iot.authorizer_rules import Presented
from kumoi.services.iot.custom_authorizers import Admitted, CustomAuthorizers, Refused
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
from kumoi.wire.http import Request

logger = logging.getLogger(__name__)

MOST_TOPICS = 1000
"""Topics that are remembered of what a client may receive."""
_MESSAGES = "/topics/"


class Handshake(NamedTuple):
    """A WebSocket's handshake: who signed it, for which region, its headers (by lower-case names) and its query."""

    signer: Principal | None
    region: str
    headers: Mapping[str, str]
    query: str
    encrypted: bool


class Shown(NamedTuple):
    """What a client shows of itself. `certificate` is in DER form; `handshake` is None where there was no WebSocket."""

    certificate: bytes | None
    handshake: Handshake | None
    encrypted: bool
    username: str | None
    password: bytes | None
    client: str

    def presented(self) -> Presented:
        """What custom authorizers see of it."""
        handshake = self.handshake
        spoken = (("tls", self.encrypted), ("http", handshake is not None), ("mqtt", True))
        return Presented(
            tuple(name for name, speaks in spoken if speaks),
            self.username,
            self.password,
            self.client,
            None if handshake is None else handshake.headers,
            "" if handshake is None else handshake.query,
        )


class Known(NamedTuple):
    """Who a client is, in which region, and for how long, where an authorizer has let it in."""

    principal: Principal
    region: str
    admitted: Admitted | None = None


class NotAdmitted(Exception):
    """A client is nobody who may connect; says why."""


class Admission:
    """Finds out who clients are."""

    def __init__(self, doorway: Doorway, authorizers: CustomAuthorizers) -> None:
        self._doorway = doorway
        self._authorizers = authorizers

    async def principal(self, shown: Shown) -> Known:
        """Who a client is; raises NotAdmitted."""
        if shown.certificate is not None:
            return Known(*await self._device(shown.certificate, shown.client))
        identity, handshake = self._doorway.identity, shown.handshake
        if handshake is not None and handshake.signer is not None:
            return Known(await self._signer(handshake.signer, handshake.region, shown.client), handshake.region)
        admitted = await self.authorized(shown)
        if admitted is not None:
            return Known(admitted.principal, admitted.principal.region, admitted)
        if identity.verifies:
            raise NotAdmitted("it shows no certificate, has signed nothing and no authorizer was asked")
        return Known(await identity.principal(shown.username or None, None), DEFAULT_REGION)

    async def authorized(self, shown: Shown) -> Admitted | None:
        """Whom a custom authorizer lets in; None where none is to be asked. Raises NotAdmitted."""
        try:
            return await self._authorizers.admit(shown.presented())
        except Refused as refused:
            raise NotAdmitted(str(refused)) from None

    async def stands(self, principal: Principal) -> bool:
        """Whether a client is still who may connect: its certificate may have changed while it was let in."""
        if ":cert/" not in principal.arn:
            return True
        return await _is_active(self._doorway.state.at(principal.account, principal.region), principal.id)

    async def over_https(self, request: Request) -> Principal | None:
        """Which device sends an unsigned request; None for none. ForbiddenException when it may not ask.

        Authorizers are for messages alone. Source: "Connecting to AWS IoT Core by using custom authentication".
        """
        try:
            if request.certificate is not None:
                return (await self._device(request.certificate, ""))[0]
            if request.path.startswith(_MESSAGES):
                return await self._authorizers.over_https(request)
        except (NotAdmitted, Refused) as error:
            logger.info("a request is refused: %s", error)
            raise aws_error("ForbiddenException", "Forbidden", status=403) from None
        return None

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
            question = Question(side.caller, "iot:Receive", resource, context)
            asked = Policies(side.identity, boundary=side.boundary, session=side.session, beside=beside)
            known = self._known[topic] = decide(question, asked).allowed
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
