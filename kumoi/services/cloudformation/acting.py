"""How the functions of resource types are called: with what they see, and what becomes of their failures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from kumoi.doorway import CallDropped, Principal, Trace
from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.cloudformation.dynamic_references import resolve_references
from kumoi.services.cloudformation.journal import Journal
from kumoi.services.cloudformation.records import StackResource, Version
from kumoi.services.cloudformation.template.intrinsics import Unresolved
from kumoi.services.cloudformation.types import Types
from kumoi.wire.errors import AwsError, aws_error


class Acting:
    """One operation's way to the types of its resources. `called_off` is set when a user cancels it."""

    def __init__(self, journal: Journal, types: Types) -> None:
        self.journal = journal
        self.types = types
        self.called_off = False
        stack = journal.stack
        source = f"cloudformation:{stack.name}"
        self._caller = (
            Principal.of_service(stack.account, "cloudformation.amazonaws.com", source, stack.id)
            if stack.role is None
            else Principal.of_role(stack.account, stack.role, "AWSCloudFormation", source)
        )
        self._trace = Trace.new(journal.now)

    def call(
        self, resource: StackResource, properties: dict[str, Any], token: str, version: Version | None = None
    ) -> ResourceCall:
        """What a type's function is asked with; `version` is what the resource is now."""
        stack = self.journal.stack
        back = stack.wanted is None or stack.status.startswith("UPDATE_ROLLBACK")
        return ResourceCall(
            self.journal.doorway,
            self._caller,
            stack.region,
            self._trace,
            stack.name,
            stack.id,
            resource.name,
            properties,
            token,
            before=version.properties if version else {},
            physical_id=version.physical_id if version else "",
            attributes=version.attributes if version else {},
            tags=(stack.source if back or stack.wanted is None else stack.wanted).tags,
            kind=resource.type,
        )

    async def attempt(
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
        except CallDropped:
            told = "A service did not answer"
            refused = aws_error("ServiceUnavailable", told)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            told = f"A property is missing or of the wrong type: {error!r}"
            refused = aws_error("ValidationError", f"{resource.name}: {told}")
        if call.begun:
            begun = version_of(call.begun[-1], dict(call.properties), resource.token, resource.type)
            resource = msgspec.structs.replace(resource, made=begun, fresh=resource.before is None)
        await self.journal.note(resource, failed, told)
        raise refused

    async def _resolved(self, call: ResourceCall) -> ResourceCall:
        """What a type's function sees: dynamic references replaced, those it was made with as far as they can be.

        What is stored keeps the references: their values stay where they are kept, and are no change of the template.
        """
        properties = await resolve_references(self._ask, call.properties)
        return replace(call, properties=properties, before=await self.resolved_if_possible(call.before))

    async def resolved_if_possible(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties with their dynamic references replaced, or as they are where one finds nothing any more."""
        try:
            found: dict[str, Any] = await resolve_references(self._ask, properties)
        except AwsError:
            return dict(properties)
        return found

    async def _ask(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        stack = self.journal.stack
        answer: dict[str, Any] = await self.journal.doorway.ask(
            service, operation, params, self._caller, stack.region, self._trace
        )
        return answer

    # What functions of templates see

    def reference(self, name: str) -> Any:
        """What Ref answers for a resource; Unresolved while it does not exist."""
        made = self.journal.live[name].made if name in self.journal.live else None
        if made is None:
            raise Unresolved(name)
        return made.physical_id if made.ref is None else made.ref

    def attribute(self, name: str, attribute: str) -> Any:
        """What Fn::GetAtt answers for a resource; Unresolved while it does not exist."""
        resource = self.journal.live.get(name)
        if resource is None or resource.made is None:
            raise Unresolved(name)
        found = self.types.attribute(resource.made.type or resource.type, resource.made, attribute)
        if found is None:
            raise aws_error(
                "ValidationError",
                f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt",
            )
        return found


def version_of(made: Resource, properties: dict[str, Any], token: str, kind: str) -> Version:
    """What is stored of something that a type's function made."""
    return Version(
        physical_id=made.physical_id,
        properties=properties,
        attributes=dict(made.attributes),
        ref=made.ref,
        token=token,
        type=kind,
    )
