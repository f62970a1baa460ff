"""Operations that several kinds of things have alike, registered once for each kind.

`tagged` gives a kind its Tag…, Untag… and List…Tags. `holds_policies` gives a role, user or group Put…Policy,
Get…Policy, Delete…Policy, List…Policies, Attach…Policy, Detach…Policy and ListAttached…Policies; `bounded` gives a role
or user Put…PermissionsBoundary and Delete…PermissionsBoundary. A kind is known by how one is found, and how one is
changed in a transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.iam import iam
from kumoi.services.iam.operations.attachments import (
    attached_page,
    inline_document,
    inline_page,
    with_attached,
    with_boundary,
    with_inline,
    without_attached,
    without_boundary,
    without_inline,
)
from kumoi.services.iam.rules import merged_tags, tag_page
from kumoi.state import State, Transaction

Step = Callable[[Transaction, Any], Awaitable[Any]]
"""What becomes of a record."""

Find = Callable[[State, str], Awaitable[Any]]
Change = Callable[[State, str, Step], Awaitable[Any]]


def tagged(kind: str, member: str, find: Find, change: Change) -> None:
    """Let things of a kind, named by `member`, have tags."""

    @iam.operation(name=f"Tag{kind}")
    async def tag(call: Call, **given: Any) -> None:
        async def step(_tx: Transaction, one: Any) -> Any:
            return msgspec.structs.replace(one, tags=merged_tags(one.tags, given["Tags"]))

        await change(call.state, given[member], step)

    @iam.operation(name=f"Untag{kind}")
    async def untag(call: Call, **given: Any) -> None:
        async def step(_tx: Transaction, one: Any) -> Any:
            kept = {key: value for key, value in one.tags.items() if key not in given["TagKeys"]}
            return msgspec.structs.replace(one, tags=kept)

        await change(call.state, given[member], step)

    @iam.operation(name=f"List{kind}Tags")
    async def list_tags(call: Call, **given: Any) -> dict[str, Any]:
        found = await find(call.state, given[member])
        return tag_page(found.tags, given.get("Marker"), given.get("MaxItems"))


def holds_policies(kind: str, find: Find, change: Change) -> None:
    """Let policies hang on things of a kind: inline ones, and attached managed ones."""
    member, what = f"{kind}Name", kind.lower()

    @iam.operation(name=f"Put{kind}Policy")
    async def put(call: Call, **given: Any) -> None:
        async def step(_tx: Transaction, one: Any) -> Any:
            return with_inline(one, given["PolicyName"], given["PolicyDocument"])

        await change(call.state, given[member], step)

    @iam.operation(name=f"Get{kind}Policy")
    async def get(call: Call, **given: Any) -> dict[str, Any]:
        document = inline_document(await find(call.state, given[member]), what, given["PolicyName"])
        return {**given, "PolicyDocument": document}

    @iam.operation(name=f"Delete{kind}Policy")
    async def delete(call: Call, **given: Any) -> None:
        async def step(_tx: Transaction, one: Any) -> Any:
            return without_inline(one, what, given["PolicyName"])

        await change(call.state, given[member], step)

    @iam.operation(name=f"List{kind}Policies")
    async def list_inline(call: Call, **given: Any) -> dict[str, Any]:
        return inline_page(await find(call.state, given[member]), given.get("Marker"), given.get("MaxItems"))

    @iam.operation(name=f"Attach{kind}Policy")
    async def attach(call: Call, **given: Any) -> None:
        async def step(tx: Transaction, one: Any) -> Any:
            return await with_attached(tx, one, given["PolicyArn"])

        await change(call.state, given[member], step)

    @iam.operation(name=f"Detach{kind}Policy")
    async def detach(call: Call, **given: Any) -> None:
        async def step(_tx: Transaction, one: Any) -> Any:
            return without_attached(one, given["PolicyArn"])

        await change(call.state, given[member], step)

    @iam.operation(name=f"ListAttached{kind}Policies")
    async def list_attached(call: Call, **given: Any) -> dict[str, Any]:
        found = await find(call.state, given[member])
        return attached_page(found, given.get("PathPrefix", "/"), given.get("Marker"), given.get("MaxItems"))


def bounded(kind: str, change: Change) -> None:
    """Let things of a kind have a permissions boundary."""
    member = f"{kind}Name"

    @iam.operation(name=f"Put{kind}PermissionsBoundary")
    async def put(call: Call, **given: Any) -> None:
        async def step(tx: Transaction, one: Any) -> Any:
            return await with_boundary(tx, one, given["PermissionsBoundary"])

        await change(call.state, given[member], step)

    @iam.operation(name=f"Delete{kind}PermissionsBoundary")
    async def delete(call: Call, **given: Any) -> None:
        async def step(_tx: Transaction, one: Any) -> Any:
            return without_boundary(one)

        await change(call.state, given[member], step)
