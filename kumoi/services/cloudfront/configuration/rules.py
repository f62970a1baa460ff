"""What CloudFront refuses of a distribution's configuration; pure. Raises AWS's error of the rule that is broken.

Source: the errors of CreateDistribution in the API reference, and "Distribution settings", "Quotas" of the guide.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudfront.configuration.reading import behaviours, items
from kumoi.services.cloudfront.errors import invalid
from kumoi.wire.errors import aws_error

MAX_ORIGINS, MAX_BEHAVIOURS, MAX_ORIGIN_GROUPS, MAX_ALIASES = 25, 75, 10, 100
_ERROR_CODES = frozenset((400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504))
_RESPONSE_CODES = frozenset(str(code) for code in (200, *_ERROR_CODES))
_FAILOVER_CODES = frozenset((400, 403, 404, 416, 429, 500, 502, 503, 504))
_METHOD_SETS = (
    frozenset(("GET", "HEAD")),
    frozenset(("GET", "HEAD", "OPTIONS")),
    frozenset(("GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE")),
)
_ALIAS = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.I
)
_LOCAL = ("localhost", ".localhost")


def check_quantities(node: Any) -> None:
    """Raise InconsistentQuantities where a Quantity is not the number of Items, however deep."""
    if isinstance(node, Mapping):
        quantity = node.get("Quantity")
        if quantity is not None and quantity != len(node.get("Items") or ()):
            raise invalid("The value of Quantity and the size of Items don't match.", "InconsistentQuantities")
        for inner in node.values():
            check_quantities(inner)
    elif isinstance(node, list):
        for inner in node:
            check_quantities(inner)


def check(config: Mapping[str, Any]) -> None:
    """Raise for what a configuration in its normal form may not say."""
    _origins(config)
    targets = {one["Id"] for one in (*items(config["Origins"]), *items(config["OriginGroups"]))}
    if len(items(config["CacheBehaviors"])) > MAX_BEHAVIOURS:
        raise invalid(
            "You cannot create more cache behaviors than are allowed per distribution.", "TooManyCacheBehaviors"
        )
    patterns = [one["PathPattern"] for one in items(config["CacheBehaviors"])]
    if len(set(patterns)) != len(patterns):
        raise invalid("The parameter PathPattern is not unique: two cache behaviors have the same path pattern.")
    for behaviour in behaviours(config):
        _behaviour(behaviour, targets)
    root = config["DefaultRootObject"]
    if root.startswith("/") or len(root) > 255:
        raise invalid(
            "The default root object file name is too big or contains an invalid character.", "InvalidDefaultRootObject"
        )
    _error_responses(config)
    _aliases(config)
    restriction = config["Restrictions"]["GeoRestriction"]
    countries = items(restriction)
    if (restriction["RestrictionType"] == "none") != (not countries) or not all(
        re.fullmatch(r"[A-Z]{2}", country) for country in countries
    ):
        raise invalid("The specified geo restriction parameter is not valid.", "InvalidGeoRestrictionParameter")
    logging = config["Logging"]
    if logging.get("Enabled") and not str(logging.get("Bucket", "")).endswith((".s3.amazonaws.com", ".amazonaws.com")):
        raise invalid("The parameter Logging Bucket does not refer to a valid S3 bucket.")


def _origins(config: Mapping[str, Any]) -> None:
    origins, groups = items(config["Origins"]), items(config["OriginGroups"])
    if not origins:
        raise invalid("The parameter Origins must have at least one origin.")
    if len(origins) > MAX_ORIGINS:
        raise invalid("You cannot create more origins for the distribution.", "TooManyOrigins")
    if len(groups) > MAX_ORIGIN_GROUPS:
        raise aws_error(
            "TooManyOriginGroupsPerDistribution",
            "Processing your request would cause you to exceed the maximum number of origin groups allowed.",
        )
    ids = [one["Id"] for one in (*origins, *groups)]
    if len(set(ids)) != len(ids):
        raise invalid("The parameter Origin Id is not unique: two origins or origin groups have the same Id.")
    for origin in origins:
        _origin(origin)
    known = {one["Id"] for one in origins}
    for group in groups:
        members = [one["OriginId"] for one in items(group["Members"])]
        if len(members) != 2 or not known.issuperset(members):
            raise invalid("The parameter Members of an origin group must name two origins of the distribution.")
        codes = items(group["FailoverCriteria"]["StatusCodes"])
        if not codes or not _FAILOVER_CODES.issuperset(codes):
            raise invalid("The parameter FailoverCriteria StatusCodes holds a code that cannot start a failover.")


def _origin(origin: Mapping[str, Any]) -> None:
    domain, path = origin["DomainName"], origin["OriginPath"]
    if not domain or len(domain) > 253 or re.search(r"[\s/:?#@]", domain):
        raise invalid("The parameter Origin DomainName does not refer to a valid host name.", "InvalidOrigin")
    if _is_address(domain) and not ipaddress.ip_address(domain).is_loopback:
        raise invalid("The parameter Origin DomainName cannot be an IP address.", "InvalidOrigin")
    if path and (not path.startswith("/") or path.endswith("/") or len(path) > 255):
        raise invalid("The parameter OriginPath must start with a slash (/) and cannot end with one.")
    kinds = [kind for kind in ("S3OriginConfig", "CustomOriginConfig", "VpcOriginConfig") if origin.get(kind)]
    kinds += [] if origin.get("S3OriginConfig") is None or "S3OriginConfig" in kinds else ["S3OriginConfig"]
    if len(kinds) != 1:
        raise invalid(
            "Exactly one of CustomOriginConfig, VpcOriginConfig, and S3OriginConfig must be specified", "InvalidOrigin"
        )
    if "S3OriginConfig" in kinds:
        identity = origin["S3OriginConfig"].get("OriginAccessIdentity") or ""
        if identity and not re.fullmatch(r"origin-access-identity/cloudfront/[A-Z0-9]+", identity):
            raise invalid("The origin access identity is not valid or doesn't exist.", "InvalidOriginAccessIdentity")
        if identity and origin["OriginAccessControlId"]:
            raise invalid("An origin has either an origin access control or an origin access identity, not both.")
        if not re.search(r"\.s3[.-]", domain) and not domain.endswith(_LOCAL):
            raise invalid("The specified origin server does not exist or is not valid.", "InvalidOrigin")
    if not 1 <= origin["ConnectionAttempts"] <= 3:
        raise invalid("The parameter ConnectionAttempts must be from 1 to 3.")
    if not 1 <= origin["ConnectionTimeout"] <= 10:
        raise invalid("The parameter ConnectionTimeout must be from 1 to 10.")
    custom = origin.get("CustomOriginConfig")
    if custom:
        for name in ("HTTPPort", "HTTPSPort"):
            if custom[name] not in (80, 443) and not 1024 <= custom[name] <= 65_535:
                raise invalid(f"The parameter {name} must be 80, 443, or from 1024 to 65535.")
        for name, least, most in (("OriginReadTimeout", 1, 180), ("OriginKeepaliveTimeout", 1, 180)):
            if not least <= custom[name] <= most:
                code = "InvalidOriginReadTimeout" if name == "OriginReadTimeout" else "InvalidOriginKeepaliveTimeout"
                raise invalid(f"The parameter {name} must be from {least} to {most}.", code)


def _behaviour(behaviour: Mapping[str, Any], targets: set[str]) -> None:
    if behaviour["TargetOriginId"] not in targets:
        raise aws_error(
            "NoSuchOrigin",
            "One or more of your origins or origin groups do not exist.",
            status=404,
        )
    pattern = behaviour.get("PathPattern")
    if pattern is not None and (
        not pattern or len(pattern) > 255 or re.search(r"[^A-Za-z0-9_\-.*$/~\"'@:+&?]", pattern)
    ):
        raise invalid("The parameter PathPattern contains an invalid character or is too long.")
    allowed, cached = set(items(behaviour["AllowedMethods"])), set(items(behaviour["AllowedMethods"]["CachedMethods"]))
    if allowed not in _METHOD_SETS:
        raise invalid("The parameter AllowedMethods is not one of the sets of methods that CloudFront takes.")
    if cached not in _METHOD_SETS[:2] or not cached <= allowed:
        raise invalid("The parameter CachedMethods must be GET and HEAD, or GET, HEAD and OPTIONS, and be allowed.")
    policy, legacy = behaviour.get("CachePolicyId"), behaviour.get("ForwardedValues")
    if policy and legacy:
        raise invalid(
            "The parameter ForwardedValues cannot be used when a cache policy is associated to the cache behavior."
        )
    if not policy and not legacy:
        raise invalid("The parameter ForwardedValues or CachePolicyId is required for a cache behavior.")
    if legacy and not behaviour["MinTTL"] <= behaviour["DefaultTTL"] <= behaviour["MaxTTL"]:
        raise invalid("The order of the TTLs is not valid: MinTTL <= DefaultTTL <= MaxTTL.", "InvalidTTLOrder")
    if behaviour.get("OriginRequestPolicyId") and not policy:
        raise invalid("The parameter OriginRequestPolicyId needs a cache policy on the same cache behavior.")
    _associations(behaviour)


def _associations(behaviour: Mapping[str, Any]) -> None:
    small, large = items(behaviour["FunctionAssociations"]), items(behaviour["LambdaFunctionAssociations"])
    for found, code in ((small, "InvalidFunctionAssociation"), (large, "InvalidLambdaFunctionAssociation")):
        types = [one["EventType"] for one in found]
        if len(set(types)) != len(types):
            raise invalid("A cache behavior can have one function for each event type.", code)
    for one in small:
        if not one["EventType"].startswith("viewer-"):
            raise invalid(
                "A CloudFront function can be associated with viewer-request and viewer-response events only.",
                "InvalidFunctionAssociation",
            )
    if small and any(one["EventType"].startswith("viewer-") for one in large):
        raise invalid(
            "You cannot associate CloudFront functions and Lambda@Edge functions with the viewer events of one"
            " cache behavior.",
            "InvalidFunctionAssociation",
        )
    for one in large:
        if one.get("IncludeBody") and not one["EventType"].endswith("-request"):
            raise invalid(
                "The parameter IncludeBody can be true for request events only.", "InvalidLambdaFunctionAssociation"
            )


def _error_responses(config: Mapping[str, Any]) -> None:
    found = items(config["CustomErrorResponses"])
    codes = [one["ErrorCode"] for one in found]
    if len(set(codes)) != len(codes):
        raise invalid("The parameter CustomErrorResponses has two items for one error code.")
    for one in found:
        if one["ErrorCode"] not in _ERROR_CODES:
            raise invalid("An invalid error code was specified.", "InvalidErrorCode")
        code, path = one.get("ResponseCode") or "", one.get("ResponsePagePath") or ""
        if bool(code) != bool(path):
            raise invalid(
                "The parameters ResponseCode and ResponsePagePath must be given together.", "InvalidResponseCode"
            )
        if code and code not in _RESPONSE_CODES:
            raise invalid("A response code is not valid.", "InvalidResponseCode")
        if path and not path.startswith("/"):
            raise invalid("The parameter ResponsePagePath must start with a slash (/).")


def _aliases(config: Mapping[str, Any]) -> None:
    aliases = items(config["Aliases"])
    if len(aliases) > MAX_ALIASES:
        raise invalid(
            "Your request contains more CNAMEs than are allowed per distribution.", "TooManyDistributionCNAMEs"
        )
    for alias in aliases:
        check_alias(alias)


def check_alias(alias: str) -> None:
    """Raise for what is no domain name."""
    if not _ALIAS.fullmatch(alias) or _is_address(alias) or "." not in alias:
        raise invalid(f"The parameter CNAME {alias} is no domain name.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
