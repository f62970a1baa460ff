"""What Step Functions stores. Times are epoch seconds; inputs and outputs are JSON texts.

An execution that runs has frames (`Frame`): one for the machine's own flow, one for each branch and iteration that is
under way. A frame is all there is to know to go on after a crash; the history is written beside it, and never read for
that. Both are stored in one transaction.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.state.space import Space

HISTORY_SECONDS = 90 * 86_400.0


class MachineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A state machine. `id` sets it apart from one of the same name deleted before; `version` counts what it published.

    `revision` is "" until the first update. `hash` names its definition.
    """

    name: str
    id: str
    type: str
    hash: str
    role: str
    created: float
    updated: float
    revision: str = ""
    version: int = 0
    logging: dict[str, Any] = {}
    tracing: dict[str, Any] = {}
    encryption: dict[str, Any] = {}
    tags: dict[str, str] = {}


class DefinitionRecord(msgspec.Struct, frozen=True):
    """The text of a definition, kept under its hash for as long as the account stands."""

    hash: str
    text: str


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A published version of a state machine."""

    machine: str
    number: int
    hash: str
    role: str
    revision: str
    created: float
    description: str | None = None


class AliasRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An alias: which versions it leads to, with which weights."""

    machine: str
    name: str
    routes: list[tuple[int, int]]
    created: float
    updated: float
    description: str | None = None


class ExecutionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An execution. `last_event` is the highest id of its history, `deadline` when it times out.

    `map_run` is the ARN of the map run that it is a child of; `mock` names a test case of the mock file. `trace` is the
    header a client gave, `span` the one that tasks go on with; one that is `traced` has its segment below `upstream`.
    """

    machine: str
    name: str
    arn: str
    express: bool
    hash: str
    role: str
    input: str
    status: str
    started: float
    stopped: float | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    version_arn: str | None = None
    alias_arn: str | None = None
    trace: str | None = None
    span: str | None = None
    redrives: int = 0
    redriven: float | None = None
    redrive_token: str | None = None
    last_event: int = 0
    deadline: float | None = None
    map_run: str | None = None
    item_count: int | None = None
    item_index: int | None = None
    mock: str | None = None
    caller: str | None = None
    traced: bool = False
    upstream: str = ""


class ExecutionStart(msgspec.Struct, frozen=True):
    """An execution's place in the list of its machine's, or of its map run's: by when it began."""

    owner: str
    micros: int
    machine: str
    name: str


class Running(msgspec.Struct, frozen=True):
    """An execution that runs: what a start of the platform takes up again."""

    account: str
    region: str
    machine: str
    name: str


class Abandoned(msgspec.Struct, frozen=True):
    """An execution or a map run that nobody waits for any more, and that is to be stopped."""

    job: str
    account: str
    region: str
    execution: str


class Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event of a history. What its details always say (that nothing was cut off) is added where they are shown.

    There are many, and they are in no cycle: the collector has no business with them.
    """

    id: int
    previous: int
    time: float
    type: str
    details: dict[str, Any] | None = None


class Segment(msgspec.Struct, frozen=True, array_like=True):
    """The events of one commit; `first` is the lowest id."""

    execution: str
    first: int
    events: list[Event]


class Early(msgspec.Struct, array_like=True):
    """The outcome of a callback that came before the call that hands out its token was answered."""

    succeeded: bool
    output: str | None = None
    error: str | None = None
    cause: str | None = None


class Frame(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A flow that is under way: at which state, with which input, waiting for what.

    `phase` is enter (the state begins), wait, retry, call (an effect is under way), callback (a token is out), job
    (what a .sync task began), fork (branches or iterations run) or map-run. `previous` is the event that led here;
    `before` the one that led to the state, `entered_id` the state's own Entered event. `counts` has the retries of each
    retrier. `scheduled` is the event that began the present attempt of a task, its effect's key; `fork` the one that
    began the branches or iterations under way.
    """

    id: int
    parent: int = -1
    index: int = 0
    state: str
    input: Any = None
    text: str | None = None
    variables: dict[str, Any] = {}
    previous: int = 0
    before: int = 0
    phase: str = "enter"
    entered: float = 0.0
    entered_id: int = 0
    counts: list[int] = []
    scheduled: int = 0
    due: float | None = None
    timeout: float | None = None
    heartbeat: float | None = None
    beat: float | None = None
    token: str | None = None
    request: Any = None
    role: str | None = None
    early: Early | None = None
    job: str | None = None
    size: int = 0
    following: int = 0
    active: int = 0
    done: int = 0
    limit: int = 0
    fork_previous: int = 0
    fork: int = 0


class FrameRecord(msgspec.Struct, frozen=True, array_like=True):
    """A frame as it is stored."""

    execution: str
    frame: Frame


class ForkValue(msgspec.Struct, frozen=True, array_like=True):
    """The items of a Map that is under way (index -1), or what one of its iterations or branches ended with."""

    execution: str
    fork: int
    index: int
    value: Any


class TokenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A task token that is out, and whose it is. An activity's token has the worker's input."""

    token: str
    account: str
    region: str
    machine: str
    execution: str
    frame: int
    scheduled: int
    expires: float
    activity: str | None = None
    input: str | None = None


class ActivityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An activity."""

    name: str
    created: float
    tags: dict[str, str] = {}
    encryption: dict[str, Any] = {}


class ActivityTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task that waits for a worker of an activity; `place` keeps the order."""

    activity: str
    place: int
    token: str


machines: Space[MachineRecord] = Space("stepfunctions.machine", MachineRecord, lambda one: (one.name,), remembered=True)
definitions: Space[DefinitionRecord] = Space(
    "stepfunctions.definition", DefinitionRecord, lambda one: (one.hash,), remembered=True
)
versions: Space[VersionRecord] = Space("stepfunctions.version", VersionRecord, lambda one: (one.machine, one.number))
aliases: Space[AliasRecord] = Space("stepfunctions.alias", AliasRecord, lambda one: (one.machine, one.name))
executions: Space[ExecutionRecord] = Space(
    "stepfunctions.execution", ExecutionRecord, lambda one: (one.machine, one.name)
)
starts: Space[ExecutionStart] = Space(
    "stepfunctions.start", ExecutionStart, lambda one: (one.owner, one.micros, one.name)
)
running: Space[Running] = Space(
    "stepfunctions.running", Running, lambda one: (one.account, one.region, one.machine, one.name), scope="global"
)
abandoned: Space[Abandoned] = Space("stepfunctions.abandoned", Abandoned, lambda one: (one.job,), scope="global")
history: Space[Segment] = Space("stepfunctions.history", Segment, lambda one: (one.execution, one.first))
frames: Space[FrameRecord] = Space("stepfunctions.frame", FrameRecord, lambda one: (one.execution, one.frame.id))
fork_values: Space[ForkValue] = Space(
    "stepfunctions.fork", ForkValue, lambda one: (one.execution, one.fork, one.index + 1)
)
tokens: Space[TokenRecord] = Space("stepfunctions.token", TokenRecord, lambda one: (one.token,), scope="global")
activities: Space[ActivityRecord] = Space("stepfunctions.activity", ActivityRecord, lambda one: (one.name,))
activity_tasks: Space[ActivityTask] = Space(
    "stepfunctions.activity_task", ActivityTask, lambda one: (one.activity, one.place)
)
