"""Health checks are made, changed, told, listed and deleted, and tell how their endpoints are."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.route53 import route53
from kumoi.services.route53.answers import told_check
from kumoi.services.route53.check_rules import read_config, updated_config
from kumoi.services.route53.checker import schedule
from kumoi.services.route53.errors import no_health_check
from kumoi.services.route53.naming import location
from kumoi.services.route53.observations import Observation, Observations
from kumoi.services.route53.pages import size
from kumoi.services.route53.records import HealthCheck, health_checks
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_REGION, _CHECKER = "us-east-1", "127.0.0.1"
"""There is one checker, the platform itself."""


@route53.operation
async def create_health_check(call: Call, CallerReference: str, HealthCheckConfig: dict[str, Any]) -> dict[str, Any]:
    """Make a check; the same request again answers the check that was made."""
    config = read_config(HealthCheckConfig)
    made = HealthCheck(id=uuid(), account=call.account, reference=CallerReference, config=config, created=call.now)
    made = await _create(call.state, made)
    call.node = f"route53:{made.id}"
    return {"HealthCheck": told_check(made), "Location": location(f"healthcheck/{made.id}")}


@transactional
async def _create(tx: Transaction, made: HealthCheck) -> HealthCheck:
    for one in await health_checks.list(tx):
        if one.reference == made.reference:
            if one.config == made.config:
                return one
            raise aws_error(
                "HealthCheckAlreadyExists",
                f"A health check with the caller reference {made.reference} exists with other settings.",
                status=409,
            )
    for child in made.config.get("ChildHealthChecks", ()):
        await _find(tx, child)
    await health_checks.put(tx, made)
    schedule(tx, made)
    return made


@transactional
async def _find(tx: Transaction, check_id: str) -> HealthCheck:
    found = await health_checks.get(tx, check_id)
    if found is None:
        raise no_health_check(check_id)
    return found


@route53.operation
async def get_health_check(call: Call, HealthCheckId: str) -> dict[str, Any]:
    """A check."""
    return {"HealthCheck": told_check(await _find(call.state, HealthCheckId))}


@route53.operation
async def get_health_check_count(call: Call) -> dict[str, Any]:
    """How many checks the account has."""
    return {"HealthCheckCount": len(await _all(call.state))}


@transactional
async def _all(tx: Transaction) -> list[HealthCheck]:
    return await health_checks.list(tx)


@route53.operation
async def list_health_checks(call: Call, Marker: str | None = None, MaxItems: str | None = None) -> dict[str, Any]:
    """The account's checks by their ids."""
    limit = size(MaxItems)
    left = [one for one in await _all(call.state) if one.id >= (Marker or "")]
    answer = {
        "HealthChecks": [told_check(one) for one in left[:limit]],
        "Marker": Marker or "",
        "IsTruncated": len(left) > limit,
        "MaxItems": str(limit),
    }
    if len(left) > limit:
        answer["NextMarker"] = left[limit].id
    return answer


@route53.operation
async def update_health_check(
    call: Call,
    HealthCheckId: str,
    HealthCheckVersion: int | None = None,
    ResetElements: list[str] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Change settings of a check; its type and interval stay."""
    changed = await _update(call.state, HealthCheckId, HealthCheckVersion, ResetElements or [], given)
    call.part(Observations).forget(changed.id)
    return {"HealthCheck": told_check(changed)}


@transactional
async def _update(
    tx: Transaction, check_id: str, version: int | None, reset: list[str], given: dict[str, Any]
) -> HealthCheck:
    found = await _find(tx, check_id)
    if version is not None and version != found.version:
        raise aws_error(
            "HealthCheckVersionMismatch", f"The version of {check_id} is {found.version}, not {version}.", status=409
        )
    changed = replace(found, config=updated_config(found.config, given, reset), version=found.version + 1)
    await health_checks.put(tx, changed)
    schedule(tx, changed)
    return changed


@route53.operation
async def delete_health_check(call: Call, HealthCheckId: str) -> None:
    """Delete a check; record sets that name it go on as if it were healthy."""
    await _delete(call.state, HealthCheckId)
    call.part(Observations).forget(HealthCheckId)


@transactional
async def _delete(tx: Transaction, check_id: str) -> None:
    await _find(tx, check_id)
    for one in await health_checks.list(tx):
        if check_id in one.config.get("ChildHealthChecks", ()):
            raise aws_error("HealthCheckInUse", f"The health check {check_id} is a child of {one.id}.")
    await health_checks.delete(tx, check_id)
    schedule(tx, None, check_id)


@route53.operation
async def get_health_check_status(call: Call, HealthCheckId: str) -> dict[str, Any]:
    """What the checker saw last; nothing before its first look."""
    await _find(call.state, HealthCheckId)
    return {"HealthCheckObservations": _told(call.part(Observations).last.get(HealthCheckId))}


@route53.operation
async def get_health_check_last_failure_reason(call: Call, HealthCheckId: str) -> dict[str, Any]:
    """What the checker saw when it failed last."""
    await _find(call.state, HealthCheckId)
    return {"HealthCheckObservations": _told(call.part(Observations).failed.get(HealthCheckId))}


def _told(seen: Observation | None) -> list[dict[str, Any]]:
    if seen is None:
        return []
    status = f"{'Success' if seen.well else 'Failure'}: {seen.text}"
    report = {"Status": status, "CheckedTime": seen.when}
    return [{"Region": _REGION, "IPAddress": _CHECKER, "StatusReport": report}]


@route53.operation
async def get_checker_ip_ranges(call: Call) -> dict[str, Any]:
    """Where checks come from."""
    return {"CheckerIpRanges": [f"{_CHECKER}/32"]}
