"""What an action breaks: the faults at the doorway that it is while it runs. Pure.

The errors are those with which each service says so, for the SDKs' retries go by them. What a function says that was
failed is ours: AWS documents none. Networks are another idea (`networks.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from glob import escape
from typing import Any

import orjson

from kumoi.doorway import Fault
from kumoi.doorway.fault_errors import named_error
from kumoi.names import Arn
from kumoi.services.fis.networks import FAILOVER, NETWORKS, REBOOT, cuts
from kumoi.services.fis.records import ActionRun, Experiment
from kumoi.services.fis.rules import invalid
from kumoi.wire.catalog import CATALOG

_API = {
    "aws:fis:inject-api-internal-error": "internal",
    "aws:fis:inject-api-throttle-error": "throttle",
    "aws:fis:inject-api-unavailable-error": "unavailable",
}
DEFAULT_DELAY = 1000.0
"""Milliseconds."""
_STREAMS = {
    "aws:kinesis:stream-provisioned-throughput-exception": (
        "GetRecords",
        "GetShardIterator",
        "PutRecord",
        "PutRecords",
    ),
    "aws:kinesis:stream-expired-iterator-exception": ("GetRecords",),
}
_EVENT_SOURCES = {"GetRecords": "AwaitRecords"}
"""How event sources ask for the same."""


def faults_of(account: str, region: str, experiment: Experiment, action: ActionRun) -> list[Fault]:
    """The faults of an action; AwsError where it breaks what there is none of."""
    given = action.definition.get("parameters") or {}
    kind = action.definition["actionId"]
    prefix = fault_prefix(experiment.id) + action.name
    scopes: list[dict[str, Any]]
    if kind in _API:
        struck = _api_faults(kind, given)
        scopes = [{**_of(arn), "caller": _sessions(arn)} for arn in _targets(experiment, action, "Roles")]
    elif kind.startswith("aws:lambda:invocation-"):
        struck = [_invocation_fault(kind, given, experiment.id)]
        qualifier = _parameters(experiment, action, "Functions").get("functionQualifier", "*")
        scopes = [
            {**_of(arn), "resource": f"{Arn.parse(arn).resource.split(':')[1]}:{qualifier}"}
            for arn in _targets(experiment, action, "Functions")
        ]
    elif kind in _STREAMS:
        struck = [{}]
        scopes = [
            {**_of(arn), **fault}
            for arn in _targets(experiment, action, "KinesisStreams")
            for fault in _stream_faults(kind, given, arn)
        ]
    elif kind == "aws:dynamodb:global-table-pause-replication":
        struck = [{"action": "drop", "service": "dynamodb", "operation": "Replicate"}]
        tables = _targets(experiment, action, "Tables")
        scopes = [{**_of(arn), "resource": arn.rpartition("/")[2]} for arn in tables]
    elif kind == "aws:s3:bucket-pause-replication":
        struck = [{"action": "drop", "service": "s3", "operation": "Replicate", "region": given["region"]}]
        place = {"account": "*"} if experiment.accounts else {}  # the name of a bucket is nobody else's
        scopes = [
            {**place, **fault}
            for arn in _targets(experiment, action, "Buckets")
            for fault in _pauses(given, Arn.parse(arn).resource)
        ]
    elif kind in (FAILOVER, REBOOT):
        struck, scopes = [_OUTAGE], [_cluster(name) for name in action.clusters]
    elif kind in NETWORKS:
        struck, scopes = [{}], list(cuts(kind, given, region, action.cut))
    else:
        return []
    home: dict[str, Any] = {"account": account, "region": region}
    return [
        Fault(**{**home, **one, **scope}, id=f"{prefix}:{number}:{index}")
        for number, scope in enumerate(scopes)
        for index, one in enumerate(struck)
    ]


def _of(arn: str) -> dict[str, str]:
    """The account that a resource is of."""
    return {"account": Arn.parse(arn).account}


def _cluster(named: str) -> dict[str, str]:
    account, _, name = named.rpartition(":")
    return {"resource": name, **({"account": account} if account else {})}


def fault_prefix(experiment_id: str) -> str:
    """What the ids of an experiment's faults begin with."""
    return f"fis:{experiment_id}:"


