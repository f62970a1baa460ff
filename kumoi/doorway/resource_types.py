"""Resource types: how a deployment makes, changes and deletes one kind of thing of a service.

A service's `resources.py` declares its types in `RESOURCES`; what deploys (CloudFormation) finds them through the
registry and never imports a service. A type's functions make ordinary calls, so deployments are guarded, traced and on
the map like everything else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kumoi.doorway.call import Trace
from kumoi.doorway.doorway import Doorway
from kumoi.doorway.principal import Principal
from kumoi.names import arn
from kumoi.wire.errors import aws_error


class Resource(NamedTuple):
    """What a type's function made: the physical id, what GetAtt answers, and what Ref answers (None: the id)."""

    physical_id: str
    attributes: Mapping[str, Any] = {}
    ref: str | None = None


class Reading(NamedTuple):
    """A resource as it is now, whoever changed it: what it is, and those properties of its type that can be told.

    A property that it could have and has not is None.
    """

    resource: Resource
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResourceCall:
    """What a type's function is asked to do, and its way to services.

    `properties` are the template's, evaluated; `before` those the resource has now (an update), `physical_id` and
    `attributes` what it was made as; `kind` is its type's name. `token` is random, and the same when the function is
    called again after a crash.
    """

    doorway: Doorway
    caller: Principal
    region: str
    trace: Trace
    stack_name: str
    stack_id: str
    logical_id: str
    properties: Mapping[str, Any]
    token: str
    before: Mapping[str, Any] = field(default_factory=dict)
    physical_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    begun: list[Resource] = field(default_factory=list)
    kind: str = ""

    def begin(self, resource: Resource) -> Resource:
        """Something exists now that has to be deleted should what is left to do fail."""
        self.begun.append(resource)
        return resource

    @property
    def account(self) -> str:
        """The account that is deployed to."""
        return self.caller.account

    async def ask(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation; members that are None are left out."""
        given = {name: value for name, value in params.items() if value is not None}
        answer = await self.doorway.ask(service, operation, given, self.caller, self.region, self.trace)
        return answer or {}

    def name(self, member: str, longest: int, *, suffix: str = "", lower: bool = False) -> str:
        """The name that a property states, or one made of the stack's and the resource's, as CloudFormation does."""
        stated = self.properties.get(member)
        if stated:
            return str(stated)
        room = longest - len(self.token) - len(suffix) - 2
        stack, logical = self.stack_name, self.logical_id
        if len(stack) + len(logical) > room:
            half = room // 2
            stack = stack[: max(half, room - len(logical))]
            logical = logical[: room - len(stack)]
        name = f"{stack}-{logical}-{self.token}{suffix}"
        return name.lower() if lower else name

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a regional resource."""
        return arn(service, self.region, self.account, resource)

    def given(self, *members: str) -> dict[str, Any]:
        """Those of some properties that are stated, under the same names."""
        return {member: self.properties[member] for member in members if member in self.properties}

    def all_tags(self) -> dict[str, str]:
        """The resource's own tags (a list or a mapping) over the stack's, and those CloudFormation adds.

        What Cloud Control makes belongs to no stack: it has its own tags alone.
        """
        stated = self.properties.get("Tags") or {}
        if isinstance(stated, list):
            stated = {tag["Key"]: str(tag["Value"]) for tag in stated}
        own = {name: str(value) for name, value in stated.items()}
        if not self.stack_id:
            return own
        return {
            **self.tags,
            **own,
            "aws:cloudformation:stack-name": self.stack_name,
            "aws:cloudformation:stack-id": self.stack_id,
            "aws:cloudformation:logical-id": self.logical_id,
        }

    def tag_list(self) -> list[dict[str, str]]:
        """The tags as most services take them."""
        return [{"Key": name, "Value": value} for name, value in self.all_tags().items()]

    def required(self, *members: str) -> None:
        """Raise for properties that are missing."""
        missing = [member for member in members if member not in self.properties]
        if missing:
            raise aws_error("ValidationError", f"Encountered unsupported or missing property: {', '.join(missing)}")


Make = Callable[[ResourceCall], Awaitable[Resource]]
Read = Callable[[ResourceCall], Awaitable[Reading]]
Delete = Callable[[ResourceCall], Awaitable[None]]


class Listing(NamedTuple):
    """The operation that lists all resources of a type: `member` has them, `key` of each the physical id.

    `markers` name what tells of a further page in an answer, and in a request. Without `key` a text is listed itself.
    """

    service: str
    operation: str
    member: str
    markers: tuple[str, str]
    key: str = ""

    async def identifiers(self, call: ResourceCall) -> list[str]:
        """The physical ids of all."""
        found: list[str] = []
        given: dict[str, Any] = {}
        while True:
            answer = await call.ask(self.service, self.operation, **given)
            found += [one[self.key] if self.key else one for one in answer.get(self.member) or ()]
            marker = answer.get(self.markers[0])
            if not marker:
                return found
            given = {self.markers[1]: marker}


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One type. A change of a property in `replaced_by` needs a new resource; so does every change without `update`.

    `expected` is the physical id that `create` gives, where that is known before: what a crash left behind is found by
    it, if it was given a name of its own. `read` tells what the resource of `physical_id` is like now, raising its
    service's error where there is none; types with it can be imported, by the property or attribute `identifier`, whose
    value is the physical id, and their drift is detected; with `listing`, too, Cloud Control has them.
    """

    name: str
    create: Make
    delete: Delete
    update: Make | None = None
    replaced_by: frozenset[str] = frozenset()
    expected: Callable[[ResourceCall], str] | None = None
    read: Read | None = None
    identifier: str = ""
    listing: Listing | None = None

    def replaces(self, changed: frozenset[str]) -> bool:
        """Whether a change of these properties needs a new resource."""
        return self.update is None or not self.replaced_by.isdisjoint(changed)
