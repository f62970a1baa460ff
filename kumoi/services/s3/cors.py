"""CORS: what a bucket's rules may say, and what they answer to a browser; pure.

Rules: "Using cross-origin resource sharing (CORS)" in the S3 user guide, and recorded answers of the service.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import HeaderList
from kumoi.wire.xml_shapes import malformed

MAX_RULES = 100
_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "HEAD"})
VARY = ("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method")

NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method /"
    " Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


def checked(content: dict[str, Any]) -> dict[str, Any]:
    """A CORSConfiguration that may be stored; raises InvalidRequest or MalformedXML."""
    rules = content["CORSRules"]
    if not rules or len(rules) > MAX_RULES:
        raise malformed()
    for rule in rules:
        for method in rule["AllowedMethods"]:
            if method not in _METHODS:
                raise aws_error(
                    "InvalidRequest",
                    f"Found unsupported HTTP method in CORS config. Unsupported method is {method}",
                )
        for member, what in (("AllowedOrigins", "AllowedOrigin"), ("AllowedHeaders", "AllowedHeader")):
            for text in rule.get(member, ()):
                if text.count("*") > 1:
                    raise aws_error("InvalidRequest", f'{what} "{text}" can not have more than one wildcard.')
        for text in rule.get("ExposeHeaders", ()):
            if "*" in text:
                raise aws_error(
                    "InvalidRequest",
                    f'ExposeHeader "{text}" contains wildcard. We currently do not support wildcard for ExposeHeader.',
                )
    return content


def answer(rules: Sequence[dict[str, Any]], origin: str, method: str, asked: Sequence[str] = ()) -> HeaderList | None:
    """The headers of the first rule that lets `origin` use `method` with the headers `asked`; None where none does."""
    lowered = [name.lower() for name in asked]
    for rule in rules:
        if method in rule["AllowedMethods"] and _allows(rule, origin, lowered):
            return _headers(rule, origin, lowered)
    return None


def requested_headers(text: str | None) -> list[str]:
    """The names in an Access-Control-Request-Headers."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def forbidden(text: str, method: str, resource_type: str) -> AwsError:
    """AccessForbidden."""
    return aws_error("AccessForbidden", text, status=403, Method=method, ResourceType=resource_type)


def _allows(rule: dict[str, Any], origin: str, asked: Sequence[str]) -> bool:
    if not any(_matches(pattern, origin) for pattern in rule["AllowedOrigins"]):
        return False
    allowed = [pattern.lower() for pattern in rule.get("AllowedHeaders", ())]
    return all(any(_matches(pattern, name) for pattern in allowed) for name in asked)


def _matches(pattern: str, text: str) -> bool:
    if "*" not in pattern:
        return pattern == text
    before, _, after = pattern.partition("*")
    return len(text) >= len(before) + len(after) and text.startswith(before) and text.endswith(after)


_UNSAFE = re.compile(r"[\r\n\0]")


def _headers(rule: dict[str, Any], origin: str, asked: Sequence[str]) -> HeaderList:
    if "*" in rule["AllowedOrigins"]:
        headers: HeaderList = [("Access-Control-Allow-Origin", "*")]
    else:
        headers = [("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true")]
    headers.append(("Access-Control-Allow-Methods", ", ".join(rule["AllowedMethods"])))
    if asked:
        headers.append(("Access-Control-Allow-Headers", ", ".join(asked)))
    if rule.get("ExposeHeaders"):
        headers.append(("Access-Control-Expose-Headers", ", ".join(rule["ExposeHeaders"])))
    if rule.get("MaxAgeSeconds") is not None:
        headers.append(("Access-Control-Max-Age", str(rule["MaxAgeSeconds"])))
    return [(name, _UNSAFE.sub("", value)) for name, value in [*headers, VARY]]
