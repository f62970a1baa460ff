"""Who subscribes to what in one place: a tree of topic levels, so that a message costs its levels, not the filters.

As MQTT says, `+` and `#` at the start do not mean topics that begin with $, and `a/#` means `a`, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from kumoi.services.iot.mqtt.packets import Subscription

SHARED = "$share/"
Clients = dict[str, Subscription]
_NAMES: Mapping[str, tuple[str, ...]] = {"+": ("+",), "#": ("+",)}
"""What may stand in a filter for a level of that name: no client publishes to such, but client ids are in topics."""


class Level:
    """One level of topics: what comes below it, and the clients whose filters end here, by themselves and in groups."""

    __slots__ = ("below", "clients", "groups")

    def __init__(self) -> None:
        self.below: dict[str, Level] = {}
        self.clients: Clients = {}
        self.groups: dict[str, Clients] = {}

    @property
    def empty(self) -> bool:
        """Whether nobody subscribes here or below."""
        return not (self.below or self.clients or self.groups)


class Subscribers:
    """The subscriptions of one place."""

    def __init__(self) -> None:
        self._top = Level()
        self._filters: dict[str, set[str]] = {}
        self._shared = 0
        self._turns = itertools.count()

    @property
    def empty(self) -> bool:
        """Whether nobody subscribes to anything."""
        return self._top.empty

    @property
    def shares(self) -> bool:
        """Whether groups share filters, so that messages of one topic go to different clients."""
        return bool(self._shared)

    def add(self, client: str, subscription: Subscription) -> None:
        """A client subscribes, or changes how."""
        topic_filter = subscription.topic_filter
        group, plain = _parted(topic_filter)
        level = self._top
        for part in plain.split("/"):
            following = level.below.get(part)
            if following is None:
                following = level.below[part] = Level()
            level = following
        clients = level.clients if group is None else level.groups.setdefault(group, {})
        self._shared += group is not None and client not in clients
        clients[client] = subscription
        self._filters.setdefault(client, set()).add(topic_filter)

    def remove(self, client: str, topic_filter: str) -> None:
        """A client no longer subscribes."""
        listed = self._filters.get(client, set())
        if topic_filter not in listed:
            return
        listed.discard(topic_filter)
        if not listed:
            del self._filters[client]
        group, plain = _parted(topic_filter)
        parts, path = plain.split("/"), [self._top]
        for part in parts:
            path.append(path[-1].below[part])
        level = path[-1]
        if group is None:
            del level.clients[client]
        else:
            del level.groups[group][client]
            self._shared -= 1
            if not level.groups[group]:
                del level.groups[group]
        for above, part in zip(reversed(path[:-1]), reversed(parts), strict=True):
            if not above.below[part].empty:
                break
            del above.below[part]

    def remove_all(self, client: str) -> None:
        """A client subscribes to nothing."""
        for topic_filter in list(self._filters.get(client, ())):
            self.remove(client, topic_filter)

    def of(self, topic: str, publisher: str | None) -> dict[str, int]:
        """The clients that get a message, with the highest QoS of each; one of a group that shares a filter."""
        found: dict[str, int] = {}
        for level in self._meant(topic):
            chosen = list(level.clients.items())
            for members in level.groups.values():
                listed = list(members.items())
                chosen.append(listed[next(self._turns) % len(listed)])
            for client, subscription in chosen:
                if not (subscription.no_local and client == publisher):
                    found[client] = max(found.get(client, 0), subscription.qos)
        return found

    def _meant(self, topic: str) -> Iterator[Level]:
        """The levels at which filters end that mean a topic."""
        at, plain = [self._top], topic.startswith("$")
        for part in topic.split("/"):
            following: list[Level] = []
            for level in at:
                below = level.below
                names = (part,) if plain else _NAMES.get(part, (part, "+"))
                if not plain and "#" in below:
                    yield below["#"]
                following += [below[name] for name in names if name in below]
            at, plain = following, False
            if not at:
                return
        for level in at:
            yield level
            if "#" in level.below:
                yield level.below["#"]


def _parted(topic_filter: str) -> tuple[str | None, str]:
    """The group that shares a filter, None without one, and the filter."""
    if not topic_filter.startswith(SHARED):
        return None, topic_filter
    group, _, plain = topic_filter.removeprefix(SHARED).partition("/")
    return group, plain
