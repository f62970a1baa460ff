"""Dynamic references (`{{resolve:ssm:…}}`, `{{resolve:secretsmanager:…}}`), read when a resource is made or changed.

Source: "Get values stored in other services using dynamic references" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from kumoi.wire.errors import aws_error

Ask = Callable[[str, str, dict[str, Any]], Awaitable[dict[str, Any]]]

_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}")


async def resolve_references(ask: Ask, value: Any) -> Any:
    """A value with its references replaced."""
    if isinstance(value, str):
        if "{{resolve:" not in value:
            return value
        result, end = "", 0
        for match in _REFERENCE.finditer(value):
            result += value[end : match.start()] + await _resolved(ask, match[1], match[2])
            end = match.end()
        return result + value[end:]
    if isinstance(value, list):
        return [await resolve_references(ask, one) for one in value]
    if isinstance(value, dict):
        return {name: await resolve_references(ask, one) for name, one in value.items()}
    return value


async def _resolved(ask: Ask, service: str, reference: str) -> str:
    if service != "secretsmanager":
        name, _, version = reference.partition(":")
        wanted = f"{name}:{version}" if version else name
        secure = service == "ssm-secure"
        found = (await ask("ssm", "GetParameter", {"Name": wanted, "WithDecryption": secure}))["Parameter"]
        if found["Type"] == "SecureString" and not secure:
            raise aws_error("ValidationError", f"Non-secure ssm prefix was used for secure parameter: {name}")
        return str(found["Value"])
    if reference.startswith("arn:"):
        parts = reference.split(":")
        secret, rest = ":".join(parts[:7]), parts[7:]
    else:
        secret, *rest = reference.split(":")
    _, key, stage, version = [*rest, "", "", "", ""][:4]
    params = {"SecretId": secret}
    if stage:
        params["VersionStage"] = stage
    if version:
        params["VersionId"] = version
    text = str((await ask("secretsmanager", "GetSecretValue", params)).get("SecretString", ""))
    if not key:
        return text
    try:
        return str(orjson.loads(text)[key])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise aws_error(
            "ValidationError", f"Could not find a value associated with JSONKey in SecretString of {secret}"
        ) from None
