"""Access control lists: canned ones, those of headers and documents, and what a list lets somebody do; pure.

A grantee is a canonical user id or a group's URI. Rules: "Access control list (ACL) overview" in the S3 user guide, and
recorded errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kumoi.services.s3.records import Grant
from kumoi.wire.errors import AwsError, aws_error

ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery"
GROUPS = frozenset({ALL_USERS, AUTHENTICATED_USERS, LOG_DELIVERY})
PUBLIC = frozenset({ALL_USERS, AUTHENTICATED_USERS})

CANNED: Mapping[str, Sequence[tuple[str, str]]] = {
    "private": (),
    "public-read": ((ALL_USERS, "READ"),),
    "public-read-write": ((ALL_USERS, "READ"), (ALL_USERS, "WRITE")),
    "authenticated-read": ((AUTHENTICATED_USERS, "READ"),),
    "log-delivery-write": ((LOG_DELIVERY, "WRITE"), (LOG_DELIVERY, "READ_ACP")),
    "bucket-owner-read": (("bucket-owner", "READ"),),
    "bucket-owner-full-control": (("bucket-owner", "FULL_CONTROL"),),
}
"""What each canned list grants beside its owner's FULL_CONTROL."""

HEADERS = {
    "GrantFullControl": ("FULL_CONTROL", "x-amz-grant-full-control"),
    "GrantRead": ("READ", "x-amz-grant-read"),
    "GrantReadACP": ("READ_ACP", "x-amz-grant-read-acp"),
    "GrantWrite": ("WRITE", "x-amz-grant-write"),
    "GrantWriteACP": ("WRITE_ACP", "x-amz-grant-write-acp"),
}
PERMISSIONS = frozenset(permission for permission, _ in HEADERS.values())

_GRANTEE = re.compile(r'\s*(id|uri|emailAddress)\s*=\s*"?([^",]*)"?\s*')
_CANONICAL = re.compile(r"[0-9a-f]{64}")


def owned_by(owner: str) -> tuple[Grant, ...]:
    """The list of what is its owner's alone; `owner` is a canonical user id."""
    return (Grant(owner, "FULL_CONTROL"),)


def of_members(members: Mapping[str, Any], owner: str, bucket_owner: str) -> tuple[Grant, ...] | None:
    """The list that a canned one or grants among a request's members make; None where it has neither.

    Raises InvalidRequest for both, InvalidArgument for what is no list.
    """
    canned = members.get("ACL")
    headers = {member: members[member] for member in HEADERS if members.get(member) is not None}
    if canned is not None:
        if headers:
            raise aws_error("InvalidRequest", "Specifying both Canned ACLs and Header Grants is not allowed")
        if canned not in CANNED:
            raise aws_error("InvalidArgument", "", ArgumentName="x-amz-acl", ArgumentValue=canned)
        granted = [Grant(bucket_owner if who == "bucket-owner" else who, what) for who, what in CANNED[canned]]
        return owned_by(owner) + tuple(grant for grant in granted if grant.grantee != owner)
    if not headers:
        return None
    found: list[Grant] = []
    for member, text in headers.items():
        permission, header = HEADERS[member]
        found += [Grant(grantee, permission) for grantee in _grantees(text, header)]
    return tuple(found)


def _grantees(text: str, header: str) -> list[str]:
    found = []
    for part in text.split(","):
        match = _GRANTEE.fullmatch(part)
        if match is None:
            raise aws_error(
                "InvalidArgument", "Argument format not recognized", ArgumentName=header, ArgumentValue=text
            )
        found.append(_checked(match[1], match[2], {"id": "id", "uri": "uri"}))
    return found


def _checked(kind: str, who: str, names: Mapping[str, str]) -> str:
    """A grantee that there is; `names` are those of the arguments in errors."""
    if kind == "uri":
        if who not in GROUPS:
            raise aws_error("InvalidArgument", "Invalid group uri", ArgumentName=names["uri"], ArgumentValue=who)
    elif kind == "id":
        if _CANONICAL.fullmatch(who) is None:
            raise aws_error("InvalidArgument", "Invalid id", ArgumentName=names["id"], ArgumentValue=who)
    else:
        raise aws_error(
            "UnresolvableGrantByEmailAddress",
            "The e-mail address you provided does not match any account on record.",
            emailAddress=who,
        )
    return who


def of_document(document: Mapping[str, Any], owner: str) -> tuple[Grant, ...]:
    """The list of an AccessControlPolicy; raises MalformedACLError, InvalidArgument, AccessDenied for another owner."""
    stated = (document.get("Owner") or {}).get("ID")
    grants = document.get("Grants")
    if stated is None or grants is None:
        raise _malformed()
    if _CANONICAL.fullmatch(stated) is None:
        raise aws_error("InvalidArgument", "Invalid id", ArgumentName="CanonicalUser/ID", ArgumentValue=stated)
    if stated != owner:
        raise aws_error("AccessDenied", "Access Denied")
    names = {"id": "CanonicalUser/ID", "uri": "Group/URI"}
    found = []
    for grant in grants:
        grantee = grant.get("Grantee") or {}
        member, kind = {
            "CanonicalUser": ("ID", "id"),
            "Group": ("URI", "uri"),
            "AmazonCustomerByEmail": ("EmailAddress", "email"),
        }.get(str(grantee.get("Type")), ("", ""))
        who = grantee.get(member)
        if who is None or grant.get("Permission") not in PERMISSIONS:
            raise _malformed()
        found.append(Grant(_checked(kind, who, names), grant["Permission"]))
    return tuple(found)


def is_public(grants: Iterable[Grant]) -> bool:
    """Whether a list grants anything to everybody, or to everybody who has an account."""
    return any(grant.grantee in PUBLIC for grant in grants)


def told(owner: str, grants: Iterable[Grant]) -> dict[str, Any]:
    """An answer's members about a list."""
    return {
        "Owner": {"ID": owner},
        "Grants": [
            {
                "Grantee": {"URI": grant.grantee, "Type": "Group"}
                if grant.grantee in GROUPS
                else {"ID": grant.grantee, "Type": "CanonicalUser"},
                "Permission": grant.permission,
            }
            for grant in grants
        ],
    }


def _malformed() -> AwsError:
    return aws_error(
        "MalformedACLError", "The XML you provided was not well-formed or did not validate against our published schema"
    )
