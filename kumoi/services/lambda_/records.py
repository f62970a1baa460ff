"""What Lambda stores.

A function's head (what all its versions share), its versions (`$LATEST` being number 0), and what hangs on them:
aliases, policies, URLs, settings for asynchronous invocations, provisioned concurrency; and layers.

A `qualifier` of a stored record is "" for the function itself, else a version's number or an alias's name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.lambda_.identifiers import LATEST
from kumoi.state.space import Space


class Code(msgspec.Struct, frozen=True):
    """A deployment package: its base64 SHA-256, its size in bytes, and the blob that holds the zip.

    `directory` is set for code that lies in a local directory (hot reload): then there is no blob. `image` is the URI
    of a container image: then there is neither.
    """

    sha256: str
    size: int
    blob: str = ""
    directory: str = ""
    image: str = ""


class LayerRef(msgspec.Struct, frozen=True):
    """A layer version that a function uses, and its content: kept even when the layer version is deleted."""

    arn: str
    code: Code


class Logging(msgspec.Struct, frozen=True):
    """Where and how a function logs; the levels apply to JSON alone."""

    group: str
    format: str = "Text"
    application_level: str | None = None
    system_level: str | None = None


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a function: everything an execution environment is made from.

    `extras` are members that are kept and answered (VpcConfig, DeadLetterConfig, SnapStart, …).
    """

    name: str
    version: str = LATEST
    code: Code
    runtime: str
    role: str
    handler: str
    description: str = ""
    timeout: int = 3
    memory_size: int = 128
    tmp_size: int = 512
    environment: dict[str, str] | None = None
    architectures: tuple[str, ...] = ("x86_64",)
    logging: Logging
    layers: tuple[LayerRef, ...] = ()
    tracing_mode: str = "PassThrough"
    revision_id: str
    last_modified: float
    extras: dict[str, Any] = {}

    @property
    def number(self) -> int:
        """0 for $LATEST, else the published number."""
        return 0 if self.version == LATEST else int(self.version)

    def same_as(self, published: Function) -> bool:
        """Whether publishing would only repeat `published`: neither code nor configuration changed since."""
        unchanged = {"version": "", "revision_id": "", "last_modified": 0.0, "description": ""}
        return msgspec.structs.replace(self, **unchanged) == msgspec.structs.replace(published, **unchanged)


class FunctionHead(msgspec.Struct, frozen=True):
    """What the versions of a function share. `next_version` never goes back: numbers are not reused.

    `reserved_concurrency`: None without a reservation, 0 when the function must not run.
    """

    name: str
    next_version: int = 1
    last_published: int = 0
    tags: dict[str, str] = {}
    reserved_concurrency: int | None = None
    recursive_loop: str = "Terminate"
    code_signing: str | None = None
    runtime_management: dict[str, dict[str, str]] = {}


class Alias(msgspec.Struct, frozen=True):
    """A name for a version; `weights` sends a share (0–1) of the invocations to another version."""

    function: str
    name: str
    function_version: str
    description: str
    revision_id: str
    weights: dict[str, float] = {}


class Policy(msgspec.Struct, frozen=True):
    """The resource policy of a function, a version or an alias."""

    function: str
    qualifier: str
    statements: tuple[dict[str, Any], ...]
    revision_id: str


class UrlConfig(msgspec.Struct, frozen=True):
    """A function URL; `cors` as the API has it, None without. Times in epoch seconds."""

    function: str
    qualifier: str
    url_id: str
    auth_type: str
    created: float
    modified: float
    cors: dict[str, Any] | None = None
    invoke_mode: str | None = None


class UrlPlace(msgspec.Struct, frozen=True):
    """Whose a function URL is."""

    url_id: str
    account: str
    region: str
    function: str
    qualifier: str


class EventInvokeConfig(msgspec.Struct, frozen=True):
    """How asynchronous invocations of a qualifier ($LATEST, a version, an alias) are retried, and what follows them."""

    function: str
    qualifier: str
    last_modified: float
    max_attempts: int | None = None
    max_age: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


class ProvisionedConfig(msgspec.Struct, frozen=True):
    """Environments to keep ready for a version, asked for by its number or by an alias. Global: found at the start."""

    account: str
    region: str
    function: str
    qualifier: str
    requested: int
    last_modified: float


class Replication(msgspec.Struct, frozen=True):
    """A version that has copies in other regions."""

    name: str
    version: str
    regions: tuple[str, ...]


class LayerHead(msgspec.Struct, frozen=True):
    """A layer's name; `next_version` never goes back."""

    name: str
    next_version: int = 1


class LayerVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a layer."""

    name: str
    version: int
    code: Code
    description: str
    created: float
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    license: str | None = None
    statements: tuple[dict[str, Any], ...] = ()
    policy_revision: str = ""


class CodeSigningConfig(msgspec.Struct, frozen=True):
    """A code signing configuration: kept, without effect."""

    id: str
    description: str
    publishers: tuple[str, ...]
    policy: str
    last_modified: float
    tags: dict[str, str] = {}


heads: Space[FunctionHead] = Space("lambda.function", FunctionHead, lambda head: (head.name,), remembered=True)
versions: Space[Function] = Space(
    "lambda.version", Function, lambda function: (function.name, function.number), remembered=True
)
aliases: Space[Alias] = Space("lambda.alias", Alias, lambda alias: (alias.function, alias.name), remembered=True)
policies: Space[Policy] = Space(
    "lambda.policy", Policy, lambda policy: (policy.function, policy.qualifier), remembered=True
)
urls: Space[UrlConfig] = Space("lambda.url", UrlConfig, lambda url: (url.function, url.qualifier))
url_places: Space[UrlPlace] = Space("lambda.url_place", UrlPlace, lambda place: (place.url_id,), scope="global")
event_invoke_configs: Space[EventInvokeConfig] = Space(
    "lambda.event_invoke", EventInvokeConfig, lambda config: (config.function, config.qualifier)
)
provisioned: Space[ProvisionedConfig] = Space(
    "lambda.provisioned",
    ProvisionedConfig,
    lambda config: (config.account, config.region, config.function, config.qualifier),
    scope="global",
)
replications: Space[Replication] = Space("lambda.replication", Replication, lambda one: (one.name, one.version))
layer_heads: Space[LayerHead] = Space("lambda.layer", LayerHead, lambda head: (head.name,))
layer_versions: Space[LayerVersion] = Space(
    "lambda.layer_version", LayerVersion, lambda layer: (layer.name, layer.version)
)
code_signing_configs: Space[CodeSigningConfig] = Space(
    "lambda.code_signing", CodeSigningConfig, lambda config: (config.id,)
)
