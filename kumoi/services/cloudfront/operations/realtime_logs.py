"""Real-time log configurations, and the subscription to additional metrics."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration import reading
from kumoi.services.cloudfront.describing import summary
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.edge.log_entry import REALTIME_FIELDS
from kumoi.services.cloudfront.errors import invalid
from kumoi.services.cloudfront.lookup import all_distributions, find_distribution
from kumoi.services.cloudfront.naming import cloudfront_arn
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import RealtimeLog, distributions, realtime_logs
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@cloudfront.operation
async def create_realtime_log_config(
    call: Call, EndPoints: list[dict[str, Any]], Fields: list[str], Name: str, SamplingRate: int
) -> dict[str, Any]:
    """Create a configuration: these fields of so many percent of the requests go to these Kinesis streams."""
    fresh = _checked(Name, EndPoints, Fields, SamplingRate)
    await _create(call.state, fresh)
    return {"RealtimeLogConfig": _told(call, fresh)}


@cloudfront.operation
async def get_realtime_log_config(call: Call, Name: str | None = None, ARN: str | None = None) -> dict[str, Any]:
    """A configuration, by its name or its ARN."""
    return {"RealtimeLogConfig": _told(call, await _find(call.state, _named(call, Name, ARN)))}


@cloudfront.operation
async def update_realtime_log_config(
    call: Call,
    EndPoints: list[dict[str, Any]] | None = None,
    Fields: list[str] | None = None,
    Name: str | None = None,
    ARN: str | None = None,
    SamplingRate: int | None = None,
) -> dict[str, Any]:
    """Change a configuration: all three of its parts have to be given."""
    if EndPoints is None or Fields is None or SamplingRate is None:
        raise invalid("The parameters EndPoints, Fields and SamplingRate must be given.")
    changed = _checked(_named(call, Name, ARN), EndPoints, Fields, SamplingRate)
    await _replace(call.state, changed)
    call.part(Deployments).forget(call.account)
    return {"RealtimeLogConfig": _told(call, changed)}


@cloudfront.operation
async def delete_realtime_log_config(call: Call, Name: str | None = None, ARN: str | None = None) -> None:
    """Delete a configuration that no distribution uses."""
    name = _named(call, Name, ARN)
    await _delete(call.state, name, _arn(call.account, name))


@cloudfront.operation
async def list_realtime_log_configs(
    call: Call, MaxItems: str | None = None, Marker: str | None = None
) -> dict[str, Any]:
    """The account's configurations."""
    found = await _all(call.state)
    listed = page(found, lambda one: one.name, lambda one: _told(call, one), Marker, MaxItems)
    del listed["Quantity"]
    return {"RealtimeLogConfigs": listed}


@cloudfront.operation
async def list_distributions_by_realtime_log_config(
    call: Call,
    Marker: str | None = None,
    MaxItems: str | None = None,
    RealtimeLogConfigName: str | None = None,
    RealtimeLogConfigArn: str | None = None,
) -> dict[str, Any]:
    """The distributions that use a configuration."""
    arn = _arn(call.account, _named(call, RealtimeLogConfigName, RealtimeLogConfigArn))
    found = [
        one for one in await all_distributions(call.state) if arn in reading.uses(one.config, "RealtimeLogConfigArn")
    ]
    listed = page(found, lambda one: one.id, lambda one: summary(call, one), Marker, MaxItems)
    return {"DistributionList": listed}


@cloudfront.operation
async def create_monitoring_subscription(
    call: Call, DistributionId: str, MonitoringSubscription: dict[str, Any]
) -> dict[str, Any]:
    """Have additional metrics of a distribution: its cache hit rate and the latency of its origins."""
    await _subscribe(call.state, DistributionId, MonitoringSubscription)
    call.part(Deployments).forget(call.account)
    return {"MonitoringSubscription": MonitoringSubscription}


