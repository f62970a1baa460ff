"""What roles and users have in common: inline policies and attached managed policies."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from kumoi.services.iam.records import Role, User, policies
from kumoi.services.iam.rules import check_document, no_such, page, quoted
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

HolderT = TypeVar("HolderT", Role, User)


def with_inline(holder: HolderT, name: str, document: str) -> HolderT:
    """The holder with an inline policy added or replaced."""
    return msgspec.structs.replace(holder, inline={**holder.inline, name: check_document(document)})


def without_inline(holder: HolderT, what: str, name: str) -> HolderT:
    """The holder without an inline policy; NoSuchEntity when it has none of that name."""
    inline_document(holder, what, name)
    return msgspec.structs.replace(
        holder, inline={policy: document for policy, document in holder.inline.items() if policy != name}
    )


def inline_document(holder: Role | User, what: str, name: str) -> str:
    """An inline policy's document, percent-encoded."""
    if name not in holder.inline:
        raise aws_error("NoSuchEntity", f"The {what} policy with name {name} cannot be found.", status=404)
    return quoted(holder.inline[name])


async def with_attached(tx: Transaction, holder: HolderT, policy_arn: str) -> HolderT:
    """The holder with a managed policy attached. AWS's own policies (`arn:aws:iam::aws:policy/…`) are taken by name."""
    if not policy_arn.startswith("arn:") or ":policy/" not in policy_arn:
        raise aws_error("InvalidInput", f"ARN {policy_arn} is not valid.")
    if "::aws:policy/" not in policy_arn and await policies.get(tx, policy_arn) is None:
        raise no_such("policy", policy_arn)
    if policy_arn in holder.attached:
        return holder
    return msgspec.structs.replace(holder, attached=(*holder.attached, policy_arn))


def without_attached(holder: HolderT, policy_arn: str) -> HolderT:
    """The holder with a managed policy detached; NoSuchEntity when it was not attached."""
    if policy_arn not in holder.attached:
        raise aws_error("NoSuchEntity", f"Policy {policy_arn} was not found.", status=404)
    return msgspec.structs.replace(holder, attached=tuple(arn for arn in holder.attached if arn != policy_arn))


def attached_page(holder: Role | User, path_prefix: str, marker: str | None, max_items: int | None) -> dict[str, Any]:
    """AttachedPolicies of a List operation."""
    arns = [arn for arn in holder.attached if arn.partition(":policy")[2].startswith(path_prefix)]
    found, more = page(arns, str, marker, max_items)
    return {"AttachedPolicies": [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in found], **more}


def inline_page(holder: Role | User, marker: str | None, max_items: int | None) -> dict[str, Any]:
    """PolicyNames of a List operation."""
    found, more = page(list(holder.inline), str, marker, max_items)
    return {"PolicyNames": found, **more}


def check_bare(holder: Role | User) -> None:
    """Raise DeleteConflict while policies are attached or inline: IAM wants them removed first."""
    if holder.attached:
        raise aws_error("DeleteConflict", "Cannot delete entity, must detach all policies first.", status=409)
    if holder.inline:
        raise aws_error("DeleteConflict", "Cannot delete entity, must delete policies first.", status=409)
