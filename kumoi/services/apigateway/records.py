"""What API Gateway stores of REST APIs: times are epoch seconds, members that clients gave stay under AWS's names.

A resource holds its methods, each as GetMethod answers it: with its integration and its responses within.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class RestApi(msgspec.Struct, frozen=True, kw_only=True):
    """An API. `properties` are the members that clients gave; `root` is the id of the resource `/`."""

    id: str
    created: float
    root: str
    properties: dict[str, Any]
    tags: dict[str, str] = {}


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A path of an API, and its methods by HTTP method. `parent` is "" for the root."""

    api: str
    id: str
    path: str
    parent: str = ""
    part: str = ""
    methods: dict[str, dict[str, Any]] = {}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """An authorizer, model, request validator, gateway response or piece of documentation, as it is answered."""

    api: str
    kind: str
    id: str
    properties: dict[str, Any]


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot: the resources, the parts by kind and id, and the API's own members."""

    api: str
    id: str
    created: float
    description: str | None = None
    properties: dict[str, Any] = {}
    resources: list[Resource] = []
    parts: dict[str, dict[str, dict[str, Any]]] = {}


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of an API; `properties` has the members of GetStage beside those that are fields here."""

    api: str
    name: str
    created: float
    updated: float
    deployment: str
    properties: dict[str, Any] = {}
    tags: dict[str, str] = {}


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key; `value` is what clients send."""

    id: str
    value: str
    created: float
    updated: float
    properties: dict[str, Any] = {}
    tags: dict[str, str] = {}


class KeyValue(msgspec.Struct, frozen=True):
    """Which key a value is."""

    value: str
    key: str


class UsagePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A usage plan; `properties` has name, description, apiStages, throttle, quota."""

    id: str
    properties: dict[str, Any]
    tags: dict[str, str] = {}


class PlanKey(msgspec.Struct, frozen=True):
    """An API key in a usage plan."""

    plan: str
    key: str


class PlanOfKey(msgspec.Struct, frozen=True):
    """The same, found by the key."""

    key: str
    plan: str


class Usage(msgspec.Struct, frozen=True):
    """How many requests a key made on a day (`2026-11-29`), and how many its plan left it then."""

    plan: str
    key: str
    day: str
    used: int
    remaining: int


class Account(msgspec.Struct, frozen=True):
    """The account's settings."""

    role: str | None = None


class VpcLink(msgspec.Struct, frozen=True, kw_only=True):
    """A VPC link."""

    id: str
    properties: dict[str, Any]
    tags: dict[str, str] = {}


class ClientCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A client certificate, in PEM."""

    id: str
    created: float
    pem: str
    description: str | None = None
    tags: dict[str, str] = {}


client_certificates: Space[ClientCertificate] = Space(
    "apigateway.client_certificate", ClientCertificate, lambda one: (one.id,)
)
vpc_links: Space[VpcLink] = Space("apigateway.vpc_link", VpcLink, lambda one: (one.id,))
rest_apis: Space[RestApi] = Space("apigateway.api", RestApi, lambda api: (api.id,), remembered=True)
resources: Space[Resource] = Space("apigateway.resource", Resource, lambda one: (one.api, one.id))
parts: Space[Part] = Space("apigateway.part", Part, lambda part: (part.api, part.kind, part.id))
deployments: Space[Deployment] = Space(
    "apigateway.deployment", Deployment, lambda one: (one.api, one.id), remembered=True
)
stages: Space[Stage] = Space("apigateway.stage", Stage, lambda stage: (stage.api, stage.name), remembered=True)
api_keys: Space[ApiKey] = Space("apigateway.key", ApiKey, lambda key: (key.id,), remembered=True)
key_values: Space[KeyValue] = Space("apigateway.key_value", KeyValue, lambda one: (one.value,), remembered=True)
usage_plans: Space[UsagePlan] = Space("apigateway.plan", UsagePlan, lambda plan: (plan.id,), remembered=True)
plan_keys: Space[PlanKey] = Space("apigateway.plan_key", PlanKey, lambda one: (one.plan, one.key))
plans_of_keys: Space[PlanOfKey] = Space("apigateway.plan_of_key", PlanOfKey, lambda one: (one.key, one.plan))
usages: Space[Usage] = Space("apigateway.usage", Usage, lambda one: (one.plan, one.key, one.day))
accounts: Space[Account] = Space("apigateway.account", Account, lambda _: ())
