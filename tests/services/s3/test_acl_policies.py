"""What access control lists grant, asked as policies."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.policy import Caller, Request
from kumoi.services.s3.acl_policies import policies_for
from kumoi.services.s3.acls import ALL_USERS, AUTHENTICATED_USERS
from kumoi.services.s3.kinds import NOTHING_BLOCKED
from kumoi.services.s3.lookup import canonical_id
from kumoi.services.s3.ownership import put_bucket_grants
from kumoi.services.s3.records import Bucket, Grant, ObjectVersion, current
from kumoi.services.s3.settings import configure
from kumoi.state import Transaction
from kumoi.state.sqlite import SqliteState

BUCKET = Bucket(name="b", id=1, account="111111111111", region="r", created=0.0, secret=b"s" * 16)
OWNER, FRIEND, NOBODY = "111111111111", "222222222222", ""


async def granted(tx: Transaction, setup: dict[str, Any], action: str, key: str, account: str) -> bool:
    await configure(tx, BUCKET, "OwnershipControls", {"Rules": [{"ObjectOwnership": setup["ownership"]}]})
    await configure(tx, BUCKET, "PublicAccessBlock", NOTHING_BLOCKED | {"IgnorePublicAcls": setup["ignored"]})
    await put_bucket_grants(tx, BUCKET, setup["bucket"])
    await current.put(tx, ObjectVersion(bucket=1, key="k", seq=1, modified=0, acl=setup["object"]))
    _, found = await policies_for(tx, BUCKET, action, key, None, account)
    request = Request(Caller(account, f"arn:aws:iam::{account}:user/u"), action, "arn:aws:s3:::b/k")
    return any(policy.says(request, "Allow") for policy in found)


def ask(action: str, account: str, *grants: Grant, key: str = "k", **setup: Any) -> bool:
    async def main() -> bool:
        state = await SqliteState.open(None, clock=Clock())
        given = {"ownership": "ObjectWriter", "ignored": False, "bucket": grants, "object": grants} | setup
        try:
            return bool(await state.at("1", "r").run(granted, given, action, key, account))
        finally:
            await state.close()

    return asyncio.run(main())


READ_ALL, READ_SIGNED = Grant(ALL_USERS, "READ"), Grant(AUTHENTICATED_USERS, "READ")
FRIENDS = Grant(canonical_id(FRIEND), "FULL_CONTROL")


@pytest.mark.parametrize(
    ("grant", "action", "account", "expected"),
    [
        (READ_ALL, "s3:GetObject", NOBODY, True),
        (READ_ALL, "s3:GetObject", FRIEND, True),
        (READ_ALL, "s3:GetObjectAcl", NOBODY, False),
        (READ_ALL, "s3:ListBucket", NOBODY, True),
        (READ_ALL, "s3:PutObject", NOBODY, False),
        (READ_ALL, "s3:DeleteObject", NOBODY, False),
        (Grant(ALL_USERS, "WRITE"), "s3:PutObject", NOBODY, True),
        (Grant(ALL_USERS, "WRITE"), "s3:GetObject", NOBODY, False),
        (READ_SIGNED, "s3:GetObject", NOBODY, False),
        (READ_SIGNED, "s3:GetObject", FRIEND, True),
        (FRIENDS, "s3:GetObject", FRIEND, True),
        (FRIENDS, "s3:PutObjectAcl", FRIEND, True),
        (FRIENDS, "s3:GetObject", NOBODY, False),
        (FRIENDS, "s3:GetObject", OWNER, False),
        (FRIENDS, "s3:GetBucketPolicy", FRIEND, False),
    ],
)
def test_what_a_grant_allows(grant: Grant, action: str, account: str, expected: bool) -> None:
    assert ask(action, account, grant) is expected


def test_lists_that_do_not_count() -> None:
    assert not ask("s3:GetObject", NOBODY, READ_ALL, ownership="BucketOwnerEnforced")
    assert not ask("s3:GetObject", NOBODY, READ_ALL, ignored=True)
    assert ask("s3:GetObject", FRIEND, READ_ALL, FRIENDS, ignored=True)


def test_who_may_list_is_told_what_is_missing() -> None:
    assert ask("s3:GetObject", NOBODY, READ_ALL, key="other")
    assert not ask("s3:GetObject", NOBODY, READ_ALL, key="other", bucket=())
