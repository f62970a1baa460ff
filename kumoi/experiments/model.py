"""What an experiment is: values only, with the bounds that keep an absurd one from being run.

Texts may hold `${name}`: an output of the stack, a variable of the file, and in a load `${n}` (1, 2, …) and `${id}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from kumoi.doorway import Fault

MOST_REQUESTS = 100_000
MOST_SECONDS = 7 * 86_400.0
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_VARIABLE = re.compile(r"\$\{([^{}$]{1,128})\}")
_OPERATION = re.compile(r"[A-Za-z][A-Za-z0-9]{1,127}")


class BadExperiment(Exception):
    """A file is no experiment that can be run; the text says why."""


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of an experiment: a name that it does not know is refused."""


class HttpRequest(Struct, frozen=True):
    """A request to the platform: `path` begins with a slash, and no other host can be asked (`host` is a header).

    The body is a text, JSON, or bytes in `base64`.
    """

    path: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "GET"
    headers: dict[str, str] = {}
    body: Any = None
    base64: str | None = None
    host: str = ""
    timeout: str = "30s"


class ApiCall(Struct, frozen=True):
    """An operation of an AWS service with its parameters."""

    service: str
    operation: str
    parameters: dict[str, Any] = {}


class Condition(Struct, frozen=True):
    """What is expected of an answer: its status, and of what the JMESPath expression `select` finds in it."""

    status: int | list[int] | None = None
    select: str | None = None
    equals: Any = None
    at_least: float | None = None
    at_most: float | None = None
    contains: str | None = None


class LogsQuery(Struct, frozen=True):
    """A query of Logs Insights over what was logged in the last while; its rows, as mappings, are what is found."""

    groups: list[str]
    query: str
    within: str = "15m"


class Metric(Struct, frozen=True):
    """A statistic of a metric over the last while: a number, 0 where there is none."""

    namespace: str
    name: str
    dimensions: dict[str, str] = {}
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"] = "Sum"
    within: str = "15m"


class Workflow(Struct, frozen=True):
    """The executions of a state machine that began in the last while: `succeeded`, `failed` (also timed out and
    aborted), and `ratio`, which is 1 where none has ended.
    """

    machine: str
    within: str = "15m"


class Probe(Struct, frozen=True):
    """One thing that must hold: an answer over HTTP, one of an AWS operation, a queue without messages, or what logs,
    metrics and workflows tell of the last while.
    """

    title: str = ""
    http: HttpRequest | None = None
    call: ApiCall | None = None
    empty: str | None = None
    logs: LogsQuery | None = None
    metric: Metric | None = None
    workflow: Workflow | None = None
    expect: Condition = Condition()


class Step(Struct, frozen=True):
    """One step of the method or of the rollback.

    A fault (`lasts` so long, else until all is quiet), a call, a request, a pause, or the id of a fault that is taken
    back (`clear`).
    """

    title: str = ""
    fault: dict[str, Any] | None = None
    lasts: str | None = None
    call: ApiCall | None = None
    http: HttpRequest | None = None
    pause: str | None = None
    clear: str | None = None


class Load(Struct, frozen=True):
    """What users do meanwhile: one request or call, `count` times, each with an `id` of its own; or requests that were
    recorded (`replay`), each once and as it was.

    `rate` bounds how many begin a second (0: as fast as `parallel` users go). A user whose request failed asks again
    `retries` times. `slow` is how long an answer may take before it counts as degraded.
    """

    http: HttpRequest | None = None
    call: ApiCall | None = None
    replay: list[HttpRequest] | None = None
    id: str = "${n}"
    count: int = 10
    rate: float = 0.0
    parallel: int = 1
    retries: int = 0
    slow: str = "3s"
    expect: Condition = Condition()


class Source(Struct, frozen=True):
    """Where ids are: in items of a table by an attribute, in messages of a queue by a JMESPath of the body."""

    table: str | None = None
    attribute: str = "id"
    queue: str | None = None
    select: str = "id"
    prefix: str = ""


class Place(Struct, frozen=True):
    """Where what was accepted must be: items of a table by an attribute, messages of a queue by a JMESPath of the body.

    `times`: exactly once, at least once, at most once. `prefix` is taken off the value. `from` is where the ids are
    that must arrive; without it they are those that users were told are accepted.
    """

    table: str | None = None
    attribute: str = "id"
    queue: str | None = None
    select: str = "id"
    prefix: str = ""
    times: Literal["exactly once", "at least once", "at most once"] = "exactly once"
    source: Source | None = msgspec.field(default=None, name="from")


class Total(Struct, frozen=True):
    """What the numbers in an attribute of a table's items must add up to: so much for each accepted id."""

    table: str
    attribute: str
    each: float = 1.0


class Invariant(Struct, frozen=True):
    """What must hold of the data once all is quiet."""

    title: str = ""
    arrives: Place | None = None
    total: Total | None = None
    empty: str | None = None


class Tolerance(Struct, frozen=True):
    """How many requests may fail, or be slow. Invariants must hold, always."""

    failed: int = 0
    degraded: int = MOST_REQUESTS


