"""What API Gateway V2 stores: APIs, their parts, stages, deployments. Times are epoch seconds.

Members that clients give and get back unchanged stay a mapping under AWS's names.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """An API. `properties` are the members of CreateApi that describe it."""

    id: str
    protocol: str
    created: float
    properties: dict[str, Any]
    tags: dict[str, str] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A route, integration, authorizer, model or response; `parent` is the route or integration of a response."""

    api: str
    kind: str
    id: str
    properties: dict[str, Any]
    parent: str = ""
    managed: bool = False


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage; `deployment` is the id of the one it serves, "" before the first."""

    api: str
    name: str
    created: float
    updated: float
    properties: dict[str, Any]
    auto_deploy: bool = False
    deployment: str = ""
    tags: dict[str, str] = {}
    managed: bool = False


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of an API's parts, by kind and id, and of its CORS configuration."""

    api: str
    id: str
    created: float
    description: str | None = None
    auto: bool = False
    cors: dict[str, Any] | None = None
    parts: dict[str, dict[str, dict[str, Any]]] = {}


class VpcLink(msgspec.Struct, frozen=True, kw_only=True):
    """A VPC link."""

    id: str
    name: str
    created: float
    subnets: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tags: dict[str, str] = {}


vpc_links: Space[VpcLink] = Space("apigatewayv2.vpc_link", VpcLink, lambda one: (one.id,))
apis: Space[Api] = Space("apigatewayv2.api", Api, lambda api: (api.id,), remembered=True)
parts: Space[Part] = Space("apigatewayv2.part", Part, lambda part: (part.api, part.kind, part.parent, part.id))
stages: Space[Stage] = Space("apigatewayv2.stage", Stage, lambda stage: (stage.api, stage.name), remembered=True)
deployments: Space[Deployment] = Space(
    "apigatewayv2.deployment", Deployment, lambda one: (one.api, one.id), remembered=True
)
