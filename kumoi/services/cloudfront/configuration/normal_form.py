"""A distribution's configuration in full: what a client leaves out gets the value that CloudFront answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudfront.configuration.reading import items

_METHODS = {"Quantity": 2, "Items": ["HEAD", "GET"]}
_NOBODY = {"Enabled": False, "Quantity": 0}


def listed(values: list[Any]) -> dict[str, Any]:
    """One of the API's lists."""
    return {"Quantity": len(values), "Items": values} if values else {"Quantity": 0}


def full(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with every default filled in."""
    certificate = config.get("ViewerCertificate") or {}
    if not any(certificate.get(name) for name in ("ACMCertificateArn", "IAMCertificateId")):
        certificate = {
            "CloudFrontDefaultCertificate": True,
            "SSLSupportMethod": "vip",
            "MinimumProtocolVersion": "TLSv1",
            "CertificateSource": "cloudfront",
            **certificate,
        }
    return {
        "Aliases": {"Quantity": 0},
        "DefaultRootObject": "",
        "OriginGroups": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
        "Logging": {"Enabled": False, "IncludeCookies": False, "Bucket": "", "Prefix": ""},
        "PriceClass": "PriceClass_All",
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": False,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
        **config,
        "ViewerCertificate": certificate,
        "Origins": listed([_origin(one) for one in items(config["Origins"])]),
        "DefaultCacheBehavior": _behaviour(config["DefaultCacheBehavior"]),
        "CacheBehaviors": listed([_behaviour(one) for one in items(config.get("CacheBehaviors"))]),
    }


def _origin(given: Mapping[str, Any]) -> dict[str, Any]:
    origin = {
        "OriginPath": "",
        "CustomHeaders": {"Quantity": 0},
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        "OriginAccessControlId": "",
        **given,
    }
    if "CustomOriginConfig" in origin:
        origin["CustomOriginConfig"] = {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginSslProtocols": {"Quantity": 2, "Items": ["TLSv1", "SSLv3"]},
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
            **origin["CustomOriginConfig"],
        }
    return origin


def _behaviour(given: Mapping[str, Any]) -> dict[str, Any]:
    methods = given.get("AllowedMethods") or _METHODS
    methods = {**methods, "CachedMethods": methods.get("CachedMethods") or _METHODS}
    behaviour = {
        "TrustedSigners": _NOBODY,
        "TrustedKeyGroups": _NOBODY,
        "SmoothStreaming": False,
        "Compress": False,
        "LambdaFunctionAssociations": {"Quantity": 0},
        "FunctionAssociations": {"Quantity": 0},
        "FieldLevelEncryptionId": "",
        "GrpcConfig": {"Enabled": False},
        **given,
        "AllowedMethods": methods,
    }
    if "ForwardedValues" in behaviour:
        behaviour = {"MinTTL": 0, "DefaultTTL": 86_400, "MaxTTL": 31_536_000, **behaviour}
    return behaviour
