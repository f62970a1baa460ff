"""Key policies: what AWS gives a key without one, and which are refused; pure.

Source: "Default key policy" and "AWS managed keys" of the developer guide, and PutKeyPolicy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kumoi.names import partition_of
from kumoi.policy import Caller, PolicyError, Request, compile_policy
from kumoi.wire.errors import aws_error

NAME = "default"
"""The only name that a key policy can have."""
ACTION = "kms:PutKeyPolicy"


def default_policy(account: str, region: str) -> str:
    """The policy of a key that was made without one: the account's own policies decide."""
    return _text(
        "key-default-1",
        {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": _root(account, region)},
            "Action": "kms:*",
            "Resource": "*",
        },
    )


def managed_policy(account: str, region: str, service: str) -> str:
    """The policy of an AWS managed key: whoever may use the service uses the key through it."""
    return _text(
        f"auto-{service}-1",
        {
            "Sid": f"Allow access through {service} for all principals in the account that are authorized to use it",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                *("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant"),
                "kms:DescribeKey",
            ],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account,
                    "kms:ViaService": f"{service}.{region}.amazonaws.com",
                }
            },
        },
        {
            "Sid": "Allow direct access to key metadata to the account",
            "Effect": "Allow",
            "Principal": {"AWS": _root(account, region)},
            "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
            "Resource": "*",
        },
    )


def check_policy(policy: str, arn: str, caller: Caller | None) -> None:
    """Raise MalformedPolicyDocumentException for what is no key policy, or would lock out `caller`, where one is given.

    Lockout is what AWS's safety check is about: the caller could not change the policy again.
    """
    try:
        compiled = compile_policy(policy, "resource", "key policy")
    except PolicyError as error:
        raise aws_error("MalformedPolicyDocumentException", str(error)) from None
    if caller is not None and compiled.closest(Request(caller, ACTION, arn)) is None:
        raise aws_error(
            "MalformedPolicyDocumentException",
            "The new key policy will not allow you to update the key policy in the future.",
        )


def _root(account: str, region: str) -> str:
    return f"arn:{partition_of(region)}:iam::{account}:root"


def _text(name: str, *statements: Mapping[str, Any]) -> str:
    document = {"Version": "2012-10-17", "Id": name, "Statement": list(statements)}
    return json.dumps(document, indent=2, separators=(",", " : "))
