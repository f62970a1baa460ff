"""A distribution's configuration made ready for serving: policies looked up, patterns compiled, functions at hand.

Nothing on the way of a request reads the API's configuration, or the store, again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.services.cloudfront.configuration import reading
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.edge import path_pattern, selection
from kumoi.services.cloudfront.edge.freshness import Ttl
from kumoi.services.cloudfront.edge.origin import Origin, OriginGroup, of_config
from kumoi.services.cloudfront.edge.selection import Selection
from kumoi.services.cloudfront.kinds import (
    ACCESS_CONTROL,
    CACHE_POLICY,
    DEPLOYMENT_POLICY,
    KEY_GROUP,
    ORIGIN_REQUEST_POLICY,
    PUBLIC_KEY,
    RESPONSE_HEADERS_POLICY,
)
from kumoi.services.cloudfront.lookup import find_configured
from kumoi.services.cloudfront.records import (
    Distribution,
    EdgeFunction,
    RealtimeLog,
    configured,
    distributions,
    functions,
    realtime_logs,
)
from kumoi.state import Transaction, transactional


@dataclass(frozen=True, slots=True)
class Attached:
    """A function at one event: a CloudFront function (`small`, then `function`) or a Lambda@Edge function's version."""

    event: str
    arn: str
    small: bool
    include_body: bool = False
    function: EdgeFunction | None = None

    @property
    def name(self) -> str:
        """The function's name; that of Lambda@Edge without its version."""
        if self.small:
            return self.arn.rpartition("/")[2]
        return self.arn.split(":")[6]

    @property
    def version(self) -> str:
        """The version of a Lambda@Edge function."""
        return self.arn.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What viewers get for an error of the origin; `path` is "" where only the caching time is set."""

    path: str
    status: int
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One cache behaviour."""

    pattern: str
    regex: re.Pattern[str] | None
    target: str
    protocol: str
    allowed: frozenset[str]
    cached: frozenset[str]
    keyed: Selection
    forwarded: Selection
    legacy: bool
    ttl: Ttl
    gzip: bool
    brotli: bool
    compress: bool
    attached: Mapping[str, Attached] = field(default_factory=dict)
    headers_policy: Mapping[str, Any] | None = None
    keys: Mapping[str, str] | None = None
    realtime: RealtimeLog | None = None

    @property
    def caches(self) -> bool:
        """Whether anything may be kept at all."""
        return self.ttl.most > 0

    @property
    def wanted(self) -> frozenset[str]:
        """The CloudFront-… headers that policies ask for."""
        return self.keyed.cloudfront | self.forwarded.cloudfront


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A distribution as the data plane sees it; `behaviours` in the order of precedence, the default one last.

    Of a primary distribution, `staging` is the one that answers the requests which `traffic` says.
    """

    id: str
    account: str
    domain: str
    enabled: bool
    root: str
    behaviours: tuple[Behaviour, ...]
    origins: Mapping[str, Origin]
    groups: Mapping[str, OriginGroup]
    errors: Mapping[int, ErrorResponse]
    restriction: str
    countries: frozenset[str]
    log_bucket: str = ""
    log_prefix: str = ""
    log_cookies: bool = False
    aliases: tuple[str, ...] = ()
    monitored: bool = False
    staging: Served | None = None
    traffic: Mapping[str, Any] | None = None

    def behaviour(self, path: str) -> Behaviour:
        """The first behaviour whose pattern matches the viewer's path."""
        path = path_pattern.normalized(path)
        for one in self.behaviours:
            if one.regex is None or one.regex.fullmatch(path):
                return one
        raise LookupError(path)

    def targets(self, behaviour: Behaviour) -> tuple[Origin, ...]:
        """The origins of a behaviour: one, or the two of a group."""
        group = self.groups.get(behaviour.target)
        return group.members if group is not None else (self.origins[behaviour.target],)


@transactional
async def compile_distribution(tx: Transaction, account: str, one: Distribution, config: Mapping[str, Any]) -> Served:
    """Make a distribution's configuration ready."""
    origins: dict[str, Origin] = {}
    for given in items(config["Origins"]):
        control = None
        if given["OriginAccessControlId"]:
            control = (await find_configured(tx, ACCESS_CONTROL, given["OriginAccessControlId"])).config
        origins[given["Id"]] = of_config(given, control)
    groups = {
        given["Id"]: OriginGroup(
            given["Id"],
            tuple(origins[member["OriginId"]] for member in items(given["Members"])),
            frozenset(items(given["FailoverCriteria"]["StatusCodes"])),
        )
        for given in items(config["OriginGroups"])
    }
    staging, traffic = await _staging(tx, account, config)
    logging, restriction = config["Logging"], config["Restrictions"]["GeoRestriction"]
    return Served(
        id=one.id,
        account=account,
        domain=one.domain,
        enabled=config["Enabled"],
        root=config["DefaultRootObject"],
        behaviours=tuple([await _behaviour(tx, given) for given in reading.behaviours(config)]),
        origins=origins,
        groups=groups,
        errors={
            given["ErrorCode"]: ErrorResponse(
                given.get("ResponsePagePath") or "",
                int(given.get("ResponseCode") or given["ErrorCode"]),
                float(given.get("ErrorCachingMinTTL", 10)),
            )
            for given in items(config["CustomErrorResponses"])
        },
        restriction=restriction["RestrictionType"],
        countries=frozenset(items(restriction)),
        log_bucket=logging.get("Bucket", "").partition(".s3")[0] if logging.get("Enabled") else "",
        log_prefix=logging.get("Prefix", ""),
        log_cookies=bool(logging.get("IncludeCookies")),
        aliases=tuple(items(config["Aliases"])),
        monitored=bool(one.monitoring),
        staging=staging,
        traffic=traffic,
    )