def _api_faults(kind: str, given: dict[str, str]) -> list[dict[str, Any]]:
    named = given["service"]
    service = next((one.name for one in CATALOG if named in (one.name, one.signing, one.endpoint)), None)
    if service is None:
        raise invalid(f"Kumoi knows no service {named}.")
    error = named_error(_API[kind], service)
    operations = _listed(given["operations"])
    return [
        {
            "action": "fail",
            "service": service,
            "operation": operation,
            "probability": int(given["percentage"]) / 100,
            "error": error.code,
            "status": error.status,
            "message": error.message,
        }
        for operation in operations
    ]


def _stream_faults(kind: str, given: dict[str, str], stream_arn: str) -> Iterator[dict[str, Any]]:
    stream = Arn.parse(stream_arn)
    name = stream.resource.removeprefix("stream/")
    if kind == "aws:kinesis:stream-expired-iterator-exception":
        error, message = "ExpiredIteratorException", "Iterator expired."
    else:
        error = "ProvisionedThroughputExceededException"
        message = f"Rate exceeded for stream {name} under account {stream.account}."
    for asked in _STREAMS[kind]:
        for operation in filter(None, (asked, _EVENT_SOURCES.get(asked))):
            yield {
                "action": "fail",
                "service": "kinesis",
                "operation": operation,
                "resource": name,
                "probability": int(given["percentage"]) / 100,
                "error": error,
                "message": message,
            }


def _pauses(given: dict[str, str], bucket: str) -> Iterator[dict[str, Any]]:
    """What keeps versions of a bucket's from their destinations: all, or those of some buckets and prefixes."""
    destinations = [escape(one) for one in _listed(given.get("destinationBuckets"))] or ["*"]
    prefixes = [escape(one) for one in _listed(given.get("prefixes"))] or [""]
    for destination in destinations:
        for prefix in prefixes:
            yield {"source": f"s3:{bucket}", "resource": f"{destination}/{prefix}*"}


def _listed(text: str | None) -> list[str]:
    """The parts of a parameter that are separated by commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


_OUTAGE = {
    "action": "fail",
    "service": "rds-data",
    "error": "DatabaseUnavailableException",
    "status": 504,
    "message": "The writer instance in the DB cluster isn't available.",
}


def _invocation_fault(kind: str, given: dict[str, str], experiment_id: str) -> dict[str, Any]:
    fault: dict[str, Any] = {
        "point": "run",
        "service": "lambda",
        "probability": int(given.get("invocationPercentage", "100")) / 100,
    }
    if kind == "aws:lambda:invocation-add-delay":
        return fault | {"action": "delay", "delay_ms": float(given.get("startupDelayMilliseconds", DEFAULT_DELAY))}
    fault["phase"] = "before" if given.get("preventExecution") == "true" else "after"
    if kind == "aws:lambda:invocation-error":
        message = f"Failed by the AWS FIS experiment {experiment_id}."
        return fault | {"action": "fail", "error": "FaultInjected", "message": message}
    answer = {
        "statusCode": int(given.get("statusCode", "500")),
        "headers": {"Content-Type": given["contentTypeHeader"]},
        "body": "",
    }
    return fault | {"action": "answer", "payload": orjson.dumps(answer).decode()}


def _targets(experiment: Experiment, action: ActionRun, role: str) -> list[str]:
    name = (action.definition.get("targets") or {}).get(role)
    return (experiment.resolved or {}).get(str(name), [])


def _parameters(experiment: Experiment, action: ActionRun, role: str) -> dict[str, str]:
    name = (action.definition.get("targets") or {}).get(role)
    return experiment.template.targets[str(name)].get("parameters") or {}


def _sessions(role_arn: str) -> str:
    """The ARNs that a role calls under."""
    role = Arn.parse(role_arn)
    return f"arn:{role.partition}:sts::{role.account}:assumed-role/{role.resource.rpartition('/')[2]}/*"
