"""Going back: what an update changed is changed back, what it made is deleted, what it replaced is there again."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kumoi.services.cloudformation.acting import Acting
from kumoi.services.cloudformation.records import StackResource
from kumoi.services.cloudformation.taking_away import delete, left_behind, take_away_if_possible
from kumoi.services.cloudformation.walk import Failed
from kumoi.wire.errors import AwsError


async def change_back(acting: Acting, skipped: Iterable[str] = ()) -> None:
    """Change back in place what can be; Failed names those that could not. `skipped` count as changed back."""
    failed: list[str] = []
    for name, resource in list(acting.journal.live.items()):
        before, made = resource.before, resource.made
        if before is None or made is None or made.physical_id != before.physical_id or resource.replacing:
            continue
        if name in set(skipped):
            await acting.journal.note(msgspec.structs.replace(resource, made=before, begun=None), "UPDATE_COMPLETE")
            continue
        try:
            await _change_back(acting, resource)
        except AwsError:
            failed.append(name)
    if failed:
        raise Failed(failed, "update")


async def _change_back(acting: Acting, resource: StackResource) -> None:
    """Change one resource to what it was; one that a failure or a crash left in between is changed in any case."""
    declared, before, made = acting.types.find(resource.type), resource.before, resource.made
    assert before is not None and made is not None
    if declared is None or declared.update is None:
        return
    if made == before and resource.begun is None:
        return
    if resource.begun is not None:
        made = msgspec.structs.replace(made, properties=resource.begun)
    await acting.journal.note(resource, "UPDATE_IN_PROGRESS")
    call = acting.call(resource, before.properties, before.token, made)
    await acting.attempt(resource, "UPDATE_FAILED", declared.update, call)
    await acting.journal.note(msgspec.structs.replace(resource, made=before, begun=None), "UPDATE_COMPLETE")


async def clean_up(acting: Acting) -> None:
    """Delete what the update made; what it replaced is the stack's again. Raises Failed."""
    journal = acting.journal
    for name, resource in list(journal.live.items()):
        made, before = resource.made, resource.before
        if before is None:
            continue
        if resource.replacing and made is not None and made.physical_id == before.physical_id:
            made = left_behind(acting, resource) or made
        if made is not None and made.physical_id != before.physical_id:
            await take_away_if_possible(acting, resource, made)
        await journal.keep(
            msgspec.structs.replace(
                journal.live[name],
                type=before.type or resource.type,
                made=before,
                before=None,
                begun=None,
                replacing=False,
                status="UPDATE_COMPLETE",
            )
        )
    made_newly = [name for name, one in journal.live.items() if one.fresh or one.made is None]
    await delete(acting, made_newly, rolling_back=True)