async def _staging(
    tx: Transaction, account: str, config: Mapping[str, Any]
) -> tuple[Served | None, Mapping[str, Any] | None]:
    """The staging distribution that a continuous deployment policy names, and what traffic it gets."""
    if not config["ContinuousDeploymentPolicyId"]:
        return None, None
    policy = (await find_configured(tx, DEPLOYMENT_POLICY, config["ContinuousDeploymentPolicyId"])).config
    if not policy["Enabled"] or not policy.get("TrafficConfig"):
        return None, None
    names = items(policy["StagingDistributionDnsNames"])
    for one in await distributions.list(tx):
        if one.staging and one.domain in names:
            return await compile_distribution(tx, account, one, one.config), policy["TrafficConfig"]
    return None, None


async def _behaviour(tx: Transaction, given: Mapping[str, Any]) -> Behaviour:
    pattern = given.get("PathPattern")
    gzip = brotli = legacy = False
    forwarded = Selection()
    if given.get("CachePolicyId"):
        policy = (await find_configured(tx, CACHE_POLICY, given["CachePolicyId"])).config
        parameters = policy["ParametersInCacheKeyAndForwardedToOrigin"]
        keyed = selection.of_policy(parameters)
        gzip = parameters["EnableAcceptEncodingGzip"]
        brotli = bool(parameters.get("EnableAcceptEncodingBrotli"))
        ttl = Ttl(float(policy["MinTTL"]), float(policy["DefaultTTL"]), float(policy["MaxTTL"]))
        if given.get("OriginRequestPolicyId"):
            wanted = (await find_configured(tx, ORIGIN_REQUEST_POLICY, given["OriginRequestPolicyId"])).config
            forwarded = selection.of_policy(wanted)
    else:
        legacy = True
        keyed, forwarded = selection.of_forwarded_values(given["ForwardedValues"])
        ttl = Ttl(float(given["MinTTL"]), float(given["DefaultTTL"]), float(given["MaxTTL"]))
        gzip = given["Compress"]
        if keyed.headers.others:
            ttl = Ttl(0.0, 0.0, 0.0)
    headers_policy = None
    if given.get("ResponseHeadersPolicyId"):
        headers_policy = (await find_configured(tx, RESPONSE_HEADERS_POLICY, given["ResponseHeadersPolicyId"])).config
    attached = {
        one["EventType"]: Attached(
            one["EventType"],
            one["FunctionARN"],
            True,
            function=await functions.get(tx, one["FunctionARN"].rpartition("/")[2]),
        )
        for one in items(given["FunctionAssociations"])
    } | {
        one["EventType"]: Attached(one["EventType"], one["LambdaFunctionARN"], False, bool(one.get("IncludeBody")))
        for one in items(given["LambdaFunctionAssociations"])
    }
    return Behaviour(
        pattern=pattern or "*",
        regex=None if pattern is None else path_pattern.compiled(pattern),
        target=given["TargetOriginId"],
        protocol=given["ViewerProtocolPolicy"],
        allowed=frozenset(items(given["AllowedMethods"])),
        cached=frozenset(items(given["AllowedMethods"]["CachedMethods"])),
        keyed=keyed,
        forwarded=forwarded,
        legacy=legacy,
        ttl=ttl,
        gzip=gzip,
        brotli=brotli,
        compress=given["Compress"],
        attached=attached,
        headers_policy=headers_policy,
        keys=await _keys(tx, given),
        realtime=await realtime_logs.get(tx, str(given.get("RealtimeLogConfigArn") or "").rpartition("/")[2]),
    )


async def _keys(tx: Transaction, given: Mapping[str, Any]) -> dict[str, str] | None:
    """The public keys (PEM by id) whose signatures a behaviour wants; None where it wants none."""
    trusted = given["TrustedKeyGroups"]
    if not trusted["Enabled"]:
        return None
    found: dict[str, str] = {}
    for id in items(trusted):
        group = await configured.get(tx, KEY_GROUP.name, id)
        for key_id in group.config["Items"] if group is not None else ():
            key = await configured.get(tx, PUBLIC_KEY.name, key_id)
            if key is not None:
                found[key_id] = key.config["EncodedKey"]
    return found
