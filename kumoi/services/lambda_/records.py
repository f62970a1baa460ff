"""What Lambda stores: a function's head (what all its versions share) and its versions, `$LATEST` being number 0."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.services.lambda_.identifiers import LATEST
from kumoi.state.space import Space


class Code(msgspec.Struct, frozen=True):
    """A deployment package: its base64 SHA-256, its size in bytes, and the blob that holds the zip.

    `directory` is set for a function deployed from a local directory (hot reload): then there is no blob.
    """

    sha256: str
    size: int
    blob: str = ""
    directory: str = ""


class LayerRef(msgspec.Struct, frozen=True):
    """A layer version that a function uses: its ARN and the bytes of its zip."""

    arn: str
    size: int


class Logging(msgspec.Struct, frozen=True):
    """Where and how a function logs; the levels apply to JSON alone."""

    group: str
    format: str = "Text"
    application_level: str | None = None
    system_level: str | None = None


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a function: everything an execution environment is made from.

    `extras` are members that are kept and answered without effect (VpcConfig, KMSKeyArn, FileSystemConfigs, …).
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


heads: Space[FunctionHead] = Space("lambda.function", FunctionHead, lambda head: (head.name,))
versions: Space[Function] = Space("lambda.version", Function, lambda function: (function.name, function.number))
