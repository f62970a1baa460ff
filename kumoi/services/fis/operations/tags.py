"""Tags of templates and experiments."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.fis import fis
from kumoi.services.fis.records import experiments, templates
from kumoi.services.fis.rules import MOST_TAGS, invalid, not_found
from kumoi.state import State, Transaction, transactional


@fis.operation
async def tag_resource(call: Call, resourceArn: str, tags: dict[str, str]) -> dict[str, Any]:
    """Add tags, or give them other values."""
    await _change(*_place(call, resourceArn), tags, [])
    return {}


@fis.operation
async def untag_resource(call: Call, resourceArn: str, tagKeys: list[str] | None = None) -> dict[str, Any]:
    """Remove tags; all of them where none is named."""
    await _change(*_place(call, resourceArn), {}, tagKeys)
    return {}


@fis.operation
async def list_tags_for_resource(call: Call, resourceArn: str) -> dict[str, Any]:
    """The tags of a template or an experiment."""
    return {"tags": await _change(*_place(call, resourceArn), {}, [])}


def _place(call: Call, resource: str) -> tuple[State, str, str]:
    try:
        arn = Arn.parse(resource)
    except ValueError:
        raise invalid(f"{resource} is not a valid ARN.") from None
    kind, _, name = arn.resource.partition("/")
    if arn.service != "fis" or kind not in ("experiment-template", "experiment") or not name:
        raise invalid(f"{resource} is not the ARN of an experiment template or an experiment.")
    return call.doorway.state.at(arn.account, arn.region), kind, name


@transactional
async def _change(
    tx: Transaction, kind: str, name: str, added: dict[str, str], removed: list[str] | None
) -> dict[str, str]:
    template = await templates.get(tx, name) if kind == "experiment-template" else None
    experiment = await experiments.get(tx, name) if kind == "experiment" else None
    found = template or experiment
    if found is None:
        raise not_found(f"The {kind.replace('-', ' ')} {name} does not exist.")
    kept = {} if removed is None else {key: value for key, value in found.tags.items() if key not in removed}
    tags = kept | added
    if len(tags) > MOST_TAGS:
        raise invalid(f"A resource can have up to {MOST_TAGS} tags.")
    if template is not None and tags != template.tags:
        await templates.put(tx, msgspec.structs.replace(template, tags=tags))
    if experiment is not None and tags != experiment.tags:
        await experiments.put(tx, msgspec.structs.replace(experiment, tags=tags))
    return tags
