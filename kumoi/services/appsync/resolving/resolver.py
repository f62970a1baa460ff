"""Running a resolver: a unit, or a pipeline of functions between a step before and a step after.

A step is a request, its data source, and a response. Templates of version 2017-02-28 end with the error of their data
source; all others find it in `ctx.error`. Source: "Resolvers" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kumoi.services.appsync.records import DataSource, Function, Resolver
from kumoi.services.appsync.resolving import batches, javascript, sources, templates
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned


class Step(NamedTuple):
    """A function of a pipeline, or a whole unit, with its data source."""

    version: str
    properties: Mapping[str, Any]
    source: DataSource


class Plan(NamedTuple):
    """What a field's resolver runs."""

    resolver: Resolver
    steps: tuple[Step, ...]
    most: int
    """How many fields are resolved together: the size of the largest batch that a step may make."""


def plan(resolver: Resolver, functions: Mapping[str, Function], data_sources: Mapping[str, DataSource]) -> Plan:
    """Put a resolver's parts together; raises FieldError where one is gone."""

    def source(name: str) -> DataSource:
        if name not in data_sources:
            raise FieldError(f"No data source found named {name}", "NotFoundException")
        return data_sources[name]

    properties = resolver.properties
    if properties["kind"] == "UNIT":
        unit = Step(resolver.version, properties, source(properties["dataSourceName"]))
        return _plan(resolver, [unit])
    steps = []
    for id in (properties.get("pipelineConfig") or {}).get("functions") or ():
        if id not in functions:
            raise FieldError(f"No function found with id {id}", "NotFoundException")
        function = functions[id]
        steps.append(Step(function.version, function.properties, source(function.properties["dataSourceName"])))
    return _plan(resolver, steps)


def _plan(resolver: Resolver, steps: Sequence[Step]) -> Plan:
    most = max((batches.size(step.source, step.properties) for step in steps), default=1)
    return Plan(resolver, tuple(steps), most)


async def resolve(kept: templates.Templates, field: Field, plan: Plan) -> Any:
    """The value of a field; raises FieldError."""
    properties, version = plan.resolver.properties, plan.resolver.version
    if properties["kind"] == "UNIT":
        try:
            return await _step(kept, field, plan.steps[0])
        except Returned as early:
            return early.value
    try:
        if _has(properties, "request"):
            field.prev = await _run(kept, field, version, properties, "request")
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
        if not _has(properties, "response"):
            return field.prev
        return await _run(kept, field, version, properties, "response")
    except Returned as early:
        return early.value


def _has(properties: Mapping[str, Any], which: str) -> bool:
    return bool(properties.get("code") or properties.get(f"{which}MappingTemplate"))


async def _run(kept: templates.Templates, field: Field, version: str, properties: Mapping[str, Any], which: str) -> Any:
    code = properties.get("code")
    if code:
        return await javascript.run(field, version, code, which)
    return templates.run(kept, field, properties[f"{which}MappingTemplate"])


async def _step(kept: templates.Templates, field: Field, step: Step) -> Any:
    properties = step.properties
    if not _has(properties, "request"):
        if step.source.properties["type"] != "AWS_LAMBDA":
            raise FieldError("A resolver without a request mapping needs a Lambda data source.", "MappingTemplate")
        field.result = await _invoked(field, step)
        return (
            await _run(kept, field, step.version, properties, "response")
            if _has(properties, "response")
            else field.result
        )
    template = None if properties.get("code") else properties
    if template is None:
        request = await javascript.run(field, step.version, properties["code"], "request")
    else:
        request = templates.run(kept, field, template["requestMappingTemplate"])
    if request is None and template is not None:
        raise FieldError("Template transformation yielded an empty response.", "MappingTemplate")
    if request is None:
        request = {"payload": None}
    if not isinstance(request, dict):
        raise FieldError("Unable to transform: the request is no object.", "MappingTemplate")
    old = template is not None and request.get("version") == "2017-02-28"
    field.error, field.result = None, None
    try:
        if request.get("operation") == "BatchInvoke" and step.source.properties["type"] == "AWS_LAMBDA":
            field.result = await batches.invoke(field, step.source, request.get("payload"), properties)
        else:
            field.result = await sources.ask(field, step.source, request, properties.get("syncConfig"))
    except FieldError as error:
        if old or error.kind in ("MappingTemplate", "NotImplemented"):
            raise
        field.error = error
        field.result = error.data
    if (old and field.result is None) or not _has(properties, "response"):
        return field.result
    if template is not None:
        return templates.run(kept, field, template["responseMappingTemplate"])
    return await _run(kept, field, step.version, properties, "response")


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
