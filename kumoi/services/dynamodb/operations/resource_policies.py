"""PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy, for tables and streams."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.records import streams, tables
from kumoi.services.dynamodb.resource_policies import ResourcePolicy, check_document, no_policy, policies, put_policy
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error


@dynamodb.operation
async def put_resource_policy(
    call: Call,
    ResourceArn: str,
    Policy: str,
    ExpectedRevisionId: str | None = None,
    ConfirmRemoveSelfResourceAccess: bool = False,
) -> dict[str, str]:
    """Attach a policy, in place of what is there; it is in force with the next call."""
    arn = _resource(ResourceArn)
    check_document(Policy)
    return {"RevisionId": await _put(_place(call, arn), arn, Policy, ExpectedRevisionId)}


@dynamodb.operation
async def get_resource_policy(call: Call, ResourceArn: str) -> dict[str, str]:
    """The policy of a table or stream."""
    arn = _resource(ResourceArn)
    found = await _get(_place(call, arn), arn)
    return {"Policy": found.document, "RevisionId": found.revision}


@dynamodb.operation
async def delete_resource_policy(
    call: Call, ResourceArn: str, ExpectedRevisionId: str | None = None
) -> dict[str, str] | None:
    """Detach a policy; without one nothing happens, unless a revision is expected."""
    arn = _resource(ResourceArn)
    revision = await _delete(_place(call, arn), arn, ExpectedRevisionId)
    return None if revision is None else {"RevisionId": revision}


def _resource(ResourceArn: str) -> Arn:
    try:
        arn = Arn.parse(ResourceArn)
    except ValueError:
        raise _no_arn(ResourceArn) from None
    parts = arn.resource.split("/")
    if (
        arn.service != "dynamodb"
        or parts[0] != "table"
        or len(parts) not in (2, 4)
        or parts[2:3] not in ([], ["stream"])
    ):
        raise _no_arn(ResourceArn)
    return arn


def _no_arn(text: str) -> Exception:
    return invalid(f"Invalid ResourceArn: {text} is the ARN of neither a table nor a stream")


def _place(call: Call, arn: Arn) -> State:
    if arn.region != call.region:
        raise _not_there(arn)
    return call.doorway.state.at(arn.account, arn.region)


def _not_there(arn: Arn) -> Exception:
    return aws_error("ResourceNotFoundException", f"Requested resource not found: ResourceArn: {arn} not found")


async def _check(tx: Transaction, arn: Arn) -> None:
    parts = arn.resource.split("/")
    found = await tables.get(tx, parts[1]) if len(parts) == 2 else await streams.get(tx, parts[1], parts[3])
    if found is None:
        raise _not_there(arn)


@transactional
async def _put(tx: Transaction, arn: Arn, document: str, expected: str | None) -> str:
    await _check(tx, arn)
    return await put_policy(tx, str(arn), document, expected)


@transactional
async def _get(tx: Transaction, arn: Arn) -> ResourcePolicy:
    await _check(tx, arn)
    found = await policies.get(tx, str(arn))
    if found is None:
        raise no_policy(str(arn))
    return found


@transactional
async def _delete(tx: Transaction, arn: Arn, expected: str | None) -> str | None:
    await _check(tx, arn)
    found = await policies.get(tx, str(arn))
    if expected is not None and (found is None or found.revision != expected):
        raise no_policy(str(arn))
    if found is None:
        return None
    await policies.delete(tx, str(arn))
    return found.revision
