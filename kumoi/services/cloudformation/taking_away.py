"""Taking resources away: each goes before those it needs; what is to be retained stays.

Source: "DeletionPolicy attribute" and "UpdateReplacePolicy attribute" of the template reference.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import msgspec

from kumoi.doorway import CallDropped
from kumoi.services.cloudformation.acting import Acting
from kumoi.services.cloudformation.records import StackResource, Version
from kumoi.services.cloudformation.walk import Failed, in_order
from kumoi.wire.errors import AwsError, aws_error

_GONE = ("NotFound", "NonExistent", "NoSuch", "DoesNotExist")


def is_gone(error: AwsError) -> bool:
    """Whether a service says that there is no such thing."""
    return any(part in error.code for part in _GONE)


async def delete(acting: Acting, among: Iterable[str], *, rolling_back: bool, retained: Iterable[str] = ()) -> None:
    """Delete resources so that each goes before those it needs; Failed names those that stay.

    `rolling_back`: what the operation that failed has made goes too, unless its policy retains it even then.
    `retained` are left where they are, as DeleteStack was told.
    """
    journal, kept = acting.journal, set(retained)
    chosen = set(among)
    needed_by: dict[str, set[str]] = {name: set() for name in chosen}
    for name in chosen:
        for needed in journal.live[name].needs:
            if needed in needed_by:
                needed_by[needed].add(name)

    async def act(name: str) -> None:
        resource = journal.live[name]
        if resource.made is None:
            resource = msgspec.structs.replace(resource, made=left_behind(acting, resource))
        retain = resource.retain_on_failure if rolling_back and resource.fresh else resource.retain
        if resource.made is None:
            await journal.forget(name)
            return
        if name in kept or (retain and not (rolling_back and resource.begun is not None)):
            await journal.note(resource, "DELETE_SKIPPED")
        else:
            await _take_away(acting, resource, resource.made)
        await journal.forget(name)

    await in_order(needed_by, act, "delete")


def left_behind(acting: Acting, resource: StackResource) -> Version | None:
    """What a crash or a failure in the middle of making a resource may have left.

    Only names that were made up for it are looked for: what has another name may be somebody else's.
    """
    declared = acting.types.find(resource.type)
    if resource.begun is None or declared is None or declared.expected is None:
        return None
    physical = declared.expected(acting.call(resource, resource.begun, resource.token))
    if resource.token not in physical:
        return None
    return Version(physical_id=physical, properties=resource.begun, token=resource.token, type=resource.type)


async def _take_away(acting: Acting, resource: StackResource, version: Version) -> None:
    """Delete what a resource was made as; one that has gone already is no failure."""
    shown = msgspec.structs.replace(resource, made=version, type=version.type or resource.type)
    await acting.journal.note(shown, "DELETE_IN_PROGRESS")
    declared = acting.types.find(shown.type)
    properties = await acting.resolved_if_possible(version.properties)
    call = acting.call(shown, properties, version.token, version)
    try:
        if declared is not None:
            await declared.delete(call)
    except AwsError as error:
        if not is_gone(error):
            await acting.journal.note(shown, "DELETE_FAILED", f"{error.message} ({error.code})")
            raise
    except CallDropped:
        await acting.journal.note(shown, "DELETE_FAILED", "A service did not answer")
        raise aws_error("ServiceUnavailable", "A service did not answer") from None
    await acting.journal.note(shown, "DELETE_COMPLETE")


async def take_away_if_possible(acting: Acting, resource: StackResource, version: Version) -> None:
    """Delete what an operation that stands has left over; a failure is told in the events alone."""
    with contextlib.suppress(AwsError):
        await _take_away(acting, resource, version)


async def clean_up(acting: Acting, wanted: set[str]) -> None:
    """After an update: delete what was replaced, and what is wanted no more."""
    journal = acting.journal
    for resource in list(journal.live.values()):
        before, made = resource.before, resource.made
        if before is None or made is None or before.physical_id == made.physical_id:
            continue
        if not resource.retain_replaced:
            await take_away_if_possible(acting, resource, before)
        await journal.keep(msgspec.structs.replace(resource, before=None))
    with contextlib.suppress(Failed):  # told in the events; the update stands all the same
        await delete(acting, [name for name in journal.live if name not in wanted], rolling_back=False)
