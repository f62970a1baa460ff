"""Tags, and what Kumoi reads from them: how long a change takes to reach the POPs.

`kumoi:deployment-seconds` (platform time) has changes take as long; with `kumoi:staggered` = `true` they reach one POP
after another, so that viewers meanwhile see both versions.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.cloudfront import cloudfront
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.errors import invalid
from kumoi.services.cloudfront.records import distributions
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_TAGS = 50
DEPLOYMENT_SECONDS = "kumoi:deployment-seconds"
STAGGERED = "kumoi:staggered"
_LONGEST = 86_400.0


def read_tags(given: dict[str, Any] | None) -> dict[str, str]:
    """The API's tags as a mapping; raises InvalidTagging."""
    tags = {one["Key"]: one.get("Value", "") for one in items(given)}
    if len(tags) != len(items(given)):
        raise invalid("A tag key is given twice.", "InvalidTagging")
    if len(tags) > MAX_TAGS:
        raise invalid(f"A resource can have up to {MAX_TAGS} tags.", "InvalidTagging")
    return tags


def check_untagged(things: str, given: dict[str, Any] | None) -> None:
    """Raise NotImplemented for tags of what has none here."""
    if items(given):
        raise aws_error("NotImplemented", f"Kumoi keeps no tags of {things}: leave Tags out.", status=501)


def replication(tags: dict[str, str]) -> tuple[float, bool]:
    """(seconds until a change is everywhere, whether it comes to one POP after another); raises InvalidTagging."""
    text = tags.get(DEPLOYMENT_SECONDS, "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST:
        raise invalid(f"{DEPLOYMENT_SECONDS} is a number of seconds up to {_LONGEST:.0f}.", "InvalidTagging")
    return seconds, tags.get(STAGGERED) == "true"


@cloudfront.operation
async def tag_resource(call: Call, Resource: str, Tags: dict[str, Any]) -> None:
    """Add tags, replacing those of the same key."""
    await _change(call.state, _distribution(call, Resource), read_tags(Tags), ())
    call.part(Deployments).forget(call.account)


@cloudfront.operation
async def untag_resource(call: Call, Resource: str, TagKeys: dict[str, Any]) -> None:
    """Remove tags."""
    await _change(call.state, _distribution(call, Resource), {}, tuple(items(TagKeys)))
    call.part(Deployments).forget(call.account)


@cloudfront.operation
async def list_tags_for_resource(call: Call, Resource: str) -> dict[str, Any]:
    """A distribution's tags."""
    tags = await _tags(call.state, _distribution(call, Resource))
    return {"Tags": {"Items": [{"Key": key, "Value": value} for key, value in tags.items()]}}


def _distribution(call: Call, resource: str) -> str:
    try:
        arn = Arn.parse(resource)
    except ValueError:
        raise invalid(f"The parameter Resource is no ARN: {resource}") from None
    if arn.service != "cloudfront" or arn.account != call.account:
        raise aws_error("AccessDenied", f"{resource} does not belong to this account.")
    if not arn.resource.startswith("distribution/"):
        raise aws_error("NotImplemented", f"Kumoi tags distributions only, not {arn.resource}; see docs/cloudfront.md.")
    return arn.resource.removeprefix("distribution/")


@transactional
async def _tags(tx: Transaction, id: str) -> dict[str, str]:
    found = await distributions.get(tx, id)
    if found is None:
        raise aws_error("NoSuchResource", "The specified resource does not exist.", status=404)
    return found.tags


@transactional
async def _change(tx: Transaction, id: str, added: dict[str, str], removed: tuple[str, ...]) -> None:
    found = await distributions.get(tx, id)
    if found is None:
        raise aws_error("NoSuchResource", "The specified resource does not exist.", status=404)
    tags = {key: value for key, value in {**found.tags, **added}.items() if key not in removed}
    if len(tags) > MAX_TAGS:
        raise invalid(f"A resource can have up to {MAX_TAGS} tags.", "InvalidTagging")
    seconds, staggered = replication(tags)
    await distributions.put(tx, msgspec.structs.replace(found, tags=tags, deployment=seconds, staggered=staggered))
