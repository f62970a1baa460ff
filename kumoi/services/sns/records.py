"""What SNS stores. Times are epoch seconds; everything about a topic lies in the topic's account and region.

Rows beside the records: (RECENT, topic id, expires in ms, scope, deduplication id) for what FIFO topics accepted
lately; (BUSY, lane) while the first delivery of a FIFO subscription's group is under way; counters under SEQUENCE.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kumoi.delivery import Delivery
from kumoi.names import arn
from kumoi.state.space import Space

RECENT = "sns.recent"
BUSY = "sns.busy"
SEQUENCE = "sns.sequence"


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic. `id` tells it from an earlier one of the same name; `attributes` are those that were set.

    `archived_since` is when its ArchivePolicy was set, where it has one.
    """

    name: str
    id: str
    account: str
    region: str
    created: float
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    data_protection: str | None = None
    archived_since: float = 0.0

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order of its groups."""
        return self.attributes.get("FifoTopic") == "true"

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return arn("sns", self.region, self.account, self.name)


class Replay(msgspec.Struct, frozen=True):
    """A replay out of a topic's archive. `id` tells it from the subscription's earlier ones.

    `cursor` is how far it has come (a moment in ms, and the sequence number of a message of it), `end` the last moment
    of which the subscription gets messages, None without such an end.
    """

    id: str
    cursor: tuple[int, ...]
    end: int | None
    status: Literal["Pending", "In progress", "Completed", "Failed"] = "Pending"

    def lets_pass(self, moment: int) -> bool:
        """Whether the subscription gets at once what is published at a moment."""
        return self.status in ("Completed", "Failed") and (self.end is None or moment <= self.end)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. `token` confirms it while it is `pending`.

    `authenticated`: whether the confirmation was signed. `guarded`: whether only signed requests may end it. `replay`
    is the one that its ReplayPolicy asked for.
    """

    topic: str
    id: str
    arn: str
    owner: str
    principal: str
    protocol: str
    endpoint: str
    created: float
    attributes: dict[str, str] = {}
    pending: bool = False
    token: str = ""
    authenticated: bool = True
    guarded: bool = False
    replay: Replay | None = None


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a confirmation token stands for: a subscription as it will be once confirmed (or restored)."""

    token: str
    subscription: Subscription


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted message of a FIFO topic, by its deduplication id: what a duplicate is answered."""

    topic: str
    scope: str
    deduplication: str
    message: str
    number: str
    expires: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that waits for an earlier one of its lane: a FIFO subscription's group."""

    lane: str
    sequence: int
    delivery: Delivery


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """A platform application: how mobile pushes would be sent."""

    platform: str
    name: str
    arn: str
    attributes: dict[str, str]


class PlatformEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An app on a device, registered with a platform application."""

    platform: str
    application: str
    id: str
    arn: str
    attributes: dict[str, str]


class SmsSettings(msgspec.Struct, frozen=True):
    """An account's settings of text messages."""

    attributes: dict[str, str] = {}


topics: Space[Topic] = Space("sns.topic", Topic, lambda topic: (topic.name,), remembered=True)
subscriptions: Space[Subscription] = Space(
    "sns.subscription", Subscription, lambda one: (one.topic, one.id), remembered=True
)
tokens: Space[Token] = Space("sns.token", Token, lambda token: (token.token,))
sent: Space[Sent] = Space("sns.sent", Sent, lambda one: (one.topic, one.scope, one.deduplication))
waiting: Space[Waiting] = Space("sns.waiting", Waiting, lambda one: (one.lane, one.sequence))
applications: Space[Application] = Space("sns.application", Application, lambda one: (one.platform, one.name))
platform_endpoints: Space[PlatformEndpoint] = Space(
    "sns.endpoint", PlatformEndpoint, lambda one: (one.platform, one.application, one.id)
)
sms_settings: Space[SmsSettings] = Space("sns.sms", SmsSettings, lambda _: ())
