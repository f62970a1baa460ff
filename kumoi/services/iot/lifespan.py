"""What runs for IoT while the platform does: rules and the outbox of their actions."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from kumoi.delivery import Outbox
from kumoi.doorway import Doorway, Hops, Identity, Parts, Principal
from kumoi.doorway.client_certificates import ClientCertificates
from kumoi.doorway.first_bytes import FirstBytes
from kumoi.http_client import HttpClient
from kumoi.services.iot.actions import Actor
from kumoi.services.iot.custom_authorizers import CustomAuthorizers
from kumoi.services.iot.device_policies import DevicePolicies
from kumoi.services.iot.job_rules import TIMEOUT
from kumoi.services.iot.mqtt.admission import Admission
from kumoi.services.iot.mqtt.broker import Broker, end_session
from kumoi.services.iot.mqtt.connection import Connection
from kumoi.services.iot.records import ABORT, CLAIM_ENDS, OWNERSHIP_ENDS, ROLL_OUT
from kumoi.services.iot.rule_engine import RuleEngine
from kumoi.services.iot.trust_anchors import TrustAnchors
from kumoi.state import Timer
from kumoi.state.timers import TimerRunner
from kumoi.wire.errors import AwsError

MQTT = 0x10
"""The first byte of CONNECT."""


@asynccontextmanager
async def running(parts: Parts) -> AsyncIterator[None]:
    """Build the parts; actions that a crash left behind are done once the platform is up."""
    doorway = parts[Doorway]
    authorizers = parts.add(CustomAuthorizers, CustomAuthorizers(doorway))
    admission = parts.add(Admission, Admission(doorway, authorizers))
    broker = parts.add(Broker, Broker(doorway, admission))
    engine = parts.add(RuleEngine, RuleEngine(doorway, Actor(doorway, parts[HttpClient]), broker))
    engine.outbox = Outbox(
        "iot.action",
        state=doorway.state,
        clock=doorway.clock,
        timers=parts[TimerRunner],
        attempt=engine.attempt,
        give_up=engine.give_up,
    )
    parts[TimerRunner].on("iot.session", partial(_end_session, doorway, broker))
    parts[TimerRunner].on(TIMEOUT, partial(_time_out, doorway))
    parts[TimerRunner].on(ROLL_OUT, partial(_ask, doorway, "RollOutJob"))
    parts[TimerRunner].on(ABORT, partial(_ask, doorway, "AbortJob"))
    parts[TimerRunner].on(OWNERSHIP_ENDS, partial(_expire, doorway))
    parts[TimerRunner].on(CLAIM_ENDS, partial(_end_claim, doorway))
    parts[FirstBytes].claim(MQTT, lambda: Connection(broker))  # type: ignore[type-abstract]
    devices = parts.add(DevicePolicies, DevicePolicies(doorway.state))
    parts[Identity].authoriser.devices = devices.of
    parts[Identity].devices = admission.over_https
    anchors = parts.add(TrustAnchors, TrustAnchors(doorway.state))
    parts[ClientCertificates].trust(anchors.current)  # type: ignore[type-abstract]
    stops = [parts[Hops].follow(one, "iot") for one in (devices.follow, anchors.follow)]
    await engine.outbox.resume()
    try:
        yield
    finally:
        for stop in stops:
            stop()
        await broker.stop()
        await engine.outbox.stop()


async def _time_out(doorway: Doorway, timer: Timer) -> None:
    thing, _, job = timer.key.rpartition("/")
    caller = Principal.of_service(timer.account, "iot.amazonaws.com", "iot")
    params = {"thingName": thing, "jobId": job}
    await doorway.ask("iot-jobs-data", "TimeOutJobExecution", params, caller, timer.region)


async def _ask(doorway: Doorway, operation: str, timer: Timer) -> None:
    caller = Principal.of_service(timer.account, "iot.amazonaws.com", "iot")
    await doorway.ask("iot", operation, {"jobId": timer.key}, caller, timer.region)


async def _expire(doorway: Doorway, timer: Timer) -> None:
    from kumoi.services.iot.device_provisioning import expire

    await expire(doorway, timer)


async def _end_claim(doorway: Doorway, timer: Timer) -> None:
    caller = Principal.of_service(timer.account, "iot.amazonaws.com", "iot")
    with contextlib.suppress(AwsError):  # somebody may have deleted the certificate
        await doorway.ask("iot", "EndProvisioningClaim", {"certificateId": timer.key}, caller, timer.region)


async def _end_session(doorway: Doorway, broker: Broker, timer: Timer) -> None:
    if await end_session(doorway.state.at(timer.account, timer.region), timer.key):
        await broker.expire(timer.account, timer.region, timer.key)