@cloudfront.operation
async def get_monitoring_subscription(call: Call, DistributionId: str) -> dict[str, Any]:
    """Whether a distribution has additional metrics."""
    found = await find_distribution(call.state, DistributionId)
    if found.monitoring is None:
        raise _no_subscription()
    return {"MonitoringSubscription": found.monitoring}


@cloudfront.operation
async def delete_monitoring_subscription(call: Call, DistributionId: str) -> dict[str, Any]:
    """Do without additional metrics."""
    found = await find_distribution(call.state, DistributionId)
    if found.monitoring is None:
        raise _no_subscription()
    await _subscribe(call.state, DistributionId, None)
    call.part(Deployments).forget(call.account)
    return {}


def _no_subscription() -> Exception:
    return aws_error(
        "NoSuchMonitoringSubscription",
        "A monitoring subscription does not exist for the specified distribution.",
        status=404,
    )


def _checked(name: str, endpoints: list[dict[str, Any]], fields: list[str], rate: int) -> RealtimeLog:
    if not 1 <= rate <= 100:
        raise invalid("The parameter SamplingRate must be from 1 to 100.")
    unknown = [field for field in fields if field not in REALTIME_FIELDS]
    if not fields or unknown:
        raise invalid(f"The parameter Fields is empty or holds unknown fields: {', '.join(unknown)}")
    if not endpoints or any("KinesisStreamConfig" not in one for one in endpoints):
        raise invalid("The parameter EndPoints must name at least one Kinesis stream.")
    return RealtimeLog(name=name, fields=tuple(fields), rate=rate, endpoints=tuple(endpoints))


def _arn(account: str, name: str) -> str:
    return cloudfront_arn(account, f"realtime-log-config/{name}")


def _named(call: Call, name: str | None, arn: str | None) -> str:
    if name:
        return name
    if not arn or not arn.startswith(_arn(call.account, "")):
        raise _missing()
    return arn.rpartition("/")[2]


def _told(call: Call, one: RealtimeLog) -> dict[str, Any]:
    return {
        "ARN": _arn(call.account, one.name),
        "Name": one.name,
        "SamplingRate": one.rate,
        "EndPoints": list(one.endpoints),
        "Fields": list(one.fields),
    }


def _missing() -> Exception:
    return aws_error("NoSuchRealtimeLogConfig", "The real-time log configuration does not exist.", status=404)


@transactional
async def _find(tx: Transaction, name: str) -> RealtimeLog:
    found = await realtime_logs.get(tx, name)
    if found is None:
        raise _missing()
    return found


@transactional
async def _all(tx: Transaction) -> list[RealtimeLog]:
    return await realtime_logs.list(tx)


@transactional
async def _create(tx: Transaction, fresh: RealtimeLog) -> None:
    if await realtime_logs.get(tx, fresh.name) is not None:
        raise aws_error(
            "RealtimeLogConfigAlreadyExists",
            "A real-time log configuration with this name already exists.",
            status=409,
        )
    await realtime_logs.put(tx, fresh)


@transactional
async def _replace(tx: Transaction, changed: RealtimeLog) -> None:
    await _find(tx, changed.name)
    await realtime_logs.put(tx, changed)


@transactional
async def _delete(tx: Transaction, name: str, arn: str) -> None:
    await _find(tx, name)
    for one in await all_distributions(tx):
        if arn in reading.uses(one.config, "RealtimeLogConfigArn"):
            raise aws_error(
                "RealtimeLogConfigInUse",
                "Cannot delete the real-time log configuration because it is attached to one or more cache behaviors.",
                status=400,
            )
    await realtime_logs.delete(tx, name)


@transactional
async def _subscribe(tx: Transaction, id: str, subscription: dict[str, Any] | None) -> None:
    found = await find_distribution(tx, id)
    if subscription is not None and found.monitoring is not None:
        raise aws_error(
            "MonitoringSubscriptionAlreadyExists",
            "A monitoring subscription already exists for the specified distribution.",
            status=409,
        )
    await distributions.put(tx, msgspec.structs.replace(found, monitoring=subscription))
