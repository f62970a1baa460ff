"""What roles, users and groups have in common: inline policies, attached managed policies, permissions boundaries."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kumoi.services.iam.records import Group, Holder, Role, User, policies
from kumoi.services.iam.rules import check_document, no_such, page, quota_exceeded, quoted, size_of
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

HolderT = TypeVar("HolderT", Role, User, Group)
BoundedT = TypeVar("BoundedT", Role, User)

MAX_ATTACHED = 10
MAX_INLINE = {"Role": 10_240, "User": 2048, "Group": 5120}
"""How large the inline policies of one holder may be together, in characters without white space."""


def with_inline(holder: HolderT, name: str, document: str) -> HolderT:
    """The holder with an inline policy added or replaced."""
    inline = {**holder.inline, name: check_document(document)}
    kind = type(holder).__name__
    if sum(map(size_of, inline.values())) > MAX_INLINE[kind]:
        raise aws_error(
            "LimitExceeded",
            f"Maximum policy size of {MAX_INLINE[kind]} bytes exceeded for {kind.lower()} {holder.name}",
            status=409,
        )
    return msgspec.structs.replace(holder, inline=inline)


def without_inline(holder: HolderT, what: str, name: str) -> HolderT:
    """The holder without an inline policy; NoSuchEntity when it has none of that name."""
    inline_document(holder, what, name)
    return msgspec.structs.replace(
        holder, inline={policy: document for policy, document in holder.inline.items() if policy != name}
    )


def inline_document(holder: Holder, what: str, name: str) -> str:
    """An inline policy's document, percent-encoded."""
    if name not in holder.inline:
        raise aws_error("NoSuchEntity", f"The {what} policy with name {name} cannot be found.", status=404)
    return quoted(holder.inline[name])


async def check_policy(tx: Transaction, policy_arn: str) -> None:
    """Raise when there is no such managed policy. AWS's own (`arn:aws:iam::aws:policy/…`) are taken by name."""
    if not policy_arn.startswith("arn:") or ":policy/" not in policy_arn:
        raise aws_error("InvalidInput", f"ARN {policy_arn} is not valid.")
    if "::aws:policy/" not in policy_arn and await policies.get(tx, policy_arn) is None:
        raise no_such("policy", policy_arn)


async def with_attached(tx: Transaction, holder: HolderT, policy_arn: str) -> HolderT:
    """The holder with a managed policy attached."""
    await check_policy(tx, policy_arn)
    if policy_arn in holder.attached:
        return holder
    if len(holder.attached) >= MAX_ATTACHED:
        raise quota_exceeded(f"PoliciesPer{type(holder).__name__}", MAX_ATTACHED)
    return msgspec.structs.replace(holder, attached=(*holder.attached, policy_arn))


def without_attached(holder: HolderT, policy_arn: str) -> HolderT:
    """The holder with a managed policy detached; NoSuchEntity when it was not attached."""
    if policy_arn not in holder.attached:
        raise aws_error("NoSuchEntity", f"Policy {policy_arn} was not found.", status=404)
    return msgspec.structs.replace(holder, attached=tuple(arn for arn in holder.attached if arn != policy_arn))


async def with_boundary(tx: Transaction, holder: BoundedT, policy_arn: str) -> BoundedT:
    """The holder with a permissions boundary."""
    await check_policy(tx, policy_arn)
    return msgspec.structs.replace(holder, boundary=policy_arn)


def without_boundary(holder: BoundedT) -> BoundedT:
    """The holder without its permissions boundary; NoSuchEntity when it had none."""
    if holder.boundary is None:
        kind = type(holder).__name__
        raise aws_error("NoSuchEntity", f"{kind} {holder.name} does not have a permissions boundary.", status=404)
    return msgspec.structs.replace(holder, boundary=None)


def attached_list(holder: Holder) -> list[dict[str, str]]:
    """The attached policies by name and ARN."""
    return [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in holder.attached]


def attached_page(holder: Holder, path_prefix: str, marker: str | None, max_items: int | None) -> dict[str, Any]:
    """AttachedPolicies of a List operation."""
    below = [one for one in attached_list(holder) if one["PolicyArn"].partition(":policy")[2].startswith(path_prefix)]
    found, more = page(below, lambda one: one["PolicyArn"], marker, max_items)
    return {"AttachedPolicies": found, **more}


def inline_list(holder: Holder) -> list[dict[str, str]]:
    """The inline policies with their documents."""
    return [{"PolicyName": name, "PolicyDocument": quoted(text)} for name, text in holder.inline.items()]


def inline_page(holder: Holder, marker: str | None, max_items: int | None) -> dict[str, Any]:
    """PolicyNames of a List operation."""
    found, more = page(list(holder.inline), str, marker, max_items)
    return {"PolicyNames": found, **more}


def boundary_of(holder: Role | User) -> dict[str, Any]:
    """The PermissionsBoundary member, where there is one."""
    if holder.boundary is None:
        return {}
    return {
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": holder.boundary,
        }
    }


def check_bare(holder: Holder) -> None:
    """Raise DeleteConflict while policies are attached or inline: IAM wants them removed first."""
    if holder.attached:
        raise aws_error("DeleteConflict", "Cannot delete entity, must detach all policies first.", status=409)
    if holder.inline:
        raise aws_error("DeleteConflict", "Cannot delete entity, must delete policies first.", status=409)