class Experiment(Struct, frozen=True):
    """An experiment. `speed` is how fast the platform's clock runs meanwhile.

    `budget` is what an hour of it may cost at AWS, in USD: then calls are refused, and it fails. Once users are done,
    faults stay until all is quiet, `linger` at most; after them, and the rollback, the application has `settle` to come
    to rest (both by the platform's clock).
    """

    title: str
    description: str = ""
    stack: str | None = None
    variables: dict[str, str | int | float] = {}
    seed: int = 0
    budget: float | None = None
    speed: float = 1.0
    linger: str = "30s"
    settle: str = "2m"
    steady_state: list[Probe] = []
    method: list[Step] = []
    load: Load | None = None
    rollback: list[Step] = []
    invariants: list[Invariant] = []
    tolerate: Tolerance = Tolerance()

    def check(self) -> None:
        """Raise BadExperiment for what the types alone do not rule out."""
        _bounds("speed", self.speed, 0.01, 1000)
        if self.budget is not None:
            _bounds("budget", self.budget, 0, 1e9)
        seconds(self.settle)
        seconds(self.linger)
        if len(self.method) + len(self.rollback) + len(self.steady_state) + len(self.invariants) > 1000:
            raise BadExperiment("more than 1000 probes, steps and invariants")
        for place, part in self._parts():
            _check(place, part)
        if self.load is not None:
            load = self.load
            _bounds("load.count", load.count, 1, MOST_REQUESTS)
            _bounds("load.rate", load.rate, 0, 10_000)
            _bounds("load.parallel", load.parallel, 1, 64)
            _bounds("load.retries", load.retries, 0, 20)
            seconds(load.slow)
        elif any((one.arrives and one.arrives.source is None) or one.total for one in self.invariants):
            raise BadExperiment("invariants that follow ids need a load that makes some")

    def _parts(self) -> Iterator[tuple[str, Probe | Step | Load | Invariant]]:
        for name in ("steady_state", "method", "rollback", "invariants"):
            for number, part in enumerate(getattr(self, name)):
                yield f"{name}[{number}]", part
        if self.load is not None:
            yield "load", self.load


def seconds(duration: str) -> float:
    """A duration such as 500ms, 10s, 5m, 2h; BadExperiment for what is none, or longer than a week."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise BadExperiment(f"{duration[:40]!r} is no duration: write 500ms, 10s, 5m or 2h")
    found = float(match[1]) * _UNITS[match[2]]
    if found > MOST_SECONDS:
        raise BadExperiment(f"{duration} is longer than a week")
    return found


def fault_of(given: Mapping[str, Any], **more: Any) -> Fault:
    """A fault as a file has it (`delay: 2s`, `skew: -10m`, `lasts` with a schedule: durations); BadExperiment for what
    is none. Which nodes an application has is for the platform to find out.
    """
    fault = {**given, **more}
    if fault.get("application"):
        fault.setdefault("nodes", [])
    if "lasts" in fault:
        fault["lasts_s"] = seconds(str(fault.pop("lasts")))
    for name in ("delay", "spread"):
        if name in fault:
            fault[f"{name}_ms"] = seconds(str(fault.pop(name))) * 1000
    if "skew" in fault:
        skew = str(fault.pop("skew"))
        fault["skew_s"] = seconds(skew.removeprefix("-")) * (-1 if skew.startswith("-") else 1)
    try:
        return msgspec.convert(fault, Fault)
    except msgspec.ValidationError as error:
        raise BadExperiment(f"fault: {error}") from None


def filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """A value with its `${name}`s replaced; a text that is nothing else becomes what the name stands for."""
    if isinstance(value, str):
        whole = _VARIABLE.fullmatch(value)
        if whole is not None:
            return _variable(whole[1], variables)
        return _VARIABLE.sub(lambda match: str(_variable(match[1], variables)), value)
    if isinstance(value, dict):
        return {filled(name, variables): filled(one, variables) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, variables) for one in value]
    return value


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name not in variables:
        known = ", ".join(sorted(variables)) or "none"
        raise BadExperiment(f"${{{name}}} is neither a variable nor an output of the stack; there are: {known}")
    return variables[name]


def _check(place: str, part: Probe | Step | Load | Invariant) -> None:
    kinds = {
        Probe: ("http", "call", "empty", "logs", "metric", "workflow"),
        Step: ("fault", "call", "http", "pause", "clear"),
        Load: ("http", "call", "replay"),
        Invariant: ("arrives", "total", "empty"),
    }[type(part)]
    given = [kind for kind in kinds if getattr(part, kind) is not None]
    if len(given) != 1:
        raise BadExperiment(f"{place} has {' and '.join(given) or 'none'} of {', '.join(kinds)}: it takes one")
    if isinstance(part, Probe):
        for one in (part.logs, part.metric, part.workflow):
            if one is not None:
                seconds(one.within)
    if isinstance(part, Step):
        for duration in (part.pause, part.lasts):
            if duration is not None:
                seconds(duration)
        if part.fault is not None:
            try:
                fault_of(part.fault)
            except BadExperiment as error:
                raise BadExperiment(f"{place}.{error}") from None
    if isinstance(part, Invariant) and part.arrives is not None:
        for name, where in (("arrives", part.arrives), ("arrives.from", part.arrives.source)):
            if where is not None and bool(where.table) == bool(where.queue):
                raise BadExperiment(f"{place}.{name} is in a table or in a queue")
    single = getattr(part, "http", None)
    for request in [*([] if single is None else [single]), *(getattr(part, "replay", None) or [])]:
        if not request.path.startswith("/") or request.path.startswith("//") or re.search(r"[\s\\]", request.path):
            raise BadExperiment(f"{place}.http.path is a path of the platform: it begins with one slash")
        if re.search(r"[\r\n\0/]", request.host) or any(
            re.search(r"[\r\n\0]", text) for pair in request.headers.items() for text in pair
        ):
            raise BadExperiment(f"{place}.http has line breaks in its headers")
        seconds(request.timeout)
    call = getattr(part, "call", None)
    if call is not None and not _OPERATION.fullmatch(call.operation):
        raise BadExperiment(f"{place}.call.operation is an operation's name, such as PutItem")


def _bounds(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise BadExperiment(f"{name} lies between {least:g} and {most:g}")
