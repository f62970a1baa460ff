"""Running a resolver: a unit, or a pipeline of functions between a step before and a step after.

A step is a request, its data source, and a response. Templates of version 2017-02-28 end with the error of their data
source; all others find it in `ctx.error`. Source: "Resolvers" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Literal, NamedTuple

from kumoi.services.appsync.records import DataSource, Function, Resolver
from kumoi.services.appsync.resolving import batches, javascript, sources, templates
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned


class Program(NamedTuple):
    """What runs before a data source, or behind it: a template, or that function (`which`) of a module of code.

    `function` is the name of the pipeline's function that it is of; `around` says that it is the pipeline's own.
    """

    which: Literal["request", "response"]
    text: str
    is_code: bool
    version: str
    function: str | None = None
    around: bool = False

    @classmethod
    def of(cls, which: Literal["request", "response"], properties: Mapping[str, Any], version: str) -> Program | None:
        """The program of a resolver or function with these properties; None where it has none."""
        code = properties.get("code")
        text = code or properties.get(f"{which}MappingTemplate")
        kind = properties.get("kind")
        function = properties.get("name") if kind is None else None
        return cls(which, text, bool(code), version, function, kind == "PIPELINE") if text else None


class Step(NamedTuple):
    """A function of a pipeline, or a whole unit, with its data source; a `local` one has none that is asked."""

    properties: Mapping[str, Any]
    source: DataSource
    local: bool
    request: Program | None
    response: Program | None

    @classmethod
    def of(cls, version: str, properties: Mapping[str, Any], source: DataSource) -> Step:
        """The step of a unit's or function's properties."""
        request, response = (Program.of(which, properties, version) for which in _BOTH)
        return cls(properties, source, source.properties["type"] == "NONE", request, response)


_BOTH: tuple[Literal["request"], Literal["response"]] = ("request", "response")


class Plan(NamedTuple):
    """What a field's resolver runs; `before` and `after` are a pipeline's own."""

    resolver: Resolver
    is_unit: bool
    before: Program | None
    steps: tuple[Step, ...]
    after: Program | None
    most: int
    """How many fields are resolved together: the size of the largest batch that a step may make."""


def plan(resolver: Resolver, functions: Mapping[str, Function], data_sources: Mapping[str, DataSource]) -> Plan:
    """Put a resolver's parts together; raises FieldError where one is gone."""

    def step(version: str, properties: Mapping[str, Any]) -> Step:
        name = properties["dataSourceName"]
        if name not in data_sources:
            raise FieldError(f"No data source found named {name}", "NotFoundException")
        return Step.of(version, properties, data_sources[name])

    properties = resolver.properties
    if properties["kind"] == "UNIT":
        unit = step(resolver.version, properties)
        return Plan(resolver, True, None, (unit,), None, batches.size(unit.source, properties))
    steps = []
    for id in (properties.get("pipelineConfig") or {}).get("functions") or ():
        if id not in functions:
            raise FieldError(f"No function found with id {id}", "NotFoundException")
        steps.append(step(functions[id].version, functions[id].properties))
    most = max((batches.size(one.source, one.properties) for one in steps), default=1)
    before, after = (Program.of(which, properties, resolver.version) for which in _BOTH)
    return Plan(resolver, False, before, tuple(steps), after, most)


def resolve(kept: templates.Templates, field: Field, plan: Plan) -> Awaitable[Any]:
    """The value of a field; raises FieldError."""
    running = _unit(kept, field, plan.steps[0]) if plan.is_unit else _pipeline(kept, field, plan)
    journal = field.asked.journal
    return running if journal is None else journal.traced(field, running)


async def _unit(kept: templates.Templates, field: Field, step: Step) -> Any:
    try:
        return await _step(kept, field, step)
    except Returned as early:
        return early.value


async def _pipeline(kept: templates.Templates, field: Field, plan: Plan) -> Any:
    try:
        if plan.before is not None:
            field.prev = await _run(kept, field, plan.before)
    except Returned as early:
        return early.value
    try:
        for step in plan.steps:
            try:
                field.prev = await _step(kept, field, step)
            except Returned as early:
                field.prev = early.value
                if early.end:
                    break
            finally:
                field.error = None
        field.result = field.prev
        return field.prev if plan.after is None else await _run(kept, field, plan.after)
    except Returned as early:
        return early.value


def _run(kept: templates.Templates, field: Field, program: Program) -> Awaitable[Any]:
    journal = field.asked.journal
    running = _evaluated(kept, field, program)
    return running if journal is None else journal.evaluated(field, program, running)


async def _evaluated(kept: templates.Templates, field: Field, program: Program) -> Any:
    if program.is_code:
        return await javascript.run(field, program.version, program.text, program.which)
    return templates.run(kept, field, program.text)


async def _step(kept: templates.Templates, field: Field, step: Step) -> Any:
    properties, source, local, program, response = step
    if program is None:
        if source.properties["type"] != "AWS_LAMBDA":
            raise FieldError("A resolver without a request mapping needs a Lambda data source.", "MappingTemplate")
        field.result = await _invoked(field, step)
        return field.result if response is None else await _run(kept, field, response)
    if program.is_code:
        request = await _run(kept, field, program)
        request = {"payload": None} if request is None else request
    else:
        if field.asked.journal is None:
            request = templates.run(kept, field, program.text)
        else:
            request = await _run(kept, field, program)
        if request is None:
            raise FieldError("Template transformation yielded an empty response.", "MappingTemplate")
    if not isinstance(request, dict):
        raise FieldError("Unable to transform: the request is no object.", "MappingTemplate")
    old = not program.is_code and request.get("version") == "2017-02-28"
    field.error, field.result = None, None
    try:
        if local:
            field.result = request.get("payload")
        elif request.get("operation") == "BatchInvoke" and source.properties["type"] == "AWS_LAMBDA":
            field.result = await batches.invoke(field, source, request.get("payload"), properties)
        else:
            field.result = await sources.ask(field, source, request, properties.get("syncConfig"))
    except FieldError as error:
        if old or error.kind in ("MappingTemplate", "NotImplemented"):
            raise
        field.error = error
        field.result = error.data
    if response is None or (old and field.result is None):
        return field.result
    if response.is_code or field.asked.journal is not None:
        return await _run(kept, field, response)
    return templates.run(kept, field, response.text)


async def _invoked(field: Field, step: Step) -> Any:
    """A function called directly, with all there is to know."""
    event = {
        "arguments": field.arguments,
        "identity": field.asked.caller.identity,
        "source": field.source,
        "request": field.request(),
        "prev": None if field.prev is None else {"result": field.prev},
        "info": field.info(),
        "stash": field.stash,
    }
    if step.properties.get("maxBatchSize"):
        return batches.item(await batches.invoke(field, step.source, event, step.properties))
    return await sources.invoke(field, step.source, event)
