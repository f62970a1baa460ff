"""Messages against the models of their route, where the route has a model selection expression.

Source: "Request validation for WebSocket APIs in API Gateway".
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from kumoi.services.apigatewayv2.records import Deployment
from kumoi.services.apigatewayv2.websocket.selection import choice

if TYPE_CHECKING:
    from kumoi.http_api.models import Schema

_KEPT = 512


class Schemas:
    """Models compiled, by deployment and name; a deployment never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], Schema] = OrderedDict()

    async def of(self, deployment: Deployment, name: str) -> Schema:
        """The schema of a model; raises BadSchema."""
        key = (deployment.api, deployment.id, name)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = await asyncio.to_thread(_schema, deployment, name)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found


def _schema(deployment: Deployment, name: str) -> Schema:
    from kumoi.http_api.models import schema_of  # loads a library that few platforms need

    models = {one["Name"]: {"schema": one["Schema"]} for one in deployment.parts.get("Model", {}).values()}
    return schema_of(name, models)


async def problem_of(body: str, route: Mapping[str, Any], deployment: Deployment, schemas: Schemas) -> str | None:
    """What is wrong with a message; None for one that may go on."""
    expression = route.get("ModelSelectionExpression")
    if not expression:
        return None
    from kumoi.http_api.models import BadSchema

    models = route.get("RequestModels") or {}
    name = models.get(choice(expression, body), models.get("$default"))
    if name is None:
        return "no model of the route matches"
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return f"the message is no JSON: {error}"
    try:
        schema = await schemas.of(deployment, name)
        return "; ".join(await schema.problems(value, len(body))) or None
    except (BadSchema, RecursionError) as error:
        return str(error) or "the schema nests too deep"
