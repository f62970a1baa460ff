"""Properties of templates as members of the API: lists get their Quantity, texts become numbers, names the API's.

Pure. The API's model says what each member is; the few names and places that differ stand in tables here.
Source: "CloudFront resource type reference" of the CloudFormation guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.wire.errors import aws_error
from kumoi.wire.model import Shape

_RENAMED = {
    "IPV6Enabled": "IsIPV6Enabled",
    "AcmCertificateArn": "ACMCertificateArn",
    "IamCertificateId": "IAMCertificateId",
    "SslSupportMethod": "SSLSupportMethod",
    "OriginCustomHeaders": "CustomHeaders",
    "OriginSSLProtocols": "OriginSslProtocols",
    "Locations": "Items",
    "SourceArn": "SourceARN",
}


def converted(shape: Shape, value: Any, where: str = "") -> Any:
    """A property's value as the member of this shape; raises ValidationError for what the API does not have."""
    if shape.type == "structure":
        return _structure(shape, value, where)
    if shape.type == "list":
        values = value if isinstance(value, list) else [value]
        return [converted(shape.item, one, where) for one in values]
    if shape.type == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    try:
        if shape.type in ("integer", "long"):
            return int(value)
        if shape.type in ("double", "float"):
            return float(value)
    except (TypeError, ValueError):
        raise aws_error("ValidationError", f"Property {where} is no number: {value!r}") from None
    return value if isinstance(value, str | bytes) else str(value)


def _structure(shape: Shape, value: Any, where: str) -> dict[str, Any]:
    counted = "Quantity" in shape.members and "Items" in shape.members
    if counted and isinstance(value, list):
        value = {"Items": value}
    if not isinstance(value, Mapping):
        raise aws_error("ValidationError", f"Property {where} must be an object.")
    found: dict[str, Any] = {}
    for name, inner in value.items():
        member = _RENAMED.get(name, name)
        if member not in shape.members:
            raise aws_error("ValidationError", f"Encountered unsupported property {where}.{name}".replace(" .", " "))
        found[member] = converted(shape.members[member], inner, f"{where}.{name}".lstrip("."))
    if counted:
        items = found.get("Items", [])
        found["Quantity"] = len(items)
        if not items:
            found.pop("Items", None)
        if "Enabled" in shape.members:
            found.setdefault("Enabled", bool(items))
    return found


def distribution_config(properties: Mapping[str, Any]) -> dict[str, Any]:
    """A template's DistributionConfig with its parts where the API has them."""
    config = dict(properties)
    config["DefaultCacheBehavior"] = _behaviour(config.get("DefaultCacheBehavior") or {})
    if "CacheBehaviors" in config:
        config["CacheBehaviors"] = [_behaviour(one) for one in config["CacheBehaviors"]]
    config.setdefault("Comment", "")
    config.setdefault("Enabled", True)
    if isinstance(config.get("Logging"), Mapping):
        logging = config["Logging"]
        config["Logging"] = {
            "Enabled": bool(logging.get("Bucket")),
            "IncludeCookies": False,
            "Bucket": "",
            "Prefix": "",
            **logging,
        }
    return config


def _behaviour(given: Mapping[str, Any]) -> dict[str, Any]:
    behaviour = dict(given)
    allowed, cached = behaviour.pop("AllowedMethods", None), behaviour.pop("CachedMethods", None)
    if allowed is not None or cached is not None:
        methods: dict[str, Any] = {"Items": allowed or ["GET", "HEAD"]}
        if cached is not None:
            methods["CachedMethods"] = cached
        behaviour["AllowedMethods"] = methods
    return behaviour
