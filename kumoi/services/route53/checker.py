"""Endpoints are checked at each interval of the platform's clock: by HTTP, for a string, or for a TCP connection.

The checker is the platform itself. Names of the platform are asked here, whatever DNS says of them. What it finds is
held in memory: after a restart the first look decides, later ones count by the check's threshold. Names that lead to
others are told anew where a check has changed its mind. Source: "How Route 53 determines whether a health check is
healthy" of the developer guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from kumoi.doorway import Doorway, Parts
from kumoi.doorway.host_names import HostNames
from kumoi.http_client import HttpClient, Unreachable
from kumoi.services.route53.health import ENDPOINT_TYPES
from kumoi.services.route53.observations import Observation, Observations
from kumoi.services.route53.pointers import point_all
from kumoi.services.route53.records import HealthCheck, health_checks
from kumoi.state import Timer, Transaction, transactional

TOPIC = "route53.check"
_AGENT = "Amazon-Route53-Health-Check-Service (ref check; report http://amzn.to/1vsZADi)"
_SECONDS, _TCP_SECONDS = 4.0, 10.0
_SEARCHED = 5120
"""Bytes of a body that a string is looked for in."""


def schedule(tx: Transaction, check: HealthCheck | None, check_id: str = "") -> None:
    """Have an endpoint checked at once and then at its interval, or no longer."""
    if check is None or check.config["Type"] not in ENDPOINT_TYPES or check.config.get("Disabled"):
        tx.cancel_timer(TOPIC, check_id if check is None else check.id)
    else:
        tx.timer(tx.now, TOPIC, check.id.encode(), key=check.id)


class Checker:
    """Looks at endpoints."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def fire(self, timer: Timer) -> None:
        """Look at an endpoint whose time it is; the next time is set before."""
        doorway, observations = self._parts[Doorway], self._parts[Observations]
        check = await _begin(doorway.state.at(timer.account, timer.region), timer)
        if check is None:
            return
        well, text = await self._look(check.config)
        seen = Observation(well, text, doorway.clock.now())
        if observations.note(check.id, seen, int(check.config["FailureThreshold"])):
            await point_all(self._parts)

    async def _look(self, config: Mapping[str, Any]) -> tuple[bool, str]:
        """Whether an endpoint is well, and what was seen."""
        name, address = config.get("FullyQualifiedDomainName"), config.get("IPAddress")
        where = str(address or name)
        port = int(config["Port"])
        here = address is None and self._parts[HostNames].is_here(where)  # type: ignore[type-abstract]
        if config["Type"] == "TCP":
            return (True, "the platform itself") if here else await _connect(where, port)
        scheme = "https" if config["Type"].startswith("HTTPS") else "http"
        base = self._parts[Doorway].endpoint if here else f"{scheme}://{_spoken(where)}:{port}"
        fields = [("Host", str(name or where)), ("User-Agent", _AGENT), ("Accept", "*/*"), ("Connection", "close")]
        try:
            answer = await self._parts[HttpClient].send(
                "GET", f"{base}{config.get('ResourcePath', '/')}", fields, seconds=_SECONDS
            )
        except Unreachable as problem:
            return False, str(problem)
        text = f"HTTP Status Code {answer.status}"
        if not 200 <= answer.status < 400:
            return False, text
        if config["Type"].endswith("STR_MATCH") and config["SearchString"].encode() not in answer.body[:_SEARCHED]:
            return False, f"{text}; the string is not in the first {_SEARCHED} bytes"
        return True, text


def _spoken(where: str) -> str:
    """A host as addresses have it."""
    try:
        return f"[{where}]" if ip_address(where).version == 6 else where
    except ValueError:
        return where


async def _connect(where: str, port: int) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(_TCP_SECONDS):
            _, writer = await asyncio.open_connection(where, port)
    except (OSError, TimeoutError) as problem:
        return False, f"no connection: {problem or 'time-out'}"
    writer.close()
    return True, "connected"


@transactional
async def _begin(tx: Transaction, timer: Timer) -> HealthCheck | None:
    check = await health_checks.get(tx, timer.payload.decode())
    if check is not None:
        tx.timer(tx.now + int(check.config["RequestInterval"]), TOPIC, check.id.encode(), key=check.id)
    return check
