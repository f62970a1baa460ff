"""Resources with tags: what a service's `tagged.py` tells of them, and how their tags are changed, by its own calls.

Such a module has `async def tagged(state)`, which answers all that the service has in a place, and `retag`, which is a
`Retagging` where the service's operations are like most services'.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.doorway.call import Call
from kumoi.names import Arn


class Tagged(NamedTuple):
    """A resource: its ARN, and the tags it has; it may have none.

    `beside` says that it is another service's, which may not know of these tags.
    """

    arn: str
    tags: Mapping[str, str]
    beside: bool = False


Retag = Callable[[Call, str, Mapping[str, str], Sequence[str]], Awaitable[None]]
"""Adds tags to a resource, by its ARN, and takes keys away, on behalf of a call; raises the service's error."""


class Retagging(NamedTuple):
    """The operations of a service that add tags and take them away, and what their members are called.

    `pair` names the members of a tag in a list; None: tags are a mapping. `named` makes the members that name a
    resource out of its ARN, where that is not the member `resource`.
    """

    service: str
    tag: str = "TagResource"
    untag: str = "UntagResource"
    resource: str = "ResourceArn"
    tags: str = "Tags"
    keys: str = "TagKeys"
    pair: tuple[str, str] | None = None
    named: Callable[[str], Mapping[str, Any]] | None = None

    async def __call__(self, call: Call, arn: str, added: Mapping[str, str], removed: Sequence[str]) -> None:
        """Change the tags of a resource on behalf of a call."""
        named = {self.resource: arn} if self.named is None else dict(self.named(arn))
        if added:
            await call.to(self.service, self.tag, **named, **{self.tags: self._written(added)})
        if removed:
            await call.to(self.service, self.untag, **named, **{self.keys: list(removed)})

    def _written(self, tags: Mapping[str, str]) -> Any:
        if self.pair is None:
            return dict(tags)
        name, value = self.pair
        return [{name: key, value: text} for key, text in tags.items()]


KEY_VALUE = ("Key", "Value")
"""How most services write a tag in a list."""

_BARE = {"s3": "bucket", "sqs": "queue", "sns": "topic"}
"""How resources are called whose ARN does not say what they are."""


def is_of_type(arn: str, wanted: str) -> bool:
    """Whether a resource is of a type: `lambda`, or `lambda:function`."""
    service, _, kind = wanted.partition(":")
    found = Arn.parse(arn)
    if found.service != service:
        return False
    resource = found.resource.removeprefix("/")
    return not kind or kind == _BARE.get(service) or resource.startswith((f"{kind}/", f"{kind}:"))
