"""Data protection policies: a group's own, and those of an account."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.logs import logs
from kumoi.services.logs.data_protection import policy_of
from kumoi.services.logs.protection_records import (
    ACCOUNT,
    AccountPolicy,
    GroupProtection,
    account_policies,
    group_protections,
)
from kumoi.services.logs.records import groups
from kumoi.services.logs.rules import group_name, invalid, no_group
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@logs.operation
async def put_data_protection_policy(call: Call, logGroupIdentifier: str, policyDocument: str) -> dict[str, Any]:
    """Have what comes into a group from now on masked."""
    name = group_name(logGroupIdentifier)
    await _check(call, policyDocument)
    made = GroupProtection(group=name, document=policyDocument, updated=int(call.now * 1000))
    await _put(call.state, made)
    return _described(logGroupIdentifier, made)


@logs.operation
async def get_data_protection_policy(call: Call, logGroupIdentifier: str) -> dict[str, Any]:
    """A group's policy, if it has one."""
    found = await _find(call.state, group_name(logGroupIdentifier))
    if found is None or not found.document:
        return {"logGroupIdentifier": logGroupIdentifier}
    return _described(logGroupIdentifier, found)


@logs.operation
async def delete_data_protection_policy(call: Call, logGroupIdentifier: str) -> None:
    """Mask no more of what comes in; what was masked stays so."""
    name = group_name(logGroupIdentifier)
    if await _find(call.state, name) is None:
        raise aws_error("ResourceNotFoundException", "The log group has no data protection policy.")
    await _put(call.state, GroupProtection(group=name, document="", updated=int(call.now * 1000)))


@logs.operation
async def put_account_policy(
    call: Call,
    policyName: str,
    policyDocument: str,
    policyType: str,
    scope: str = "ALL",
) -> dict[str, Any]:
    """Have what comes into any group of the account masked."""
    if policyType != ACCOUNT:
        raise invalid(f"Kumoi has account policies of the type {ACCOUNT} alone, not {policyType}.")
    await _check(call, policyDocument)
    made = AccountPolicy(kind=policyType, name=policyName, document=policyDocument, updated=int(call.now * 1000))
    await _put_account(call.state, made)
    return {"accountPolicy": _account(call, made)}


@logs.operation
async def describe_account_policies(
    call: Call, policyType: str, policyName: str | None = None, nextToken: str | None = None
) -> dict[str, Any]:
    """The account's policies of a type."""
    found = await _account_policy(call.state, policyType)
    if found is None or policyName not in (None, found.name):
        if policyName is not None:
            raise _no_policy(policyName)
        return {"accountPolicies": []}
    return {"accountPolicies": [_account(call, found)]}


@logs.operation
async def delete_account_policy(call: Call, policyName: str, policyType: str) -> None:
    """Take an account's policy back; what was masked stays so."""
    await _delete_account(call.state, policyType, policyName)


async def _check(call: Call, document: str) -> None:
    """Raise InvalidParameterException for a policy that cannot be, or that sends findings where nothing is."""
    group, bucket, stream = policy_of(document).findings
    if group is not None and not await _exists(call.state, group):
        raise invalid(f"The log group {group}, which findings are to go to, does not exist.")
    if bucket is not None:
        try:
            await call.to("s3", "HeadBucket", Bucket=bucket)
        except AwsError as error:
            raise invalid(f"The bucket {bucket}, which findings are to go to, cannot be had: {error.message}") from None
    if stream is not None:
        try:
            await call.to("firehose", "DescribeDeliveryStream", DeliveryStreamName=stream)
        except AwsError as error:
            raise invalid(f"Findings cannot go to the delivery stream {stream}: {error.message}") from None


def _described(identifier: str, one: GroupProtection) -> dict[str, Any]:
    return {"logGroupIdentifier": identifier, "policyDocument": one.document, "lastUpdatedTime": one.updated}


def _account(call: Call, one: AccountPolicy) -> dict[str, Any]:
    return {
        "policyName": one.name,
        "policyDocument": one.document,
        "lastUpdatedTime": one.updated,
        "policyType": one.kind,
        "scope": "ALL",
        "accountId": call.account,
    }


def _no_policy(name: str) -> Exception:
    return aws_error("ResourceNotFoundException", f"The account policy {name} does not exist.")


@transactional
async def _exists(tx: Transaction, group: str) -> bool:
    return await groups.get(tx, group) is not None


@transactional
async def _find(tx: Transaction, group: str) -> GroupProtection | None:
    if await groups.get(tx, group) is None:
        raise no_group()
    return await group_protections.get(tx, group)


@transactional
async def _put(tx: Transaction, made: GroupProtection) -> None:
    if await groups.get(tx, made.group) is None:
        raise no_group()
    await group_protections.put(tx, made)


@transactional
async def _account_policy(tx: Transaction, kind: str) -> AccountPolicy | None:
    return await account_policies.get(tx, kind)


@transactional
async def _put_account(tx: Transaction, made: AccountPolicy) -> None:
    known = await account_policies.get(tx, made.kind)
    if known is not None and known.name != made.name:
        raise aws_error("LimitExceededException", f"The account has the policy {known.name} of this type already.")
    await account_policies.put(tx, made)


@transactional
async def _delete_account(tx: Transaction, kind: str, name: str) -> None:
    known = await account_policies.get(tx, kind)
    if known is None or known.name != name:
        raise _no_policy(name)
    await account_policies.delete(tx, kind)
