"""Conditions of listener rules: checked when they are given, matched against requests; pure.

Source: "Condition types for listener rules". `*` stands for any characters, `?` for one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from kumoi.services.elbv2.errors import invalid, not_built

_CONFIGS = {
    "host-header": "HostHeaderConfig",
    "path-pattern": "PathPatternConfig",
    "http-header": "HttpHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "query-string": "QueryStringConfig",
    "source-ip": "SourceIpConfig",
}
_MOST_VALUES = 5
_MOST_WILDCARDS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as conditions see it. `path` is percent-encoded; `headers` hold every value by lower-case name."""

    host: str
    path: str
    method: str
    query: str
    source: str
    headers: Mapping[str, Sequence[str]]


def checked(conditions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Conditions as they are stored and told: each under its field, with its values; raises ValidationError."""
    if not conditions:
        raise invalid("A rule must have at least one condition")
    found = [_checked(condition) for condition in conditions]
    for field in ("host-header", "path-pattern", "http-request-method", "source-ip"):
        if sum(one["Field"] == field for one in found) > 1:
            raise invalid(f"A rule can only have one '{field}' condition")
    values = [value for one in found for value in _texts(one)]
    if len(values) > _MOST_VALUES:
        raise invalid(f"A rule can only have '{_MOST_VALUES}' condition values")
    if sum(value.count("*") + value.count("?") for value in values) > _MOST_WILDCARDS:
        raise invalid(f"The rule has more than '{_MOST_WILDCARDS}' condition wildcards")
    return found


def _checked(condition: Mapping[str, Any]) -> dict[str, Any]:
    field = condition.get("Field") or next((name for name, one in _CONFIGS.items() if one in condition), None)
    config_name = _CONFIGS.get(field or "")
    if field is None or config_name is None:
        raise invalid(f"Condition field '{field}' must be one of '[{', '.join(_CONFIGS)}]'")
    config = dict(condition.get(config_name) or {})
    if condition.get("RegexValues") or config.get("RegexValues"):
        raise not_built("RegexValues in conditions")
    values = config.get("Values") or condition.get("Values") or []
    if not values:
        raise invalid("A condition value must be specified")
    said: dict[str, Any] = {"Field": field, config_name: {**config, "Values": values}}
    if field in ("host-header", "path-pattern"):
        said["Values"] = values
    if field == "http-header":
        name = config.get("HttpHeaderName")
        if not name or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}", name):
            raise invalid("HttpHeaderName must be 1 to 40 characters of a header field's name")
        if name.lower() == "host":
            raise invalid("A http-header condition cannot name the host header: use host-header")
    if field == "source-ip":
        for value in values:
            _network(value)
    if field == "http-request-method" and not all(re.fullmatch(r"[A-Z_-]{1,40}", value) for value in values):
        raise invalid("HTTP request methods are 1 to 40 characters of A-Z, hyphen and underscore")
    if field == "query-string" and not all(isinstance(one, dict) and one.get("Value") for one in values):
        raise invalid("A query-string condition must have a value")
    for value in _texts(said):
        if not 1 <= len(value) <= 128:
            raise invalid("Condition values must be between '1' and '128' characters long")
    return said


def matches(conditions: Sequence[Mapping[str, Any]], asked: Asked) -> bool:
    """Whether a request meets every condition; of each condition one value is enough."""
    return all(_meets(condition, asked) for condition in conditions)


def _meets(condition: Mapping[str, Any], asked: Asked) -> bool:
    field = condition["Field"]
    config = condition[_CONFIGS[field]]
    values = config["Values"]
    match field:
        case "host-header":
            return any(like(asked.host.lower(), value.lower()) for value in values)
        case "path-pattern":
            return any(like(asked.path, value) for value in values)
        case "http-header":
            sent = asked.headers.get(config["HttpHeaderName"].lower(), ())
            return any(like(one.lower(), value.lower()) for one in sent for value in values)
        case "http-request-method":
            return asked.method in values
        case "query-string":
            sent_pairs = parse_qsl(asked.query, keep_blank_values=True)
            return any(_pair(name, content, value) for name, content in sent_pairs for value in values)
    try:
        address = ipaddress.ip_address(asked.source)
    except ValueError:
        return False
    return any(address in _network(value) for value in values)


def _pair(name: str, content: str, wanted: Mapping[str, str]) -> bool:
    key = wanted.get("Key")
    return (not key or like(name.lower(), key.lower())) and like(content.lower(), wanted["Value"].lower())


def like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern with `*` and `?` (`\\*`, `\\?` and `\\\\` stand for themselves)."""
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    at, token, star, resume = 0, 0, -1, 0
    while at < len(text):
        if token < len(tokens) and tokens[token] == "*":
            star, resume, token = token, at, token + 1
        elif token < len(tokens) and (tokens[token] == "?" or tokens[token][-1] == text[at]):
            at, token = at + 1, token + 1
        elif star >= 0:
            resume += 1
            at, token = resume, star + 1
        else:
            return False
    return all(one == "*" for one in tokens[token:])


def _texts(condition: Mapping[str, Any]) -> list[str]:
    """The values of a condition that may have wildcards, as texts."""
    values = condition[_CONFIGS[condition["Field"]]]["Values"]
    return [one if isinstance(one, str) else f"{one.get('Key') or ''}{one.get('Value') or ''}" for one in values]


def _network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise invalid(f"The CIDR block '{value}' is not valid") from None
