"""What a health check is like, and how it can be changed; pure. Source: the API reference of HealthCheckConfig."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from kumoi.http_client import is_metadata
from kumoi.services.route53.errors import invalid_input
from kumoi.services.route53.health import ENDPOINT_TYPES

_UNSERVED = ("RoutingControlArn", "EndpointType", "HealthCheckSourceId")
_DEFAULTS: Mapping[str, Any] = {"Inverted": False, "Disabled": False}
_OF_ENDPOINTS: Mapping[str, Any] = {"RequestInterval": 30, "FailureThreshold": 3, "MeasureLatency": False}
_PORTS = {"HTTP": 80, "HTTP_STR_MATCH": 80, "HTTPS": 443, "HTTPS_STR_MATCH": 443}
_RESET = {
    "ChildHealthChecks": "ChildHealthChecks",
    "FullyQualifiedDomainName": "FullyQualifiedDomainName",
    "Regions": "Regions",
    "ResourcePath": "ResourcePath",
}


def read_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a new check with those that are Route 53's own choice; InvalidInput."""
    kind = given["Type"]
    for member in _UNSERVED:
        if member in given:
            raise invalid_input(f"Kumoi's route53 does not serve {member} of health checks.")
    if kind == "RECOVERY_CONTROL":
        raise invalid_input("Kumoi's route53 does not serve health checks of routing controls.")
    config = {**_DEFAULTS, **given}
    if kind in ENDPOINT_TYPES:
        config = {**_OF_ENDPOINTS, **config}
        if kind in _PORTS:
            config.setdefault("Port", _PORTS[kind])
        if kind.startswith("HTTPS"):
            config.setdefault("EnableSNI", True)
    _check(config)
    return config


def updated_config(config: Mapping[str, Any], given: Mapping[str, Any], reset: Sequence[str]) -> dict[str, Any]:
    """The settings after a change; InvalidInput."""
    for member in _UNSERVED:
        if member in given:
            raise invalid_input(f"Kumoi's route53 does not serve {member} of health checks.")
    changed = {**config, **given}
    for element in reset:
        changed.pop(_RESET.get(element, element), None)
    _check(changed)
    return changed


def _check(config: Mapping[str, Any]) -> None:
    kind = config["Type"]
    if kind in ENDPOINT_TYPES:
        _check_endpoint(config, kind)
    elif kind == "CALCULATED":
        if "HealthThreshold" not in config:
            raise invalid_input("HealthThreshold is required for calculated health checks.")
        if len(config.get("ChildHealthChecks", ())) > 256:
            raise invalid_input("A calculated health check has at most 256 children.")
    elif kind == "CLOUDWATCH_METRIC" and "AlarmIdentifier" not in config:
        raise invalid_input("AlarmIdentifier is required for health checks of CloudWatch metrics.")


def _check_endpoint(config: Mapping[str, Any], kind: str) -> None:
    address = config.get("IPAddress")
    if address is None and "FullyQualifiedDomainName" not in config:
        raise invalid_input("An IPAddress or a FullyQualifiedDomainName is required.")
    if kind == "TCP" and "Port" not in config:
        raise invalid_input("Port is required for TCP health checks.")
    if kind.endswith("STR_MATCH") and not config.get("SearchString"):
        raise invalid_input("SearchString is required for health checks that search for a string.")
    if config["RequestInterval"] not in (10, 30):
        raise invalid_input("RequestInterval is 10 or 30 seconds.")
    if address is not None:
        try:
            ip_address(address)
        except ValueError:
            raise invalid_input(f"Invalid IP address: {address}") from None
        if is_metadata(address):
            raise invalid_input(f"Invalid IP address: {address} is not checked.")
    if not str(config.get("ResourcePath", "/")).startswith("/"):
        raise invalid_input("ResourcePath begins with a slash.")
