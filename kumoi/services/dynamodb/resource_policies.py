"""The resource policies of tables and of their streams, each under its resource's ARN.

Source: "Using resource-based policies for DynamoDB" of the developer guide.
"""

from __future__ import annotations

import msgspec

from kumoi.policy import PolicyError, compile_policy
from kumoi.services.dynamodb.describe import table_arn
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.records import Table
from kumoi.state import Transaction
from kumoi.state.space import Space
from kumoi.wire.errors import AwsError, aws_error

MOST_BYTES = 20 * 1024
NO_POLICY = "NO_POLICY"
"""The ExpectedRevisionId of a policy that must not be there yet."""


class ResourcePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as it was given; `revision` differs with each change."""

    resource: str
    document: str
    revision: str


policies: Space[ResourcePolicy] = Space(
    "dynamodb.policy", ResourcePolicy, lambda policy: (policy.resource,), remembered=True
)


def check_document(document: str) -> None:
    """ValidationException for what is no resource policy."""
    if len(document.encode()) > MOST_BYTES:
        raise invalid(f"Resource policy is too large: it has at most {MOST_BYTES} bytes")
    try:
        compile_policy(document, "resource")
    except PolicyError as error:
        raise invalid(f"Invalid policy document: {error}") from None


def no_policy(resource: str) -> AwsError:
    """What is said where there is no policy, or another revision of it."""
    return aws_error(
        "PolicyNotFoundException", f"Resource-based policy not found for the provided ResourceArn: {resource}"
    )


async def put_policy(tx: Transaction, resource: str, document: str, expected: str | None) -> str:
    """Store a policy in place of what is there, of the revision that is expected (None: any); its revision."""
    before = await policies.get(tx, resource)
    if expected is not None and expected != (NO_POLICY if before is None else before.revision):
        raise no_policy(resource)
    if before is not None and before.document == document:
        return before.revision
    revision = str(max(int(tx.now * 1000), 0 if before is None else int(before.revision) + 1))
    await policies.put(tx, ResourcePolicy(resource=resource, document=document, revision=revision))
    return revision


def stream_arn(tx: Transaction, table: Table) -> str:
    """The ARN of a table's latest stream."""
    return f"{table_arn(tx.account, tx.region, table.name)}/stream/{table.stream_label}"
