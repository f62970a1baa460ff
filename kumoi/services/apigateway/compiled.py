"""Deployments made ready for requests: routes as a tree, templates and schemas read once; they never change.

What reads templates and schemas is imported when the first comes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kumoi.http_api.routing import RouteTable
from kumoi.policy import Policy
from kumoi.services.apigateway.records import Deployment
from kumoi.services.apigateway.resource_policy import compiled_policy

if TYPE_CHECKING:
    from kumoi.http_api.models import Schema
    from kumoi.vtl import Template

_KEPT = 256
_TEMPLATES_KEPT = 1024


class CompiledDeployment:
    """What requests to a stage need of its deployment."""

    def __init__(self, deployment: Deployment) -> None:
        self.id = deployment.id
        self.properties = deployment.properties
        self.binary_types = tuple(deployment.properties.get("binaryMediaTypes") or ())
        self.authorizers: Mapping[str, Mapping[str, Any]] = deployment.parts.get("Authorizer", {})
        self.validators: Mapping[str, Mapping[str, Any]] = deployment.parts.get("RequestValidator", {})
        self.gateway_responses: Mapping[str, Mapping[str, Any]] = deployment.parts.get("GatewayResponse", {})
        self.routes = RouteTable(
            {
                "RouteKey": f"{name} {resource.path}",
                "resource": resource,
                "method": method,
            }
            for resource in deployment.resources
            for name, method in resource.methods.items()
        )
        self._deployment = deployment
        self._policy: Policy | None = None
        self._models: Mapping[str, Mapping[str, Any]] = deployment.parts.get("Model", {})
        self._schemas: dict[str, Schema] = {}

    def policy(self, region: str, account: str) -> Policy | None:
        """The API's resource policy, if it has one."""
        text = self.properties.get("policy")
        if text and self._policy is None:
            self._policy = compiled_policy(text, region, account, self._deployment.api)
        return self._policy

    async def schema(self, model: str) -> Schema:
        """The schema of a model; raises BadSchema for one that cannot be used."""
        found = self._schemas.get(model)
        if found is None:
            found = self._schemas[model] = await asyncio.to_thread(self._schema, model)
        return found

    def _schema(self, model: str) -> Schema:
        from kumoi.http_api.models import schema_of

        return schema_of(model, self._models)


class CompiledDeployments:
    """Deployments made ready, and templates by their text; what was not used for long goes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], CompiledDeployment] = OrderedDict()
        self._templates: OrderedDict[str, Template] = OrderedDict()

    def of(self, deployment: Deployment) -> CompiledDeployment:
        """A deployment made ready."""
        key = (deployment.api, deployment.id)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = CompiledDeployment(deployment)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found

    def template(self, source: str) -> Template:
        """A template, read; raises VtlError."""
        found = self._templates.get(source)
        if found is None:
            from kumoi.vtl import Template

            found = self._templates[source] = Template(source)
            if len(self._templates) > _TEMPLATES_KEPT:
                self._templates.popitem(last=False)
        else:
            self._templates.move_to_end(source)
        return found
