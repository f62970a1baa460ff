"""Settings of an account: encryption, where spans go, what is indexed.

They are kept as they are set. Segments lie in the platform's own files either way: `KMS` encrypts nothing here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.xray import xray
from kumoi.services.xray.answers import invalid
from kumoi.services.xray.records import Settings, settings
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

INDEXING_RULE = "Default"


@transactional
async def _settings(tx: Transaction) -> Settings:
    return await settings.get(tx) or Settings()


async def spans_go_to_logs(state: State) -> bool:
    """Whether spans are written to CloudWatch Logs, too."""
    return (await _settings(state)).destination == "CloudWatchLogs"


@transactional
async def _change(tx: Transaction, changes: dict[str, Any]) -> Settings:
    found = msgspec.structs.replace(await settings.get(tx) or Settings(), **changes)
    await settings.put(tx, found)
    return found


@xray.operation
async def put_encryption_config(call: Call, Type: str, KeyId: str | None = None) -> dict[str, Any]:
    """Say which key encrypts traces."""
    if (Type == "KMS") != (KeyId is not None):
        raise invalid("A KeyId is needed with Type KMS, and only there.")
    return _encryption(await _change(call.state, {"encrypted": Type == "KMS", "key_id": KeyId}))


@xray.operation
async def get_encryption_config(call: Call) -> dict[str, Any]:
    """Which key encrypts traces."""
    return _encryption(await _settings(call.state))


def _encryption(found: Settings) -> dict[str, Any]:
    answer = {"Status": "ACTIVE", "Type": "KMS" if found.encrypted else "NONE"}
    if found.key_id is not None:
        answer["KeyId"] = found.key_id
    return {"EncryptionConfig": answer}


@xray.operation
async def update_trace_segment_destination(
    call: Call, Destination: str = "XRay", CloudWatchLogsConfiguration: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Where spans are kept: with CloudWatchLogs, what comes by OTLP is written to the log group `aws/spans`, too."""
    if CloudWatchLogsConfiguration is not None:
        raise aws_error("NotImplemented", "Kumoi does not implement CloudWatchLogsConfiguration: leave it out.")
    found = await _change(call.state, {"destination": Destination})
    return {"Destination": found.destination, "Status": "ACTIVE"}


@xray.operation
async def get_trace_segment_destination(call: Call) -> dict[str, Any]:
    """Where spans are kept."""
    return {"Destination": (await _settings(call.state)).destination, "Status": "ACTIVE"}


@xray.operation
async def get_indexing_rules(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """The one indexing rule there is."""
    if NextToken is not None:
        raise invalid("Invalid NextToken.")
    return {"IndexingRules": [_indexing(await _settings(call.state))]}


@xray.operation
async def update_indexing_rule(call: Call, Name: str, Rule: dict[str, Any]) -> dict[str, Any]:
    """Say which share of spans is indexed as trace summaries; here all are, whatever it says."""
    if Name != INDEXING_RULE:
        raise aws_error("ResourceNotFoundException", f"Indexing rule {Name} does not exist.", ResourceName=Name)
    if "Probabilistic" not in Rule:
        raise invalid("An indexing rule must be Probabilistic.")
    share = Rule["Probabilistic"]["DesiredSamplingPercentage"]
    if not 0 <= share <= 100:
        raise invalid("DesiredSamplingPercentage must be between 0 and 100.")
    return {"IndexingRule": _indexing(await _change(call.state, {"indexed": share, "indexing_modified": call.now}))}


def _indexing(found: Settings) -> dict[str, Any]:
    shares = {"DesiredSamplingPercentage": found.indexed, "ActualSamplingPercentage": 100.0}
    return {"Name": INDEXING_RULE, "ModifiedAt": found.indexing_modified, "Rule": {"Probabilistic": shares}}
