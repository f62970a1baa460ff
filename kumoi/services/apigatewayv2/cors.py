"""CORS of an HTTP API: preflights are answered by the gateway, answers get its fields in place of the integration's.

Source: "Configure CORS for HTTP APIs".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a request asks what would be allowed."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def preflight(cors: Mapping[str, Any], origin: str) -> list[tuple[str, str]]:
    """What a preflight is answered; nothing for an origin that is not allowed."""
    fields = response_fields(cors, origin)
    if not fields:
        return []
    if cors.get("AllowMethods"):
        fields.append(("Access-Control-Allow-Methods", ",".join(cors["AllowMethods"])))
    if cors.get("AllowHeaders"):
        fields.append(("Access-Control-Allow-Headers", ",".join(cors["AllowHeaders"])))
    if cors.get("MaxAge"):
        fields.append(("Access-Control-Max-Age", str(cors["MaxAge"])))
    return fields


def response_fields(cors: Mapping[str, Any], origin: str | None) -> list[tuple[str, str]]:
    """The fields that an answer to `origin` gets."""
    origins = cors.get("AllowOrigins") or []
    if origin is None or not any(_allows(allowed, origin) for allowed in origins):
        return []
    anybody = "*" in origins
    fields = [("Access-Control-Allow-Origin", "*" if anybody else origin)]
    if not anybody:
        fields.append(("Vary", "Origin"))
    if cors.get("AllowCredentials"):
        fields.append(("Access-Control-Allow-Credentials", "true"))
    if cors.get("ExposeHeaders"):
        fields.append(("Access-Control-Expose-Headers", ",".join(cors["ExposeHeaders"])))
    return fields


def overridden(headers: Sequence[tuple[str, str]], ours: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """An integration's fields, those of CORS replaced by ours."""
    return [*(field for field in headers if not field[0].lower().startswith("access-control-")), *ours]


def _allows(allowed: str, origin: str) -> bool:
    if allowed in ("*", origin):
        return True
    return allowed in ("https://*", "http://*") and origin.startswith(allowed[:-1])
