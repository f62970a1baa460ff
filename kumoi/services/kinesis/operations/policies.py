"""Resource policies of streams and consumers: kept and told."""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.kinesis import kinesis
from kumoi.services.kinesis.errors import invalid
from kumoi.services.kinesis.lookup import StreamName as Name
from kumoi.services.kinesis.lookup import consumer_of
from kumoi.services.kinesis.records import Policy, policies
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@kinesis.operation
async def put_resource_policy(call: Call, ResourceARN: str, Policy: str) -> None:
    """Keep a policy."""
    name = Name.of_arn(ResourceARN)
    try:
        statements = orjson.loads(Policy)
    except orjson.JSONDecodeError:
        statements = None
    if not isinstance(statements, dict) or "Statement" not in statements:
        raise invalid("The policy is not valid: it must be a JSON object with a Statement.")
    await _put(name.state(call), name, ResourceARN, Policy)


@kinesis.operation
async def get_resource_policy(call: Call, ResourceARN: str) -> dict[str, Any]:
    """The policy of a stream or consumer."""
    name = Name.of_arn(ResourceARN)
    return {"Policy": (await _get(name.state(call), name, ResourceARN)).document}


@kinesis.operation
async def delete_resource_policy(call: Call, ResourceARN: str) -> None:
    """Forget the policy of a stream or consumer."""
    name = Name.of_arn(ResourceARN)
    await _delete(name.state(call), name, ResourceARN)


async def _check(tx: Transaction, name: Name, arn: str) -> None:
    await name.get(tx)
    if "/consumer/" in arn:
        await consumer_of(tx, None, None, arn)


@transactional
async def _put(tx: Transaction, name: Name, arn: str, document: str) -> None:
    await _check(tx, name, arn)
    await policies.put(tx, Policy(arn, document))


@transactional
async def _get(tx: Transaction, name: Name, arn: str) -> Policy:
    await _check(tx, name, arn)
    found = await policies.get(tx, arn)
    if found is None:
        raise aws_error("ResourceNotFoundException", f"No resource policy found for resource ARN {arn}.")
    return found


@transactional
async def _delete(tx: Transaction, name: Name, arn: str) -> None:
    await _get(tx, name, arn)
    await policies.delete(tx, arn)
