"""CORS of a function URL: answered by the platform, whatever the function says.

Rules: "Cross-origin resource sharing (CORS)" of function URLs in the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request asks what the URL would allow; such a request is not passed on."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight_headers(cors: Mapping[str, Any], headers: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a preflight is answered; nothing for an origin or method that is not allowed."""
    answer = response_headers(cors, headers.get("origin"))
    wanted = headers.get("access-control-request-method", "")
    methods = cors.get("AllowMethods") or []
    if not answer or ("*" not in methods and wanted not in methods):
        return []
    answer.append(("Access-Control-Allow-Methods", ",".join(methods)))
    if cors.get("AllowHeaders"):
        answer.append(("Access-Control-Allow-Headers", ",".join(cors["AllowHeaders"])))
    if cors.get("MaxAge") is not None:
        answer.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return answer


def response_headers(cors: Mapping[str, Any], origin: str | None) -> list[tuple[str, str]]:
    """The fields that a response to `origin` gets; nothing for an origin that is not allowed."""
    if origin is None or not _allows(cors.get("AllowOrigins") or [], origin):
        return []
    anybody = "*" in cors["AllowOrigins"] and not cors.get("AllowCredentials")
    answer = [("Access-Control-Allow-Origin", "*" if anybody else origin)]
    if not anybody:
        answer.append(("Vary", "Origin"))
    if cors.get("AllowCredentials"):
        answer.append(("Access-Control-Allow-Credentials", "true"))
    if cors.get("ExposeHeaders"):
        answer.append(("Access-Control-Expose-Headers", ",".join(cors["ExposeHeaders"])))
    return answer


def overridden(headers: Sequence[tuple[str, str]], ours: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A function's header fields, those of CORS replaced by ours."""
    kept = [field for field in headers if not field[0].lower().startswith("access-control-")]
    return [*kept, *ours]


def _allows(origins: Sequence[str], origin: str) -> bool:
    for allowed in origins:
        if allowed in ("*", origin):
            return True
        scheme, star, rest = allowed.partition("*")
        if star and origin.startswith(scheme) and origin.endswith(rest) and len(origin) > len(scheme) + len(rest):
            return True
    return False
