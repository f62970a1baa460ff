"""What CloudFront stores. It is a global service: records belong to an account, to no region.

Configurations are kept as the API has them. Times are epoch seconds. A distribution's change reaches the POPs over
`deployment` seconds from `changed` on; until then they serve `previous`. Nothing has to run for that: which one a POP
serves follows from the time.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution. `label` is the first part of its domain name; `previous` what it was before the last change."""

    id: str
    label: str
    etag: str
    config: dict[str, Any]
    created: float
    changed: float
    deployment: float = 0.0
    staggered: bool = False
    previous: dict[str, Any] | None = None
    staging: bool = False
    tags: dict[str, str] = {}
    monitoring: dict[str, Any] | None = None

    @property
    def domain(self) -> str:
        """The domain name that CloudFront gave it."""
        return f"{self.label}.cloudfront.net"

    def deployed(self, now: float) -> bool:
        """Whether the last change has reached every POP."""
        return now >= self.changed + self.deployment


class Place(msgspec.Struct, frozen=True):
    """Whose distribution a name means: an id, the label of a domain name, or an alias (`*.example.com` too)."""

    name: str
    account: str
    distribution: str


class Configured(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that is little more than its configuration: a policy, an access control, a key."""

    kind: str
    id: str
    etag: str
    created: float
    modified: float
    config: dict[str, Any]
    secret: str = ""


class RealtimeLog(msgspec.Struct, frozen=True, kw_only=True):
    """A real-time log configuration: which fields of how many requests (percent) go to which Kinesis streams."""

    name: str
    fields: tuple[str, ...]
    rate: int
    endpoints: tuple[dict[str, Any], ...]


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudFront function as it is in one stage."""

    etag: str
    code: bytes
    config: dict[str, Any]
    modified: float


class EdgeFunction(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudFront function: what is worked on, and what was published last."""

    name: str
    created: float
    development: Stage
    live: Stage | None = None


class KeyValueStore(msgspec.Struct, frozen=True, kw_only=True):
    """A key value store. `etag` is of its comment, `version` (the data API's ETag) of its pairs."""

    name: str
    id: str
    etag: str
    version: str
    comment: str
    created: float
    modified: float
    count: int = 0
    size: int = 0


class KeyValue(msgspec.Struct, frozen=True):
    """One pair of a key value store."""

    store: str
    key: str
    value: str


class Invalidation(msgspec.Struct, frozen=True, kw_only=True):
    """Paths whose cached objects from before `created` are not used any more. `epoch` orders them."""

    distribution: str
    id: str
    created: float
    epoch: int
    reference: str
    paths: tuple[str, ...]


distributions: Space[Distribution] = Space(
    "cloudfront.distribution", Distribution, lambda one: (one.id,), scope="account", remembered=True
)
places: Space[Place] = Space("cloudfront.place", Place, lambda place: (place.name,), scope="global", remembered=True)
configured: Space[Configured] = Space(
    "cloudfront.configured", Configured, lambda one: (one.kind, one.id), scope="account", remembered=True
)
invalidations: Space[Invalidation] = Space(
    "cloudfront.invalidation", Invalidation, lambda one: (one.distribution, one.id), scope="account"
)
functions: Space[EdgeFunction] = Space(
    "cloudfront.function", EdgeFunction, lambda one: (one.name,), scope="account", remembered=True
)
key_value_stores: Space[KeyValueStore] = Space(
    "cloudfront.key_value_store", KeyValueStore, lambda one: (one.name,), scope="account"
)
key_values: Space[KeyValue] = Space("cloudfront.key_value", KeyValue, lambda one: (one.store, one.key), scope="account")
realtime_logs: Space[RealtimeLog] = Space(
    "cloudfront.realtime_log", RealtimeLog, lambda one: (one.name,), scope="account", remembered=True
)
