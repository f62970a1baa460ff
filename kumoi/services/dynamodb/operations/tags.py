"""TagResource, UntagResource and ListTagsOfResource, for tables."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.dynamodb import dynamodb
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.operations.tables import MOST_TAGS
from kumoi.services.dynamodb.records import Table, tables
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

PAGE = 10


@dynamodb.operation
async def tag_resource(call: Call, ResourceArn: str, Tags: list[dict[str, str]]) -> None:
    """Add tags to a table, replacing those of the same key."""
    if not Tags:
        raise invalid("Atleast one Tag needs to be provided as Input.")
    await _change(call.state, _tagged(call, ResourceArn), {tag["Key"]: tag["Value"] for tag in Tags}, ())


@dynamodb.operation
async def untag_resource(call: Call, ResourceArn: str, TagKeys: list[str]) -> None:
    """Remove tags from a table."""
    if not TagKeys:
        raise invalid("Atleast one Tag Key needs to be provided as Input.")
    await _change(call.state, _tagged(call, ResourceArn), {}, tuple(TagKeys))


@dynamodb.operation
async def list_tags_of_resource(call: Call, ResourceArn: str, NextToken: str | None = None) -> dict[str, Any]:
    """A table's tags, ten a page."""
    table = await _find(call.state, _tagged(call, ResourceArn))
    keys = sorted(key for key in table.tags if NextToken is None or key > NextToken)
    answer: dict[str, Any] = {"Tags": [{"Key": key, "Value": table.tags[key]} for key in keys[:PAGE]]}
    if len(keys) > PAGE:
        answer["NextToken"] = keys[PAGE - 1]
    return answer


def _tagged(call: Call, ResourceArn: str) -> Arn:
    """The ARN of a table of the call's account and region."""
    try:
        arn = Arn.parse(ResourceArn)
    except ValueError:
        raise _invalid_arn(ResourceArn) from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "dynamodb" or kind != "table" or not name or "/" in name:
        raise _invalid_arn(ResourceArn)
    if (arn.account, arn.region) != (call.account, call.region):
        raise _not_there(arn)
    return arn


def _invalid_arn(text: str) -> Exception:
    return invalid(f"Invalid TableArn: Invalid ResourceArn provided as input {text}")


def _not_there(arn: Arn) -> Exception:
    return aws_error("ResourceNotFoundException", f"Requested resource not found: ResourcArn: {arn} not found")


@transactional
async def _find(tx: Transaction, arn: Arn) -> Table:
    table = await tables.get(tx, arn.resource.partition("/")[2])
    if table is None:
        raise _not_there(arn)
    return table


@transactional
async def _change(tx: Transaction, arn: Arn, added: dict[str, str], removed: tuple[str, ...]) -> None:
    table = await _find(tx, arn)
    tags = {key: value for key, value in {**table.tags, **added}.items() if key not in removed}
    if len(tags) > MOST_TAGS:
        raise invalid(f"Too many tags: a table has at most {MOST_TAGS}")
    await tables.put(tx, msgspec.structs.replace(table, tags=tags))
