"""What is stored of stacks: the stacks, their resources, their change sets, and which name means which stack."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

EVENTS = "cloudformation.events"
"""Name of the streams of events: key (EVENTS, stack id)."""


STACK = "AWS::CloudFormation::Stack"


class Output(msgspec.Struct, frozen=True):
    """One output of a stack."""

    key: str
    value: str
    description: str | None = None
    export: str | None = None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What a stack is, or is to be, made from.

    `template` is the text as it was sent, `processed` the same after transforms (JSON). `parameters` are the values as
    given; `looked_up` those that came from Parameter Store. `expanded`: macros have made it what it is.
    """

    template: str
    processed: str
    parameters: dict[str, str] = {}
    looked_up: dict[str, str] = {}
    tags: dict[str, str] = {}
    capabilities: tuple[str, ...] = ()
    expanded: bool = False


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack. `source` is what it is made from, `wanted` what an operation under way turns it into.

    `previous` is what it was made from before its last update. `drift` is what the last look at it has found since
    then, at `drift_checked`. `policy_once` is the stack policy for the update under
    way alone. `parent` and `root` are the ids of the stacks that a nested one belongs to.
    """

    id: str
    name: str
    account: str
    region: str
    status: str
    created: float
    source: Source
    wanted: Source | None = None
    reason: str | None = None
    updated: float | None = None
    deleted: float | None = None
    outputs: tuple[Output, ...] = ()
    imports: tuple[str, ...] = ()
    on_failure: str = "ROLLBACK"
    protected: bool = False
    role: str | None = None
    notifications: tuple[str, ...] = ()
    parent: str | None = None
    root: str | None = None
    policy: str | None = None
    policy_once: str | None = None
    change_set: str | None = None
    previous: Source | None = None
    drift: str = "NOT_CHECKED"
    drift_checked: float | None = None


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A resource as it was made: what identifies it, its type, and the properties it has."""

    physical_id: str
    properties: dict[str, Any]
    attributes: dict[str, Any] = {}
    ref: str | None = None
    token: str = ""
    type: str = ""


class StackResource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a stack. `made` is None until it exists; `before` is what it was before the operation under way.

    `fresh`: the operation under way has made it. `needs` are the resources that must outlive it. `begun` are the
    properties it is about to be made or changed with; `replacing`: as a new resource in place of what it was.
    """

    stack: str
    name: str
    type: str
    status: str
    when: float
    reason: str | None = None
    made: Version | None = None
    before: Version | None = None
    fresh: bool = False
    needs: tuple[str, ...] = ()
    retain: bool = False
    retain_on_failure: bool = False
    retain_replaced: bool = False
    token: str = ""
    begun: dict[str, Any] | None = None
    replacing: bool = False
    drift: str = "NOT_CHECKED"
    drift_checked: float | None = None


class StackEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to a stack or to one of its resources."""

    id: str
    name: str
    physical_id: str
    type: str
    status: str
    when: float
    reason: str | None = None
    properties: str | None = None


class ChangeSet(msgspec.Struct, frozen=True, kw_only=True):
    """A change set: what would change, as the API tells it; `imports`: logical names of what exists to physical ids."""

    id: str
    name: str
    stack: str
    kind: str
    status: str
    execution: str
    created: float
    source: Source
    changes: tuple[dict[str, Any], ...] = ()
    reason: str | None = None
    description: str | None = None
    on_failure: str | None = None
    role: str | None = None
    notifications: tuple[str, ...] = ()
    imports: dict[str, str] = {}


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How a resource was found to differ from its template: IN_SYNC, MODIFIED, DELETED or NOT_CHECKED.

    `expected` and `actual` are properties (JSON), `differences` what differs, as the API tells it.
    """

    stack: str
    name: str
    status: str
    when: float
    expected: str = "{}"
    actual: str = "{}"
    differences: tuple[dict[str, str], ...] = ()


class DriftDetection(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at a whole stack has found."""

    id: str
    stack: str
    status: str
    drifted: int
    when: float


class Callback(msgspec.Struct, frozen=True):
    """A URL that something outside answers on: `id` is its secret part, `topic` what the answers are kept under."""

    id: str
    account: str
    region: str
    topic: str
    single: bool


class Signal(msgspec.Struct, frozen=True):
    """An answer: `body` as it came, for a custom resource; or one of the signals that a resource waits for."""

    topic: str
    unique: str
    body: bytes


class Macro(msgspec.Struct, frozen=True):
    """A macro: the function that transforms templates."""

    name: str
    function: str


class NamedStack(msgspec.Struct, frozen=True):
    """The stack that a name means now."""

    name: str
    id: str


names: Space[NamedStack] = Space("cloudformation.name", NamedStack, lambda one: (one.name,))
stacks: Space[Stack] = Space("cloudformation.stack", Stack, lambda stack: (stack.id,))
resources: Space[StackResource] = Space(
    "cloudformation.resource", StackResource, lambda resource: (resource.stack, resource.name)
)
change_sets: Space[ChangeSet] = Space("cloudformation.change_set", ChangeSet, lambda one: (one.stack, one.name))
drifts: Space[Drift] = Space("cloudformation.drift", Drift, lambda one: (one.stack, one.name))
detections: Space[DriftDetection] = Space("cloudformation.drift_detection", DriftDetection, lambda one: (one.id,))
callbacks: Space[Callback] = Space("cloudformation.callback", Callback, lambda one: (one.id,), scope="global")
signals: Space[Signal] = Space("cloudformation.signal", Signal, lambda one: (one.topic, one.unique))
macros: Space[Macro] = Space("cloudformation.macro", Macro, lambda one: (one.name,))
