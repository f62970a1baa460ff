"""What a service's calls need permission for: the facts behind "not authorized to perform … on resource …".

A service's folder declares one `Authorization` (in `authorization.py`, named in its `Service`): which action an
operation is, which resource its parameters address, which condition keys they set, and what policies hang on the
service's own resources. Nothing declared means the action of the operation's name on `*`. Source: "Actions, resources,
and condition keys for AWS services" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from kumoi.doorway.call import Call
from kumoi.policy import Decision, Policy

EVERYTHING = "*"
PASS_ROLE = "iam:PassRole"  # noqa: S105  (an action)

Values = Mapping[str, Sequence[str]]
"""Values of condition keys, the keys in lower case."""

NO_VALUES: Values = MappingProxyType({})


class Ask(NamedTuple):
    """One permission that a call needs: an action on a resource; `context` holds condition keys of this one alone."""

    action: str
    resource: str
    context: Values = NO_VALUES


class Owned(NamedTuple):
    """A resource's side of the question: the account it belongs to (empty: whoever calls), and its policies.

    `arn` is the resource's ARN where the call knows it by a name alone, `context` what condition keys the resource sets
    (its tags). `required` says that these policies have to allow whatever the caller's do (the trust policy of a role);
    `what` is how such a policy is called. `decided` holds decisions about services that will be the same next time: for
    who keeps this until something of it changes.
    """

    account: str
    policies: Sequence[Policy] = ()
    arn: str = ""
    context: Values = NO_VALUES
    required: bool = False
    what: str = "resource-based policy"
    decided: dict[tuple[str, ...], Decision] | None = None


ResourceOf = Callable[[Call], str | Iterable[str]]
AsksOf = Callable[[Call], Iterable[Ask]]
ContextOf = Callable[[Call], Values]
PolicyOf = Callable[[Call, Ask], Awaitable[Owned]]
BesideOf = Callable[[Call], Awaitable[Sequence[Policy] | None]]


def everything(_call: Call) -> str:
    """For operations that address no resource."""
    return EVERYTHING


def no_permission(_call: Call) -> tuple[Ask, ...]:
    """For operations that everybody may call, or that are checked elsewhere."""
    return ()


def pass_role(call: Call, role: str | None, service: str) -> list[Ask]:
    """The permission to hand a role to a service that will act in it; none where no role is given."""
    if not isinstance(role, str) or not role:
        return []
    return [Ask(PASS_ROLE, role, {"iam:passedtoservice": (service,)})]


def resource_tags(tags: Mapping[str, str]) -> dict[str, Sequence[str]]:
    """The condition keys that a resource's tags are."""
    return {f"aws:resourcetag/{key.lower()}": (value,) for key, value in tags.items()}


class Authorization:
    """The facts of one service.

    `prefix` begins its actions' names. `resource` says what an operation addresses, `resources` where one differs;
    `actions` holds the operations whose action has another name; `asks` those that need something else than one action
    on their resources. `context` gives the service's own condition keys. `policy` answers the account of a resource and
    the policies on it; a service without it has no resource policies. `beside` answers the service's own policies of a
    caller, which have to allow what the caller's others do; None for callers that have none. `error` is the code of a
    refusal, `spoken` how actions are spelled in its text, where that is not as in policies.
    """

    def __init__(
        self,
        prefix: str,
        *,
        resource: ResourceOf = everything,
        resources: Mapping[str, ResourceOf] | None = None,
        actions: Mapping[str, str] | None = None,
        asks: Mapping[str, AsksOf] | None = None,
        context: ContextOf | None = None,
        policy: PolicyOf | None = None,
        beside: BesideOf | None = None,
        error: str = "AccessDeniedException",
        spoken: Callable[[str], str] = str,
    ) -> None:
        self.prefix = prefix
        self.context = context
        self.policy = policy
        self.beside = beside
        self.error = error
        self.spoken = spoken
        self._resource = resource
        self._resources = resources or {}
        self._actions = actions or {}
        self._asks = asks or {}
        self._names: dict[str, str] = {}

    def action(self, operation: str) -> str:
        """The action that an operation is, `s3:ListBucket` for ListObjectsV2."""
        name = self._names.get(operation)
        if name is None:
            name = self._names[operation] = f"{self.prefix}:{self._actions.get(operation, operation)}"
        return name

    def asks(self, call: Call) -> Sequence[Ask]:
        """The permissions a call needs, all of them."""
        special = self._asks.get(call.operation)
        if special is not None:
            return tuple(special(call))
        return self.usual(call)

    def usual(self, call: Call) -> Sequence[Ask]:
        """The action of the operation on the resources that its parameters address."""
        action = self.action(call.operation)
        found = self._resources.get(call.operation, self._resource)(call)
        if isinstance(found, str):
            return (Ask(action, found),)
        return [Ask(action, resource) for resource in found]
