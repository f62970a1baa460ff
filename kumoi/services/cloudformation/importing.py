"""Importing: resources that exist become a stack's, as they are; nothing is made, changed or deleted.

A change set of type IMPORT names each new resource of its template by what identifies it at its service. Should one not
be there, those taken in before it are let go again. Source: "Import AWS resources into a CloudFormation stack" of the
user guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

import msgspec
import orjson

from kumoi.doorway.resource_types import Resource, ResourceCall
from kumoi.services.cloudformation.acting import Acting, version_of
from kumoi.services.cloudformation.planning import Change
from kumoi.services.cloudformation.records import Source, StackResource, Version
from kumoi.services.cloudformation.scope import wanted_resources
from kumoi.services.cloudformation.template.graph import dependencies
from kumoi.services.cloudformation.template.intrinsics import Scope, Unresolved
from kumoi.services.cloudformation.types import Types
from kumoi.services.cloudformation.walk import in_order
from kumoi.wire.errors import AwsError, aws_error


def import_changes(
    changes: Sequence[Change], resources: Mapping[str, Any], to_import: Sequence[Mapping[str, Any]], types: Types
) -> list[Change]:
    """What an import would do, given what its template would change; ValidationError for what it may not do.

    `resources` are those of the template, `to_import` what ResourcesToImport says.
    """
    named = {str(one.get("LogicalResourceId")): one for one in to_import}
    others = sorted(one.name for one in changes if one.action != "Add")
    if others:
        raise _refused(
            f"You have modified resources {_listed(others)} in your template that are not being imported. "
            "Update, create or delete operations cannot be executed during import operations."
        )
    added = {one.name for one in changes}
    missing, unknown = sorted(added - named.keys()), sorted(named.keys() - added)
    if missing:
        raise _refused(f"Resources {_listed(missing)} are missing from ResourceToImport list")
    if unknown:
        raise _refused(f"Resources {_listed(unknown)} passed in ResourceToImport are not new resources of the template")
    without = sorted(name for name in added if "DeletionPolicy" not in resources[name])
    if without:
        raise _refused(f"Resources {_listed(without)} have no DeletionPolicy: resources to import must have one")
    return [_import(name, resources[name]["Type"], named[name], types) for name in resources if name in added]


def _import(name: str, kind: str, stated: Mapping[str, Any], types: Types) -> Change:
    declared = types.find(kind)
    if declared is None or declared.read is None or not declared.identifier:
        raise _refused(f"ResourceType {kind} of [{name}] is not supported for import by Kumoi")
    if stated.get("ResourceType") != kind:
        raise _refused(f"ResourceToImport says that [{name}] is {stated.get('ResourceType')}, the template {kind}")
    identifier = stated.get("ResourceIdentifier") or {}
    if not isinstance(identifier, Mapping) or set(identifier) != {declared.identifier}:
        raise _refused(f"[{name}] of type {kind} is identified by {declared.identifier}")
    return Change("Import", name, kind, str(identifier[declared.identifier]))


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


async def take_in(acting: Acting, source: Source, scope: Scope, imports: Mapping[str, str]) -> None:
    """Make resources the stack's (`imports`: logical name to physical id); raises Failed."""
    journal = acting.journal
    wanted = wanted_resources(orjson.loads(source.processed), scope)
    needs = dependencies(wanted)

    async def act(name: str) -> None:
        if name not in imports:
            return
        stated = wanted[name]
        token = token_hex(6)
        resource = StackResource(
            stack=journal.stack.id,
            name=name,
            type=stated["Type"],
            status="",
            when=journal.now,
            fresh=True,
            needs=tuple(sorted(needs[name])),
            retain=stated.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate"),
            retain_on_failure=stated.get("DeletionPolicy") == "Retain",
            retain_replaced=stated.get("UpdateReplacePolicy", "Delete") == "Retain",
            token=token,
        )
        try:
            properties: dict[str, Any] = scope.evaluate(stated.get("Properties", {}))
        except Unresolved as unresolved:
            raise aws_error("ValidationError", f"The resource {unresolved.name} does not exist") from None
        await journal.note(resource, "IMPORT_IN_PROGRESS", "Resource import started.", properties)
        known = Version(physical_id=imports[name], properties=properties, token=token, type=resource.type)
        call = acting.call(resource, properties, token, known)

        async def read(call: ResourceCall) -> Resource:
            declared = acting.types.find(resource.type)
            assert declared is not None and declared.read is not None
            return (await declared.read(call)).resource

        made = version_of(await acting.attempt(resource, "IMPORT_FAILED", read, call), properties, token, resource.type)
        await journal.note(
            msgspec.structs.replace(resource, made=made), "IMPORT_COMPLETE", "Resource import completed."
        )

    await in_order(needs, act, "import")


async def let_go(acting: Acting) -> None:
    """Have what an import took in be nobody's again."""
    for name, resource in list(acting.journal.live.items()):
        if resource.fresh or resource.made is None:
            await acting.journal.note(resource, "IMPORT_ROLLBACK_COMPLETE")
            await acting.journal.forget(name)


def _refused(text: str) -> AwsError:
    return aws_error("ValidationError", text)
