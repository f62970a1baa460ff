"""The kinds of things that are little more than their configuration, as a table: how each is named, checked and used.

Create, Get, Get…Config, Update, Delete and List of all of them are made from it (`operations/kinds.py`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kumoi.names import uuid
from kumoi.services.cloudfront.configuration import policy_rules, reading
from kumoi.services.cloudfront.naming import new_id
from kumoi.services.cloudfront.records import Configured

Uses = Callable[[Mapping[str, Any]], set[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. Its name, or its plural, stands in its operations, members and errors.

    `uses` reads from a distribution's configuration the ids of this kind that it uses. `made` and `changed` are the
    members of answers that tell the times; `summary` makes the items of lists where they are not the whole thing.
    `immutable` members must stay what they are.
    """

    name: str
    plural: str
    path: str
    uses: Uses
    check: Callable[[Mapping[str, Any]], None]
    most: int
    new_id: Callable[[], str] = uuid
    made: str | None = None
    changed: str | None = None
    summary: Callable[[Configured], dict[str, Any]] | None = None
    unique: str = "Name"
    immutable: tuple[str, ...] = ()
    full_pages: bool = False
    defaults: Callable[[Mapping[str, Any]], dict[str, Any]] = dict

    own_missing: str = ""
    own_in_use: str = ""

    @property
    def config(self) -> str:
        """The member that holds its configuration."""
        return f"{self.name}Config"

    @property
    def lists(self) -> str:
        """The operation that lists all."""
        return f"List{self.plural}"

    @property
    def container(self) -> str:
        """The member of a list's answer."""
        return f"{self.name}List"

    @property
    def exists(self) -> str:
        """The error where there is one like it."""
        return f"{self.name}AlreadyExists"

    @property
    def missing(self) -> str:
        """The error where there is none."""
        return self.own_missing or f"NoSuch{self.name}"

    @property
    def in_use(self) -> str:
        """The error where something uses it."""
        return self.own_in_use or f"{self.name}InUse"

    @property
    def too_many(self) -> str:
        """The error where there are as many as there may be."""
        return f"TooMany{self.plural}"

    def told(self, one: Configured) -> dict[str, Any]:
        """The thing as its operations answer it."""
        answer: dict[str, Any] = {"Id": one.id, self.config: one.config}
        if self.changed:
            answer[self.changed] = one.modified
        if self.made:
            answer[self.made] = one.created
        if one.secret:
            answer["S3CanonicalUserId"] = one.secret
        return answer


def _policy(name: str, member: str, plural: str, path: str, check: Callable[[Mapping[str, Any]], None]) -> Kind:
    return Kind(
        name=name,
        plural=plural,
        path=path,
        uses=lambda config: reading.uses(config, member),
        check=check,
        most=20,
        changed="LastModifiedTime",
        defaults=policy_rules.DEFAULTS.get(name, dict),
    )


def _identity_secret(id: str) -> str:
    return hashlib.sha256(id.encode()).hexdigest() + secrets.token_hex(16)


CACHE_POLICY = _policy("CachePolicy", "CachePolicyId", "CachePolicies", "cache-policy", policy_rules.check_cache_policy)
ORIGIN_REQUEST_POLICY = _policy(
    "OriginRequestPolicy",
    "OriginRequestPolicyId",
    "OriginRequestPolicies",
    "origin-request-policy",
    policy_rules.check_origin_request_policy,
)
RESPONSE_HEADERS_POLICY = _policy(
    "ResponseHeadersPolicy",
    "ResponseHeadersPolicyId",
    "ResponseHeadersPolicies",
    "response-headers-policy",
    policy_rules.check_response_headers_policy,
)
ACCESS_CONTROL = Kind(
    name="OriginAccessControl",
    plural="OriginAccessControls",
    path="origin-access-control",
    uses=reading.access_controls,
    summary=lambda one: {"Id": one.id, "Description": "", **one.config},
    check=policy_rules.check_access_control,
    most=100,
    new_id=new_id,
    full_pages=True,
)
ACCESS_IDENTITY = Kind(
    name="CloudFrontOriginAccessIdentity",
    plural="CloudFrontOriginAccessIdentities",
    path="origin-access-identity/cloudfront",
    uses=reading.access_identities,
    summary=lambda one: {"Id": one.id, "S3CanonicalUserId": one.secret, "Comment": one.config["Comment"]},
    check=policy_rules.check_access_identity,
    most=100,
    new_id=new_id,
    unique="CallerReference",
    immutable=("CallerReference",),
    full_pages=True,
)
PUBLIC_KEY = Kind(
    name="PublicKey",
    plural="PublicKeys",
    path="public-key",
    uses=lambda _config: set(),
    summary=lambda one: {
        "Id": one.id,
        "Name": one.config["Name"],
        "CreatedTime": one.created,
        "EncodedKey": one.config["EncodedKey"],
        "Comment": one.config.get("Comment", ""),
    },
    check=policy_rules.check_public_key,
    most=10,
    new_id=lambda: new_id("K"),
    made="CreatedTime",
    immutable=("CallerReference", "Name", "EncodedKey"),
)
KEY_GROUP = Kind(
    name="KeyGroup",
    plural="KeyGroups",
    path="key-group",
    uses=reading.key_groups,
    check=policy_rules.check_key_group,
    own_missing="NoSuchResource",
    own_in_use="ResourceInUse",
    most=10,
    changed="LastModifiedTime",
)
DEPLOYMENT_POLICY = Kind(
    name="ContinuousDeploymentPolicy",
    plural="ContinuousDeploymentPolicies",
    path="continuous-deployment-policy",
    uses=lambda config: {config["ContinuousDeploymentPolicyId"]} - {""},
    check=policy_rules.check_deployment_policy,
    most=20,
    changed="LastModifiedTime",
    unique="",
)
KINDS = (
    CACHE_POLICY,
    ORIGIN_REQUEST_POLICY,
    RESPONSE_HEADERS_POLICY,
    ACCESS_CONTROL,
    ACCESS_IDENTITY,
    PUBLIC_KEY,
    KEY_GROUP,
    DEPLOYMENT_POLICY,
)


def canonical_user(kind: Kind, id: str) -> str:
    """The canonical user of S3 that an origin access identity is; nothing for other kinds."""
    return _identity_secret(id) if kind is ACCESS_IDENTITY else ""
