"""PublishVersion and ListVersionsByFunction: frozen snapshots of `$LATEST`."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.lambda_ import lambda_
from kumoi.services.lambda_.configuration import describe, invalid
from kumoi.services.lambda_.identifiers import FunctionIdentifier, version_number
from kumoi.services.lambda_.operations.find import check_revision, find_head, find_version, identify, latest_only
from kumoi.services.lambda_.records import Function, heads, versions
from kumoi.state import Transaction, transactional


@lambda_.operation
async def publish_version(
    call: Call,
    FunctionName: str,
    CodeSha256: str | None = None,
    Description: str | None = None,
    RevisionId: str | None = None,
) -> dict[str, Any]:
    """Freeze `$LATEST` under the next number; answers the last version when nothing changed since."""
    identifier = identify(call, FunctionName)
    latest_only(identifier)
    published = await _publish(call.state, identifier, CodeSha256, Description, RevisionId)
    return describe(published, call.account, call.region, qualified=True)


@lambda_.operation
async def list_versions_by_function(
    call: Call, FunctionName: str, Marker: str | None = None, MaxItems: int = 50
) -> dict[str, Any]:
    """`$LATEST` and the published versions by number, 50 a page."""
    identifier = identify(call, FunctionName)
    after = None if Marker is None else version_number(Marker)
    if Marker is not None and after is None:
        raise invalid("Invalid Marker: use the NextMarker of an earlier answer.")
    page = min(MaxItems, 50)
    found = await _list(call.state, identifier, after, page + 1)
    answer: dict[str, Any] = {
        "Versions": [describe(function, call.account, call.region, qualified=True) for function in found[:page]]
    }
    if len(found) > page:
        answer["NextMarker"] = found[page - 1].version
    return answer


@transactional
async def _publish(
    tx: Transaction,
    identifier: FunctionIdentifier,
    code_sha256: str | None,
    description: str | None,
    revision_id: str | None,
) -> Function:
    latest = await find_version(tx, identifier)
    check_revision(latest.revision_id, revision_id)
    if code_sha256 is not None and code_sha256 != latest.code.sha256:
        raise invalid(
            f"CodeSHA256 ({code_sha256}) is different from current CodeSHA256 in $LATEST ({latest.code.sha256}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    return await publish(tx, identifier, latest, latest.description if description is None else description)


async def publish(tx: Transaction, identifier: FunctionIdentifier, latest: Function, description: str) -> Function:
    """The version that holds what `latest` is now: the last published one if nothing changed, else a new one."""
    head = await find_head(tx, identifier)
    if head.last_published:
        last = await versions.get(tx, head.name, head.last_published)
        if last is not None and latest.same_as(last):
            return last
    number = head.next_version
    published = msgspec.structs.replace(latest, version=str(number), description=description, revision_id=uuid())
    await versions.put(tx, published)
    await heads.put(tx, msgspec.structs.replace(head, next_version=number + 1, last_published=number))
    return published


@transactional
async def _list(tx: Transaction, identifier: FunctionIdentifier, after: int | None, limit: int) -> list[Function]:
    await find_head(tx, identifier)
    bound = None if after is None else (identifier.name, after)
    return await versions.list(tx, identifier.name, after=bound, limit=limit)
