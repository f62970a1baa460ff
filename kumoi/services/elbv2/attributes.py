"""Attributes of load balancers, listeners and target groups: which there are, their defaults and values; pure.

Source: the API reference's LoadBalancerAttribute, ListenerAttribute and TargetGroupAttribute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kumoi.services.elbv2.errors import invalid

_FLAG = "true|false"
_SECONDS = r"\d{1,6}"

Known = Mapping[str, tuple[str, str]]
"""By key: the default, and the pattern of values."""

BALANCER: Known = {
    "access_logs.s3.enabled": ("false", _FLAG),
    "access_logs.s3.bucket": ("", r".{0,255}"),
    "access_logs.s3.prefix": ("", r".{0,255}"),
    "client_keep_alive.seconds": ("3600", _SECONDS),
    "connection_logs.s3.enabled": ("false", _FLAG),
    "connection_logs.s3.bucket": ("", r".{0,255}"),
    "connection_logs.s3.prefix": ("", r".{0,255}"),
    "deletion_protection.enabled": ("false", _FLAG),
    "health_check_logs.s3.enabled": ("false", _FLAG),
    "health_check_logs.s3.bucket": ("", r".{0,255}"),
    "health_check_logs.s3.prefix": ("", r".{0,255}"),
    "idle_timeout.timeout_seconds": ("60", _SECONDS),
    "load_balancing.cross_zone.enabled": ("true", "true"),
    "routing.http.desync_mitigation_mode": ("defensive", "monitor|defensive|strictest"),
    "routing.http.drop_invalid_header_fields.enabled": ("false", _FLAG),
    "routing.http.preserve_host_header.enabled": ("false", _FLAG),
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": ("false", _FLAG),
    "routing.http.xff_client_port.enabled": ("false", _FLAG),
    "routing.http.xff_header_processing.mode": ("append", "append|preserve|remove"),
    "routing.http2.enabled": ("true", _FLAG),
    "waf.fail_open.enabled": ("false", _FLAG),
    "zonal_shift.config.enabled": ("false", _FLAG),
}
_RESPONSE_FIELDS = (
    "access_control_allow_credentials",
    "access_control_allow_headers",
    "access_control_allow_methods",
    "access_control_allow_origin",
    "access_control_expose_headers",
    "access_control_max_age",
    "content_security_policy",
    "strict_transport_security",
    "x_content_type_options",
    "x_frame_options",
)
RESPONSE_FIELDS: Mapping[str, str] = {
    f"routing.http.response.{name}.header_value": "-".join(part.capitalize() for part in name.split("_"))
    for name in _RESPONSE_FIELDS
}
"""Listener attributes that put header fields into answers, and the fields."""
LISTENER: Known = {
    "routing.http.response.server.enabled": ("true", _FLAG),
    **dict.fromkeys(RESPONSE_FIELDS, ("", r".{0,1024}")),
}
FUNCTIONS: Known = {"lambda.multi_value_headers.enabled": ("false", _FLAG)}
SERVERS: Known = {
    "deregistration_delay.timeout_seconds": ("300", _SECONDS),
    "load_balancing.algorithm.anomaly_mitigation": ("off", "on|off"),
    "load_balancing.algorithm.type": ("round_robin", "round_robin|least_outstanding_requests|weighted_random"),
    "load_balancing.cross_zone.enabled": (
        "use_load_balancer_configuration",
        "true|false|use_load_balancer_configuration",
    ),
    "slow_start.duration_seconds": ("0", _SECONDS),
    "stickiness.app_cookie.cookie_name": ("", r"[^\s;=]{0,128}"),
    "stickiness.app_cookie.duration_seconds": ("86400", _SECONDS),
    "stickiness.enabled": ("false", _FLAG),
    "stickiness.lb_cookie.duration_seconds": ("86400", _SECONDS),
    "stickiness.type": ("lb_cookie", "lb_cookie|app_cookie"),
    "target_group_health.dns_failover.minimum_healthy_targets.count": ("1", r"off|\d{1,4}"),
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": ("off", r"off|\d{1,3}"),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": ("1", r"\d{1,4}"),
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": ("off", r"off|\d{1,3}"),
}


def of_group(kind: str) -> Known:
    """Those of a target group, by what its targets are."""
    return FUNCTIONS if kind == "lambda" else SERVERS


def told(known: Known, given: Mapping[str, str]) -> list[dict[str, str]]:
    """Every attribute as answers list them."""
    return [{"Key": key, "Value": given.get(key, default)} for key, (default, _) in known.items()]


def changed(what: str, known: Known, before: Mapping[str, str], given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The attributes after a change; ValidationError for keys that there are not and values they cannot have."""
    after = dict(before)
    for one in given:
        key, value = one.get("Key", ""), one.get("Value", "")
        if key not in known:
            raise invalid(f"{what} attribute key '{key}' is not recognized")
        if not re.fullmatch(known[key][1], value):
            raise invalid(f"{what} attribute value '{value}' is not valid for '{key}'")
        after[key] = value
    return after


def value(known: Known, given: Mapping[str, str], key: str) -> str:
    """One attribute's value."""
    return given.get(key, known[key][0])
