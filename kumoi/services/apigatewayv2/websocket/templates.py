"""Mapping templates of WebSocket APIs: how a message is rewritten for an integration, and its answer for the client.

Source: "API Gateway WebSocket API mapping template reference".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kumoi.http_api import mapping_templates
from kumoi.http_api.mapping_templates import UTIL, input_of
from kumoi.services.apigatewayv2.websocket.occasion import Occasion
from kumoi.vtl import Template, VtlError

__all__ = ["VtlError", "problem", "rendered"]


def problem(source: str) -> str | None:
    """Why a template cannot be read; None for one that can."""
    try:
        _compiled(source)
    except VtlError as error:
        return str(error)
    return None


async def rendered(source: str, body: str, occasion: Occasion) -> str:
    """A template with the values of a body and of an event; raises VtlError."""
    incoming = occasion.incoming

    def known() -> dict[str, Any]:
        params: dict[str, dict[str, str]] = {"path": {}, "querystring": {}, "header": {}}
        if incoming is not None:
            params["querystring"] = {name: values[-1] for name, values in incoming.parameters.items()}
            params["header"] = dict(incoming.fields)
        return {
            "input": input_of(body, params),
            "util": UTIL,
            "context": occasion.context(),
            "stageVariables": dict(occasion.variables),
        }

    return await mapping_templates.rendered(_compiled(source), known, len(body))


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return Template(source)
