"""The policies that AWS manages: the same ids in every account. Source: "Use managed … policies" of the guide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudfront.configuration.normal_form import listed
from kumoi.services.cloudfront.records import Configured

MANAGED_SINCE = 1_591_000_000.0
DAY, YEAR = 86_400, 31_536_000
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"

_CLOUDFRONT_HEADERS = [
    "CloudFront-Forwarded-Proto",
    "CloudFront-Is-Android-Viewer",
    "CloudFront-Is-Desktop-Viewer",
    "CloudFront-Is-IOS-Viewer",
    "CloudFront-Is-Mobile-Viewer",
    "CloudFront-Is-SmartTV-Viewer",
    "CloudFront-Is-Tablet-Viewer",
    "CloudFront-Viewer-Address",
    "CloudFront-Viewer-ASN",
    "CloudFront-Viewer-City",
    "CloudFront-Viewer-Country",
    "CloudFront-Viewer-Country-Name",
    "CloudFront-Viewer-Country-Region",
    "CloudFront-Viewer-Country-Region-Name",
    "CloudFront-Viewer-Http-Version",
    "CloudFront-Viewer-Latitude",
    "CloudFront-Viewer-Longitude",
    "CloudFront-Viewer-Metro-Code",
    "CloudFront-Viewer-Postal-Code",
    "CloudFront-Viewer-Time-Zone",
    "CloudFront-Viewer-TLS",
]
_ORIGIN_CONTROL_HEADERS = ["host", "origin", "x-http-method", "x-http-method-override", "x-method-override"]
_PREFLIGHT = ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"]


def _chosen(behaviour: str, member: str, names: list[str]) -> dict[str, Any]:
    kind = {"Headers": "HeaderBehavior", "Cookies": "CookieBehavior", "QueryStrings": "QueryStringBehavior"}[member]
    return {kind: behaviour, **({member: listed(names)} if names else {})}


def _cache(
    ttl: tuple[int, int, int],
    *,
    gzip: bool = False,
    brotli: bool = False,
    headers: list[str] | None = None,
    cookies: str = "none",
    query: str = "none",
    parameters: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "Comment": "",
        "MinTTL": ttl[0],
        "DefaultTTL": ttl[1],
        "MaxTTL": ttl[2],
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": gzip,
            "EnableAcceptEncodingBrotli": brotli,
            "HeadersConfig": _chosen("whitelist" if headers else "none", "Headers", headers or []),
            "CookiesConfig": _chosen(cookies, "Cookies", []),
            "QueryStringsConfig": _chosen(query, "QueryStrings", parameters or []),
        },
    }


def _forward(headers: str, names: list[str], cookies: str, query: str) -> dict[str, Any]:
    return {
        "Comment": "",
        "HeadersConfig": _chosen(headers, "Headers", names),
        "CookiesConfig": _chosen(cookies, "Cookies", []),
        "QueryStringsConfig": _chosen(query, "QueryStrings", []),
    }


_SIMPLE_CORS = {
    "AccessControlAllowOrigins": listed(["*"]),
    "AccessControlAllowHeaders": listed(["*"]),
    "AccessControlAllowMethods": listed(["GET"]),
    "AccessControlAllowCredentials": False,
    "OriginOverride": False,
}
_PREFLIGHT_CORS = {
    **_SIMPLE_CORS,
    "AccessControlAllowMethods": listed(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]),
    "AccessControlExposeHeaders": listed(["*"]),
}
_SECURITY = {
    "XSSProtection": {"Override": False, "Protection": True, "ModeBlock": True},
    "FrameOptions": {"Override": False, "FrameOption": "SAMEORIGIN"},
    "ReferrerPolicy": {"Override": False, "ReferrerPolicy": "strict-origin-when-cross-origin"},
    "ContentTypeOptions": {"Override": True},
    "StrictTransportSecurity": {
        "Override": False,
        "IncludeSubdomains": False,
        "Preload": False,
        "AccessControlMaxAgeSec": YEAR,
    },
}

_CACHE_POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": (
        "Managed-CachingOptimized",
        _cache((1, DAY, YEAR), gzip=True, brotli=True),
    ),
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": (
        "Managed-CachingOptimizedForUncompressedObjects",
        _cache((1, DAY, YEAR)),
    ),
    CACHING_DISABLED: ("Managed-CachingDisabled", _cache((0, 0, 0))),
    "08627262-05a9-4f76-9ded-b50ca2e3a84f": (
        "Managed-Elemental-MediaPackage",
        _cache(
            (0, DAY, YEAR),
            gzip=True,
            headers=["Origin"],
            query="whitelist",
            parameters=["aws.manifestfilter", "start", "end", "m"],
        ),
    ),
    "2e54312d-136d-493c-8eb9-b001f22f67d2": (
        "Managed-Amplify",
        _cache(
            (2, 2, 600),
            gzip=True,
            brotli=True,
            headers=["Authorization", "CloudFront-Viewer-Country", "Host"],
            cookies="all",
            query="all",
        ),
    ),
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": (
        "UseOriginCacheControlHeaders",
        _cache((0, 0, YEAR), gzip=True, brotli=True, headers=_ORIGIN_CONTROL_HEADERS, cookies="all"),
    ),
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": (
        "UseOriginCacheControlHeaders-QueryStrings",
        _cache((0, 0, YEAR), gzip=True, brotli=True, headers=_ORIGIN_CONTROL_HEADERS, cookies="all", query="all"),
    ),
}
_ORIGIN_REQUEST_POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": ("Managed-AllViewer", _forward("allViewer", [], "all", "all")),
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": (
        "Managed-AllViewerExceptHostHeader",
        _forward("allExcept", ["Host"], "all", "all"),
    ),
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": (
        "Managed-AllViewerAndCloudFrontHeaders-2022-06",
        _forward("allViewerAndWhitelistCloudFront", _CLOUDFRONT_HEADERS, "all", "all"),
    ),
    "59781a5b-3903-41f3-afcb-af62929ccde1": (
        "Managed-CORS-CustomOrigin",
        _forward("whitelist", ["Origin"], "none", "none"),
    ),
    "88a5eaf4-2fd4-4709-b370-b4c650ea3fcf": (
        "Managed-CORS-S3Origin",
        _forward("whitelist", _PREFLIGHT, "none", "none"),
    ),
    "775133bc-15f2-49f9-abea-afb2e0bf67d2": (
        "Managed-Elemental-MediaTailor-PersonalizedManifests",
        _forward("whitelist", [*_PREFLIGHT, "User-Agent", "X-Forwarded-For"], "none", "all"),
    ),
    "acba4595-bd28-49b8-b9fe-13317c0390fa": (
        "Managed-UserAgentRefererHeaders",
        _forward("whitelist", ["User-Agent", "Referer"], "none", "none"),
    ),
    "bf0718e1-ba1e-49d1-88b1-f726733018ae": (
        "Managed-HostHeaderOnly",
        _forward("whitelist", ["Host"], "none", "none"),
    ),
}
_RESPONSE_HEADERS_POLICIES: dict[str, tuple[str, dict[str, Any]]] = {
    "60669652-455b-4ae9-85a4-c4c02393f86c": ("Managed-SimpleCORS", {"CorsConfig": _SIMPLE_CORS}),
    "5cc3b908-e619-4b99-88e5-2cf7f45965bd": ("Managed-CORS-With-Preflight", {"CorsConfig": _PREFLIGHT_CORS}),
    "67f7725c-6f97-4210-82d7-5512b31e9d03": ("Managed-SecurityHeadersPolicy", {"SecurityHeadersConfig": _SECURITY}),
    "e61eb60c-9c35-4d20-a928-2b84e02af89c": (
        "Managed-CORS-and-SecurityHeadersPolicy",
        {"CorsConfig": _SIMPLE_CORS, "SecurityHeadersConfig": _SECURITY},
    ),
    "eaab4381-ed33-4a86-88ca-d9558dc6cd63": (
        "Managed-CORS-with-preflight-and-SecurityHeadersPolicy",
        {"CorsConfig": _PREFLIGHT_CORS, "SecurityHeadersConfig": _SECURITY},
    ),
}


def _all() -> Mapping[str, dict[str, Configured]]:
    tables = {
        "CachePolicy": _CACHE_POLICIES,
        "OriginRequestPolicy": _ORIGIN_REQUEST_POLICIES,
        "ResponseHeadersPolicy": _RESPONSE_HEADERS_POLICIES,
    }
    return {
        kind: {
            id: Configured(
                kind=kind,
                id=id,
                etag="E23ZP02F085DFQ",
                created=MANAGED_SINCE,
                modified=MANAGED_SINCE,
                config={"Comment": "", "Name": name, **config},
            )
            for id, (name, config) in table.items()
        }
        for kind, table in tables.items()
    }


MANAGED: Mapping[str, Mapping[str, Configured]] = _all()
"""The managed policies by kind and id."""
