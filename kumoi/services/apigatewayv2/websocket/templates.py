"""Mapping templates of WebSocket APIs, as far as they only put values in place: `$input.path('$.x')`, `$context.y`.

Velocity's directives (`#set`, `#foreach`, …) and its other variables are refused where a template is given. Pure.
Source: "API Gateway WebSocket API mapping template reference".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.services.apigatewayv2.websocket.selection import as_text, member

_TERM = re.compile(
    r"""\$(?:
    (?P<input>input\.(?:body\b|(?P<how>json|path)\(\s*(?P<quote>['"])\$\.?(?P<path>[^'"]*)(?P=quote)\s*\)))
    |(?P<open>\{)?(?:context\.(?P<context>[A-Za-z0-9_.]+)|stageVariables\.(?P<variable>[A-Za-z0-9_]+))(?(open)\})
    )""",
    re.VERBOSE,
)
_DIRECTIVE = re.compile(r"#(?:set|if|else|elseif|end|foreach|macro|include|parse|stop|break|evaluate|define)\b")


def refused(template: str) -> str | None:
    """What of a template is not served; None where all of it is."""
    if match := _DIRECTIVE.search(template):
        return match[0]
    rest = _TERM.sub("", template)
    match = re.search(r"\$!?\{?[A-Za-z_][A-Za-z0-9_.]*", rest)
    return None if match is None else match[0]


def rendered(template: str, body: str, context: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """A template with its values in place; what does not exist is empty."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None

    def term(match: re.Match[str]) -> str:
        if match["input"]:
            if match["how"] is None:
                return body
            found = member(value, match["path"])
            if match["how"] == "json":
                return orjson.dumps(found).decode()
            return "" if found is None else as_text(found)
        if match["variable"]:
            return variables.get(match["variable"], "")
        found = member(context, match["context"])
        return "" if found is None else as_text(found)

    return _TERM.sub(term, template)
