"""Bucket policies: what may be stored, whether one is public, and what one says about a request; pure.

Rules: "Bucket policies", "Blocking public access: the meaning of public" in the S3 user guide, and recorded errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from kumoi.policy import Policy, PolicyError, compile_policy
from kumoi.services.s3.actions import NO_ACTIONS
from kumoi.wire.errors import AwsError, aws_error

MAX_BYTES = 20_480

_FIXING = frozenset(
    {
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalaccount",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:username",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
"""Condition keys that a fixed value of makes a statement no public one."""

_NO_RESOURCE = "Policy has invalid resource"

_PRINCIPAL = re.compile(
    r"\*|[0-9]{12}|[A-Z0-9]{16,128}"
    r"|arn:aws[a-z-]*:(?:iam::[0-9]{12}:(?:root|(?:user|role)/[^*?]+)|sts::[0-9]{12}:(?:assumed-role|federated-user)/[^*?]+"
    r"|iam::cloudfront:user/CloudFront Origin Access Identity [A-Z0-9]+)"
)
"""Whom a bucket policy may name as `AWS`; the ids are of users and roles that are gone."""


def _malformed(text: str) -> AwsError:
    return aws_error("MalformedPolicy", text)


def checked(text: str, bucket_arn: str) -> str:
    """A policy that may be stored; raises MalformedPolicy."""
    raw = text.encode("utf-8", "replace")
    if len(raw) > MAX_BYTES:
        raise aws_error("PolicyTooLarge", f"Policy exceeds the maximum allowed document size of {MAX_BYTES} bytes.")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise _malformed("Policies must be valid JSON and the first byte must be '{'")
    if not document.get("Statement"):
        raise _malformed("Missing required field Statement")
    try:
        compile_policy(text, "resource", "bucket policy")
    except PolicyError as error:
        raise _malformed(str(error)) from None
    for statement in _statements(document):
        if "Principal" not in statement and "NotPrincipal" not in statement:
            raise _malformed("Missing required field Principal")
        if not all(map(_PRINCIPAL.fullmatch, _named(statement.get("Principal", statement.get("NotPrincipal"))))):
            raise _malformed("Invalid principal in policy")
        if not all(map(_is_action, _texts(statement.get("Action", statement.get("NotAction"))))):
            raise _malformed("Policy has invalid action")
        for resource in _texts(statement.get("Resource", statement.get("NotResource"))):
            if resource != "*" and not _within(resource, bucket_arn):
                raise _malformed(_NO_RESOURCE)
    return text


def _named(principal: Any) -> list[str]:
    return _texts(principal["AWS"]) if isinstance(principal, dict) and "AWS" in principal else []


def _is_action(text: str) -> bool:
    """Whether a pattern may be of actions of S3."""
    vendor, _, name = text.lower().partition(":")
    return vendor in ("*", "s3") and name not in NO_ACTIONS


def _within(resource: str, bucket_arn: str) -> bool:
    """Whether a statement's resource may be of the bucket: wildcards reach no other bucket."""
    name = resource.partition("/")[0]
    if "*" in name or "?" in name:
        return bucket_arn.startswith(name.partition("*")[0].partition("?")[0])
    return name == bucket_arn


@lru_cache(256)
def compiled(text: str) -> Policy:
    """A stored policy, ready to be asked."""
    return compile_policy(text, "resource", "bucket policy")


@lru_cache(256)
def is_public(text: str) -> bool:
    """Whether a policy lets everybody in: some statement allows any principal, under no condition that fixes who."""
    return any(
        statement.get("Effect") == "Allow"
        and _everybody(statement.get("Principal"))
        and not _fixed(statement.get("Condition"))
        for statement in _statements(orjson.loads(text))
    )


def _statements(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = document["Statement"]
    return [one for one in (given if isinstance(given, list) else [given]) if isinstance(one, dict)]


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def _everybody(principal: Any) -> bool:
    if isinstance(principal, dict):
        return any("*" in _texts(named) for kind, named in principal.items() if kind == "AWS")
    return bool(principal == "*")


def _fixed(condition: Any) -> bool:
    """Whether a condition compares who asks, or from where, with values that hold no wildcard."""
    if not isinstance(condition, dict):
        return False
    for operator, keys in condition.items():
        if not isinstance(keys, dict) or "Not" in operator or operator == "Null":
            continue
        for key, values in keys.items():
            if key.lower() in _FIXING and _all_fixed(key.lower(), _texts(values)):
                return True
    return False


def _all_fixed(key: str, values: Iterable[str]) -> bool:
    listed = list(values)
    if key == "aws:sourceip":
        return bool(listed) and not any(value.endswith("/0") for value in listed)
    return bool(listed) and not any("*" in value or "?" in value or "${" in value for value in listed)
