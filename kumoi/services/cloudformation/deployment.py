"""One operation on one stack, from its first resource to its last event.

Resources are made and changed as soon as what they need is there, deleted as soon as nobody needs them, several at
once. Each step is stored before and after it is taken, so that what a crash interrupts can be rolled back. Source:
"Stack failure options", "Understand update behaviors of stack resources" and "DeletionPolicy" of the user guide.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from secrets import token_hex
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Doorway, Principal, Trace
from kumoi.doorway.resource_types import Resource, ResourceCall, ResourceType
from kumoi.names import uuid
from kumoi.services.cloudformation.dynamic_references import resolve_references
from kumoi.services.cloudformation.planning import changed_properties
from kumoi.services.cloudformation.records import (
    EVENTS,
    Output,
    Source,
    Stack,
    StackEvent,
    StackResource,
    Version,
    names,
    resources,
    stacks,
)
from kumoi.services.cloudformation.scope import exports_of, scope_of, wanted_resources
from kumoi.services.cloudformation.template.graph import dependencies
from kumoi.services.cloudformation.template.intrinsics import NO_VALUE, Scope, Unresolved, as_text
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error

AT_ONCE = 10
"""Resources under way at once."""

_GONE = ("NotFound", "NonExistent", "NoSuch", "DoesNotExist")
_STACK = "AWS::CloudFormation::Stack"


class Failed(Exception):
    """Resources could not be brought to where they should be; their names are told."""

    def __init__(self, names: Iterable[str], what: str) -> None:
        self.names = list(names)
        super().__init__(f"The following resource(s) failed to {what}: [{', '.join(self.names)}]. ")


class Deployment:
    """An operation on a stack."""

    def __init__(self, doorway: Doorway, stack: Stack, types: Mapping[str, ResourceType]) -> None:
        self._doorway = doorway
        self._state: State = doorway.state.at(stack.account, stack.region)
        self._types = types
        self.stack = stack
        self._live: dict[str, StackResource] = {}
        self._caller = Principal.of_service(
            stack.account, "cloudformation.amazonaws.com", f"cloudformation:{stack.name}"
        )
        self._trace = Trace.new(doorway.clock.now())
        self._secret: set[str] = set()

    # The operations

    async def create(self) -> None:
        """Make a new stack's resources; what fails is handled as the stack says."""
        await self._open()
        assert self.stack.wanted is not None
        try:
            await self._bring_to(self.stack.wanted)
        except (Failed, AwsError) as failure:
            reason = str(failure) if isinstance(failure, Failed) else failure.message
            if self.stack.on_failure == "DO_NOTHING":
                await self._become("CREATE_FAILED", reason)
                return
            await self._become("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
            await self._undo_creation()
            return
        await self._finish("CREATE_COMPLETE")

    async def _undo_creation(self) -> None:
        try:
            await self._delete(list(self._live), keep_retained=False)
        except Failed as failure:
            await self._become("ROLLBACK_FAILED", str(failure))
            return
        await self._become("ROLLBACK_COMPLETE")
        if self.stack.on_failure == "DELETE":
            await self.delete()

    async def update(self) -> None:
        """Bring the resources to what is wanted; back to what was, when that fails."""
        await self._open()
        assert self.stack.wanted is not None
        try:
            await self._bring_to(self.stack.wanted)
        except (Failed, AwsError) as failure:
            reason = str(failure) if isinstance(failure, Failed) else failure.message
            await self._become("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            await self.roll_back()
            return
        await self._become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        await self._clean_up(set(wanted_resources(orjson.loads(self.stack.wanted.processed), self._scope)))
        await self._finish("UPDATE_COMPLETE")

    async def roll_back(self) -> None:
        """Undo an update that failed or was interrupted."""
        await self._open()
        failed: list[str] = []
        for name, resource in self._live.items():
            if resource.before is None or resource.made is None or resource.type not in self._types:
                continue
            if resource.made.physical_id == resource.before.physical_id:
                try:
                    await self._change_back(name, resource)
                except AwsError:
                    failed.append(name)
        if failed:
            await self._become("UPDATE_ROLLBACK_FAILED", str(Failed(failed, "update")))
            return
        await self._become("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        for name, resource in list(self._live.items()):
            if resource.before is not None:
                await self._restore(name, resource)
        try:
            await self._delete(
                [name for name, one in self._live.items() if one.fresh or one.made is None], keep_retained=False
            )
        except Failed as failure:
            await self._become("UPDATE_ROLLBACK_FAILED", str(failure))
            return
        await self._finish("UPDATE_ROLLBACK_COMPLETE", keep_source=True)

    async def delete(self) -> None:
        """Delete the resources, but for those that are to be retained, and the stack."""
        await self._open()
        if self.stack.status != "DELETE_IN_PROGRESS":
            await self._become("DELETE_IN_PROGRESS")
        try:
            await self._delete(list(self._live), keep_retained=True)
        except Failed as failure:
            await self._become("DELETE_FAILED", str(failure))
            return
        await self._become("DELETE_COMPLETE", deleted=self._doorway.clock.now())

    async def roll_back_creation(self) -> None:
        """Undo a creation that was interrupted."""
        await self._open()
        await self._undo_creation()

    # Bringing resources to where they should be

    async def _open(self) -> None:
        self._live = {one.name: one for one in await _resources(self._state, self.stack.id)}

    async def _bring_to(self, source: Source) -> None:
        template = orjson.loads(source.processed)
        self._scope: Scope = scope_of(
            self.stack, source, template, await exports_of(self._state), self._reference, self._attribute
        )
        wanted = wanted_resources(template, self._scope)
        needs = dependencies(wanted)

        async def act(name: str) -> None:
            await self._bring(name, wanted[name], tuple(sorted(needs[name])), source.tags)

        await self._in_order(needs, act, "create" if self.stack.status.startswith("CREATE") else "update")

    async def _in_order(self, needs: Mapping[str, set[str]], act: Callable[[str], Awaitable[None]], what: str) -> None:
        """Act on each resource once those it needs are done; after a failure nothing more is begun."""
        left, done, failed = dict(needs), set[str](), list[str]()
        running: dict[asyncio.Task[None], str] = {}
        try:
            while True:
                ready = [] if failed else [name for name, wanted in left.items() if wanted <= done]
                for name in ready[: AT_ONCE - len(running)]:
                    del left[name]
                    running[asyncio.ensure_future(act(name))] = name
                if not running:
                    break
                finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in finished:
                    name = running.pop(task)
                    if isinstance(task.exception(), AwsError):
                        failed.append(name)
                    else:
                        task.result()
                        done.add(name)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if failed:
            raise Failed(failed, what)

    async def _bring(self, name: str, wanted: Mapping[str, Any], needs: tuple[str, ...], tags: dict[str, str]) -> None:
        """Make, change, replace or leave one resource."""
        known = self._live.get(name)
        kind = wanted["Type"]
        resource = StackResource(
            stack=self.stack.id,
            name=name,
            type=kind,
            status="",
            when=self._doorway.clock.now(),
            made=known.made if known else None,
            needs=needs,
            retain=wanted.get("DeletionPolicy", "Delete") in ("Retain", "RetainExceptOnCreate"),
            retain_replaced=wanted.get("UpdateReplacePolicy", "Delete") == "Retain",
            token=token_hex(6),
        )
        verb = "CREATE" if resource.made is None else "UPDATE"
        try:
            declared = self._types.get(kind)
            if declared is None:
                raise aws_error(
                    "ValidationError",
                    f"Kumoi does not support the resource type {kind} yet; docs/cloudformation.md lists those it does.",
                )
            properties = await self._evaluated(wanted)
        except AwsError as error:
            await self._note(resource, f"{verb}_FAILED", error.message)
            raise
        if resource.made is None:
            await self._make(declared, resource, properties, tags, "CREATE")
            return
        assert known is not None and known.made is not None
        changed = changed_properties(known.made.properties, properties)
        if not changed and known.type == kind:
            if (known.needs, known.retain) != (needs, resource.retain):
                await self._keep(msgspec.structs.replace(known, needs=needs, retain=resource.retain))
            return
        resource = msgspec.structs.replace(resource, before=known.made)
        if known.type != kind or declared.replaces(changed):
            await self._note(
                resource,
                "UPDATE_IN_PROGRESS",
                "Requested update requires the creation of a new physical resource; hence creating one.",
            )
            await self._make(declared, resource, properties, tags, "UPDATE")
        else:
            await self._change(declared, resource, properties, tags)

    async def _evaluated(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        try:
            properties = self._scope.evaluate(wanted.get("Properties", {}))
        except Unresolved as missing:
            raise aws_error("ValidationError", f"The resource {missing.name} does not exist") from None
        evaluated: dict[str, Any] = properties
        return evaluated

    async def _resolved(self, call: ResourceCall) -> ResourceCall:
        """What a type's function sees: dynamic references replaced, those it was made with as far as they can be.

        What is stored keeps the references: their values stay where they are kept, and are no change of the template.
        """
        properties = await resolve_references(self._ask, call.properties)
        return replace(call, properties=properties, before=await self._resolved_if_possible(call.before))

    async def _resolved_if_possible(self, properties: Mapping[str, Any]) -> Mapping[str, Any]:
        """Properties with their dynamic references replaced, or as they are where one finds nothing any more."""
        try:
            found: Mapping[str, Any] = await resolve_references(self._ask, properties)
        except AwsError:
            return properties
        return found

    async def _make(
        self,
        declared: ResourceType,
        resource: StackResource,
        properties: dict[str, Any],
        tags: dict[str, str],
        verb: str,
    ) -> None:
        resource = msgspec.structs.replace(resource, begun=properties)
        if verb == "CREATE":
            await self._note(resource, "CREATE_IN_PROGRESS", properties=properties)
        call = self._call(resource.name, properties, resource.token, tags)
        made = await self._attempt(resource, f"{verb}_FAILED", declared.create, call)
        version = _version(made, properties, resource.token)
        resource = msgspec.structs.replace(resource, made=version, fresh=resource.before is None, begun=None)
        await self._note(resource, f"{verb}_COMPLETE")

    async def _change(
        self, declared: ResourceType, resource: StackResource, properties: dict[str, Any], tags: dict[str, str]
    ) -> None:
        assert declared.update is not None and resource.made is not None
        await self._note(resource, "UPDATE_IN_PROGRESS", properties=properties)
        call = self._call(resource.name, properties, resource.made.token, tags, resource.made)
        made = await self._attempt(resource, "UPDATE_FAILED", declared.update, call)
        version = _version(made, properties, resource.made.token)
        await self._note(msgspec.structs.replace(resource, made=version), "UPDATE_COMPLETE")

    async def _attempt(
        self,
        resource: StackResource,
        failed: str,
        act: Callable[[ResourceCall], Awaitable[Resource]],
        call: ResourceCall,
    ) -> Resource:
        """Act; a failure is noted, with what exists all the same, so that going back takes that away."""
        try:
            return await act(await self._resolved(call))
        except AwsError as error:
            refused, told = error, f"{error.message} ({error.code})"
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            told = f"A property is missing or of the wrong type: {error!r}"
            refused = aws_error("ValidationError", f"{resource.name}: {told}")
        if call.begun:
            begun = _version(call.begun[-1], dict(call.properties), resource.token)
            resource = msgspec.structs.replace(resource, made=begun, fresh=resource.before is None)
        await self._note(resource, failed, told)
        raise refused

    # Taking away, and going back

    async def _delete(self, among: Iterable[str], *, keep_retained: bool) -> None:
        """Delete resources so that each goes before those it needs."""
        chosen = set(among)
        needed_by: dict[str, set[str]] = {name: set() for name in chosen}
        for name in chosen:
            for needed in self._live[name].needs:
                if needed in needed_by:
                    needed_by[needed].add(name)

        async def act(name: str) -> None:
            resource = self._found(self._live[name])
            if resource.made is not None and not (keep_retained and resource.retain):
                await self._take_away(resource, resource.made)
            elif resource.made is not None:
                await self._note(resource, "DELETE_SKIPPED")
            await _forget(self._state, resource)
            del self._live[name]

        await self._in_order(needed_by, act, "delete")

    def _found(self, resource: StackResource) -> StackResource:
        """A resource that a crash interrupted while it was made, as what it may have become.

        Only names that were made up for it are looked for: what has another name may be somebody else's.
        """
        declared = self._types.get(resource.type)
        if resource.made is not None or resource.begun is None or declared is None or declared.expected is None:
            return resource
        physical = declared.expected(self._call(resource.name, resource.begun, resource.token, {}))
        if resource.token not in physical:
            return resource
        version = Version(physical_id=physical, properties=resource.begun, token=resource.token)
        return msgspec.structs.replace(resource, made=version)

    async def _take_away(self, resource: StackResource, version: Version) -> None:
        """Delete what a resource was made as; one that has gone already is no failure."""
        shown = msgspec.structs.replace(resource, made=version)
        await self._note(shown, "DELETE_IN_PROGRESS")
        declared = self._types.get(resource.type)
        properties = dict(await self._resolved_if_possible(version.properties))
        call = self._call(resource.name, properties, version.token, {}, version)
        try:
            if declared is not None:
                await declared.delete(call)
        except AwsError as error:
            if not any(part in error.code for part in _GONE):
                await self._note(shown, "DELETE_FAILED", f"{error.message} ({error.code})")
                raise
        await self._note(shown, "DELETE_COMPLETE")

    async def _clean_up(self, wanted: set[str]) -> None:
        """After an update: delete what was replaced, and what is wanted no more."""
        for resource in list(self._live.values()):
            before, made = resource.before, resource.made
            replaced = before is not None and made is not None and before.physical_id != made.physical_id
            if replaced and before is not None and not resource.retain_replaced:
                await self._take_away_if_possible(resource, before)
        with contextlib.suppress(Failed):  # told in the events; the update stands all the same
            await self._delete([name for name in self._live if name not in wanted], keep_retained=True)

    async def _take_away_if_possible(self, resource: StackResource, version: Version) -> None:
        """Delete what an operation that stands has left over; a failure is told in the events alone."""
        with contextlib.suppress(AwsError):
            await self._take_away(resource, version)

    async def _change_back(self, name: str, resource: StackResource) -> None:
        declared, before = self._types[resource.type], resource.before
        assert before is not None and resource.made is not None
        if resource.made.properties == before.properties and resource.status != "UPDATE_FAILED":
            return
        if declared.update is None:
            return
        await self._note(resource, "UPDATE_IN_PROGRESS")
        call = self._call(name, before.properties, before.token, self.stack.source.tags, resource.made)
        await self._attempt(resource, "UPDATE_FAILED", declared.update, call)
        await self._note(msgspec.structs.replace(resource, made=before), "UPDATE_COMPLETE")

    async def _restore(self, name: str, resource: StackResource) -> None:
        made, before = resource.made, resource.before
        assert before is not None
        if made is not None and made.physical_id != before.physical_id:
            await self._take_away_if_possible(resource, made)
        await self._keep(msgspec.structs.replace(self._live[name], made=before, before=None, status="UPDATE_COMPLETE"))

    # What functions of templates see

    def _reference(self, name: str) -> Any:
        made = self._live[name].made if name in self._live else None
        if made is None:
            raise Unresolved(name)
        return made.physical_id if made.ref is None else made.ref

    def _attribute(self, name: str, attribute: str) -> Any:
        resource = self._live.get(name)
        if resource is None or resource.made is None:
            raise Unresolved(name)
        if attribute not in resource.made.attributes:
            raise aws_error(
                "ValidationError",
                f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt",
            )
        return resource.made.attributes[attribute]

    def _call(
        self, name: str, properties: dict[str, Any], token: str, tags: dict[str, str], version: Version | None = None
    ) -> ResourceCall:
        return ResourceCall(
            self._doorway,
            self._caller,
            self.stack.region,
            self._trace,
            self.stack.name,
            self.stack.id,
            name,
            properties,
            token,
            before=version.properties if version else {},
            physical_id=version.physical_id if version else "",
            attributes=version.attributes if version else {},
            tags=tags,
        )

    async def _ask(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await self._doorway.ask(
            service, operation, params, self._caller, self.stack.region, self._trace
        )
        return answer

    # What is stored

    async def _note(
        self, resource: StackResource, status: str, reason: str | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        """Store where a resource has come to, and tell it as an event."""
        now = self._doorway.clock.now()
        resource = msgspec.structs.replace(resource, status=status, reason=reason, when=now)
        if not status.startswith("DELETE"):
            self._live[resource.name] = resource
        event = StackEvent(
            id=f"{resource.name}-{status}-{uuid()}",
            name=resource.name,
            physical_id=resource.made.physical_id if resource.made else "",
            type=resource.type,
            status=status,
            when=now,
            reason=reason,
            properties=None if properties is None else orjson.dumps(properties, default=str).decode(),
        )
        await _noted(self._state, self.stack.id, None if status.startswith("DELETE") else resource, event)

    async def _keep(self, resource: StackResource) -> None:
        self._live[resource.name] = resource
        await _put(self._state, resource)

    async def _become(self, status: str, reason: str | None = None, **changes: Any) -> None:
        """The stack's own status, and its event."""
        self.stack = await set_status(self._state, self.stack, status, self._doorway.clock.now(), reason, **changes)

    async def _finish(self, status: str, *, keep_source: bool = False) -> None:
        """The operation is done: outputs are computed, what was wanted is what the stack is made from."""
        if keep_source:
            await self._become(status, wanted=None)
            return
        source = self.stack.wanted
        assert source is not None
        for resource in list(self._live.values()):
            if resource.fresh or resource.before is not None:
                await self._keep(msgspec.structs.replace(resource, before=None, fresh=False))
        try:
            outputs = self._outputs(orjson.loads(source.processed))
        except AwsError as error:
            failed = "CREATE_FAILED" if status.startswith("CREATE") else "UPDATE_FAILED"
            await self._become(failed, error.message)
            return
        imports = tuple(sorted(self._scope.imports))
        await self._become(status, source=source, wanted=None, outputs=outputs, imports=imports)

    def _outputs(self, template: Mapping[str, Any]) -> tuple[Output, ...]:
        found = []
        for key, output in template.get("Outputs", {}).items():
            if "Condition" in output and not self._scope.condition(output["Condition"]):
                continue
            try:
                value = self._scope.evaluate(output.get("Value"))
                name = self._scope.evaluate((output.get("Export") or {}).get("Name", NO_VALUE))
            except Unresolved as missing:
                raise aws_error("ValidationError", f"Output {key} needs {missing.name}, which does not exist") from None
            export = None if name is NO_VALUE else as_text(name)
            found.append(Output(key, as_text(value), output.get("Description"), export))
        return tuple(found)


def _version(made: Resource, properties: dict[str, Any], token: str) -> Version:
    return Version(
        physical_id=made.physical_id,
        properties=properties,
        attributes=dict(made.attributes),
        ref=made.ref,
        token=token,
    )


async def set_status(
    state: State, stack: Stack, status: str, now: float, reason: str | None = None, **changes: Any
) -> Stack:
    """Store a stack's status with its event; the stack as it is then."""
    if status.endswith("_IN_PROGRESS") and status.startswith("UPDATE"):
        changes.setdefault("updated", now)
    changed = msgspec.structs.replace(stack, status=status, reason=reason, **changes)
    event = StackEvent(
        id=uuid(), name=stack.name, physical_id=stack.id, type=_STACK, status=status, when=now, reason=reason
    )
    await _stack_noted(state, changed, event)
    return changed


@transactional
async def _stack_noted(tx: Transaction, stack: Stack, event: StackEvent) -> None:
    await stacks.put(tx, stack)
    await tx.append((EVENTS, stack.id), msgspec.msgpack.encode(event))
    if stack.status == "DELETE_COMPLETE":
        current = await names.get(tx, stack.name)
        if current is not None and current.id == stack.id:
            await names.delete(tx, stack.name)


@transactional
async def _noted(tx: Transaction, stack_id: str, resource: StackResource | None, event: StackEvent) -> None:
    if resource is not None:
        await resources.put(tx, resource)
    await tx.append((EVENTS, stack_id), msgspec.msgpack.encode(event))


@transactional
async def _put(tx: Transaction, resource: StackResource) -> None:
    await resources.put(tx, resource)


@transactional
async def _forget(tx: Transaction, resource: StackResource) -> None:
    await resources.delete(tx, resource.stack, resource.name)


@transactional
async def _resources(tx: Transaction, stack_id: str) -> list[StackResource]:
    return await resources.list(tx, stack_id)
