"""PutParameter: create a parameter, or give it a new version."""

from __future__ import annotations

from typing import Any, NamedTuple

from kumoi.doorway import Call
from kumoi.doorway.sealing import Sealer
from kumoi.services.ssm import ssm
from kumoi.services.ssm.allowed_pattern import check_pattern
from kumoi.services.ssm.naming import Reference, check_new_name, invalid
from kumoi.services.ssm.notices import Notices
from kumoi.services.ssm.policies import read_policies, restarted
from kumoi.services.ssm.records import SECURE, Parameter, Policy, Version, key_of, parameters
from kumoi.services.ssm.rules import ADVANCED, DEFAULT_KEY, SIZES, STANDARD, check_tags, check_value, tier_of
from kumoi.services.ssm.store import add_version, context_of, find, reference_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@ssm.operation
async def put_parameter(
    call: Call,
    Name: str,
    Value: str,
    Type: str | None = None,
    Overwrite: bool = False,
    Description: str | None = None,
    KeyId: str | None = None,
    AllowedPattern: str | None = None,
    Tags: list[dict[str, str]] | None = None,
    Tier: str | None = None,
    Policies: str | None = None,
    DataType: str | None = None,
) -> dict[str, Any]:
    """Create a parameter, or with Overwrite a new version of one.

    What a new version does not state (description, pattern, key, policies, tier) is as it was before.
    """
    if Name.strip().startswith("arn:"):
        reference = reference_of(call, Name)
    else:
        reference = Reference((Name.strip(),))
        check_new_name(reference.names[0])
    if Overwrite and Tags:
        raise invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please "
            "remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or "
            "RemoveTagsFromResource."
        )
    tags = {tag["Key"]: tag["Value"] for tag in Tags or ()}
    check_tags(tags)
    before = await find(call.state, reference)
    pattern = AllowedPattern if AllowedPattern is not None or before is None else before.latest.pattern
    if pattern:
        if len(Value.encode()) > SIZES[ADVANCED]:
            check_value(Value, len(Value.encode()), "String", "text", Tier if Tier in SIZES else STANDARD)
        await check_pattern(pattern, Value)
    policies = None if Policies is None else read_policies(Policies, call.now)
    stated = _Stated(
        name=(before.name if before else reference.names[-1]),
        value=Value,
        type=Type,
        overwrite=Overwrite,
        description=Description,
        key_id=KeyId,
        pattern=pattern,
        tier=Tier,
        policies=policies,
        data_type=DataType,
        user=call.caller.arn,
        tags=tags,
    )
    version = await _put(call.state, stated, call.doorway.identity.sealer, call.part(Notices))
    return {"Version": version.number, "Tier": version.tier}


class _Stated(NamedTuple):
    """What a request states of a version; None where it does not."""

    name: str
    value: str
    type: str | None
    overwrite: bool
    description: str | None
    key_id: str | None
    pattern: str | None
    tier: str | None
    policies: tuple[Policy, ...] | None
    data_type: str | None
    user: str
    tags: dict[str, str]


@transactional
async def _put(tx: Transaction, stated: _Stated, sealer: Sealer, notices: Notices) -> Version:
    before = await parameters.get(tx, *key_of(stated.name))
    version = _version(tx, stated, before, sealer)
    await add_version(tx, before, version, stated.tags)
    await notices.changed(tx, version, "Create" if before is None else "Update")
    return version


def _version(tx: Transaction, stated: _Stated, before: Parameter | None, sealer: Sealer) -> Version:
    """The version that a request makes; the errors of one that cannot be."""
    last = None if before is None else before.latest
    if last is None and stated.type is None:
        raise invalid("A parameter type is required when you create a parameter.")
    if last is not None and not stated.overwrite:
        raise aws_error(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        )
    if last is not None and stated.type not in (None, last.type):
        raise aws_error(
            "HierarchyTypeMismatchException",
            f"Parameter Store does not support changing a parameter type: {stated.name} is a {last.type}.",
        )
    if last is not None and stated.pattern != last.pattern and stated.pattern is None:
        raise _meanwhile()
    kind = stated.type or (last.type if last else "")
    if stated.key_id is not None and kind != SECURE:
        raise invalid("KeyId is required for SecureString type parameter only.")
    policies = stated.policies if stated.policies is not None else _anew(last, tx.now)
    size = len(stated.value.encode())
    tier = tier_of(stated.tier, last.tier if last else None, size, policies=bool(policies))
    data_type = stated.data_type or (last.data_type if last else "text")
    check_value(stated.value, size, kind, data_type, tier)
    number = last.number + 1 if last else 1
    value = stated.value.encode()
    if kind == SECURE:
        value = sealer.seal(value, context_of(tx.account, tx.region, stated.name, number))
    return Version(
        name=stated.name,
        number=number,
        type=kind,
        value=value,
        modified=tx.now,
        user=stated.user,
        tier=tier,
        data_type=data_type,
        description=stated.description if stated.description is not None or last is None else last.description,
        key_id=(stated.key_id or (last.key_id if last else None) or DEFAULT_KEY) if kind == SECURE else None,
        pattern=stated.pattern or None,
        policies=policies,
    )


def _anew(last: Version | None, now: float) -> tuple[Policy, ...]:
    """The policies that a new version inherits: what waits for a change waits from now on."""
    if last is None:
        return ()
    return tuple(restarted(policy, now - last.modified) for policy in last.policies)


def _meanwhile() -> AwsError:
    return aws_error(
        "TooManyUpdates", "There are concurrent updates for a resource that supports one update at a time."
    )
