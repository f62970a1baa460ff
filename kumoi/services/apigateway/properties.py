"""From properties of templates to members of the API, and to patch operations; pure.

Properties are written with a capital, members without; templates may write numbers and booleans as text. The keys of
some maps are the user's own and stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_WHOLE = frozenset(
    ["timeoutInMillis", "authorizerResultTtlInSeconds", "minimumCompressionSize", "burstLimit", "limit", "offset"]
)
_NUMBERS = frozenset(["rateLimit", "percentTraffic"])
_FLAGS = frozenset(
    [
        *("apiKeyRequired", "enabled", "validateRequestBody", "validateRequestParameters", "tracingEnabled"),
        *(
            "disableExecuteApiEndpoint",
            "insecureSkipVerification",
            "cacheClusterEnabled",
            "generateDistinctId",
            "useStageCache",
        ),
    ]
)
_TEXT_MAPS = frozenset(
    ["variables", "stageVariableOverrides", "requestTemplates", "responseTemplates", "requestModels", "responseModels"]
)


def lowered(name: str) -> str:
    """A property's name as the member's."""
    return name[:1].lower() + name[1:]


def typed(name: str, value: Any) -> Any:
    """A property's value as the member's."""
    if name in _WHOLE:
        return int(value)
    if name in _NUMBERS:
        return float(value)
    if name in _FLAGS:
        return as_flag(value)
    if name in _TEXT_MAPS or name in ("requestParameters", "responseParameters"):
        return {str(key): _text(one) for key, one in (value or {}).items()}
    if isinstance(value, dict):
        return {lowered(key): typed(lowered(key), one) for key, one in value.items()}
    if isinstance(value, list):
        return [typed("", one) for one in value]
    return value


def as_flag(value: Any) -> bool:
    """A boolean, also where it is written as text."""
    return value if isinstance(value, bool) else str(value).lower() == "true"


def flags(given: Any) -> dict[str, bool]:
    """A map of names to booleans."""
    return {str(name): as_flag(value) for name, value in (given or {}).items()}


def members(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Those of some properties that are stated, as members."""
    return {lowered(name): typed(lowered(name), properties[name]) for name in names if properties.get(name) is not None}


def patch(path: str, value: Any) -> dict[str, str]:
    """The operation that puts a value at a path."""
    return {"op": "replace", "path": path, "value": _text(value)}


def patches(before: Mapping[str, Any], after: Mapping[str, Any], *names: str) -> list[dict[str, str]]:
    """The operations that bring plain properties from what they were to what they are to be."""
    made: list[dict[str, str]] = []
    for name in names:
        if after.get(name) is not None:
            if after[name] != before.get(name):
                made.append(patch(f"/{lowered(name)}", after[name]))
        elif before.get(name) is not None:
            made.append({"op": "remove", "path": f"/{lowered(name)}"})
    return made


def map_patches(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """The operations that bring a map at a path from what it was to what it is to be."""
    gone: Iterable[str] = (name for name in before if name not in after)
    return [
        *({"op": "remove", "path": f"{path}/{escaped(name)}"} for name in gone),
        *(patch(f"{path}/{escaped(name)}", value) for name, value in after.items() if before.get(name) != value),
    ]


def escaped(name: str) -> str:
    """A name as one segment of a path."""
    return str(name).replace("~", "~0").replace("/", "~1")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(str(one) for one in value)
    return str(value)
