"""Distributions: create, get, update, delete, list."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.cloudfront import aliases, cloudfront
from kumoi.services.cloudfront.configuration.normal_form import full
from kumoi.services.cloudfront.configuration.reading import items
from kumoi.services.cloudfront.configuration.rules import check, check_quantities
from kumoi.services.cloudfront.describing import described, summary
from kumoi.services.cloudfront.edge.deployments import Deployments
from kumoi.services.cloudfront.edge.hits import Hits
from kumoi.services.cloudfront.errors import check_version, invalid
from kumoi.services.cloudfront.lambda_edge import replicas
from kumoi.services.cloudfront.lookup import all_distributions, find_distribution
from kumoi.services.cloudfront.naming import location, new_id, new_label
from kumoi.services.cloudfront.operations.tags import read_tags, replication
from kumoi.services.cloudfront.pages import page
from kumoi.services.cloudfront.records import Distribution, Place, distributions, invalidations, places
from kumoi.services.cloudfront.references import check_references
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MAX_DISTRIBUTIONS = 500


@cloudfront.operation
async def create_distribution(call: Call, DistributionConfig: dict[str, Any]) -> dict[str, Any]:
    """Create a distribution; the same configuration with the same CallerReference once more answers the first."""
    return await _create(call, DistributionConfig, {})


@cloudfront.operation
async def create_distribution_with_tags(call: Call, DistributionConfigWithTags: dict[str, Any]) -> dict[str, Any]:
    """Create a distribution that has tags from the start."""
    given = DistributionConfigWithTags
    return await _create(call, given["DistributionConfig"], read_tags(given["Tags"]))


async def _create(call: Call, given: dict[str, Any], tags: dict[str, str]) -> dict[str, Any]:
    config = checked(given)
    seconds, staggered = replication(tags)
    fresh = Distribution(
        id=new_id(),
        label=new_label(),
        etag=new_id(),
        config=config,
        created=call.now,
        changed=call.now,
        deployment=seconds,
        staggered=staggered,
        staging=bool(config["Staging"]),
        tags=tags,
    )
    made = await store(call, fresh)
    return {
        "Distribution": await described(call, made, status="InProgress"),
        "Location": location(f"distribution/{made.id}"),
        "ETag": made.etag,
    }


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """A configuration in its normal form; raises for what it may not say."""
    check_quantities(given)
    config = full(given)
    check(config)
    return config


async def store(call: Call, fresh: Distribution) -> Distribution:
    """Store a new distribution: it serves from now on. Answers the one there is, where the request is a repetition."""
    await check_references(call, fresh.config)
    made = await _store(call.state, call.account, fresh)
    aliases.claim(call.doorway.parts, items(made.config["Aliases"]))
    call.part(Deployments).forget(call.account)
    if replicas.concern(made.config):
        await replicas.sync(call.doorway, call.account)
    return made


@transactional
async def _store(tx: Transaction, account: str, fresh: Distribution) -> Distribution:
    known = await distributions.list(tx)
    for one in known:
        if one.config["CallerReference"] == fresh.config["CallerReference"]:
            if one.config == fresh.config:
                return one
            raise aws_error(
                "DistributionAlreadyExists",
                "The caller reference you attempted to create the distribution with is associated with another"
                " distribution.",
                status=409,
            )
    if len(known) >= MAX_DISTRIBUTIONS:
        raise aws_error(
            "TooManyDistributions",
            "Processing your request would cause you to exceed the maximum number of distributions allowed.",
            status=400,
        )
    await aliases.take(tx, account, fresh.id, items(fresh.config["Aliases"]))
    await places.put(tx, Place(fresh.id, account, fresh.id))
    await places.put(tx, Place(fresh.label, account, fresh.id))
    await distributions.put(tx, fresh)
    if replicas.concern(fresh.config):
        tx.timer(tx.now, replicas.TOPIC, key=fresh.id)
    return fresh


@cloudfront.operation
async def get_distribution(call: Call, Id: str) -> dict[str, Any]:
    """A distribution; its Status is Deployed once every POP serves its configuration."""
    found = await find_distribution(call.state, Id)
    return {"Distribution": await described(call, found), "ETag": found.etag}


@cloudfront.operation
async def get_distribution_config(call: Call, Id: str) -> dict[str, Any]:
    """A distribution's configuration, as an update wants it."""
    found = await find_distribution(call.state, Id)
    return {"DistributionConfig": found.config, "ETag": found.etag}


@cloudfront.operation
async def list_distributions(call: Call, Marker: str | None = None, MaxItems: str | None = None) -> dict[str, Any]:
    """The account's distributions, those made last first."""
    found = await all_distributions(call.state)
    return {"DistributionList": page(found, lambda one: one.id, lambda one: summary(call, one), Marker, MaxItems)}


@cloudfront.operation
async def update_distribution(
    call: Call, Id: str, DistributionConfig: dict[str, Any], IfMatch: str | None = None
) -> dict[str, Any]:
    """Replace a distribution's whole configuration."""
    config = checked(DistributionConfig)
    found = await find_distribution(call.state, Id)
    check_version(found.etag, IfMatch)
    await check_references(call, config)
    changed = await replace(call, Id, IfMatch, config)
    return {"Distribution": await described(call, changed, status="InProgress"), "ETag": changed.etag}


async def replace(call: Call, id: str, if_match: str | None, config: dict[str, Any]) -> Distribution:
    """Store another configuration of a distribution; it reaches the POPs over the distribution's deployment time."""
    changed, freed = await _replace(call.state, call.account, id, if_match, config)
    aliases.release(call.doorway.parts, freed)
    aliases.claim(call.doorway.parts, items(config["Aliases"]))
    call.part(Deployments).forget(call.account)
    if replicas.concern(changed.config, changed.previous or changed.config):
        await replicas.sync(call.doorway, call.account)
    return changed


@transactional
async def _replace(
    tx: Transaction, account: str, id: str, if_match: str | None, config: dict[str, Any]
) -> tuple[Distribution, list[str]]:
    found = await find_distribution(tx, id)
    check_version(found.etag, if_match)
    if config["CallerReference"] != found.config["CallerReference"]:
        raise invalid("The caller reference cannot be changed.", "IllegalUpdate")
    if bool(config["Staging"]) != found.staging:
        raise invalid("Whether a distribution is a staging distribution cannot be changed.", "IllegalUpdate")
    kept = set(items(config["Aliases"]))
    freed = [alias for alias in items(found.config["Aliases"]) if alias not in kept]
    for alias in freed:
        await places.delete(tx, alias.lower())
    await aliases.take(tx, account, id, items(config["Aliases"]))
    changed = msgspec.structs.replace(
        found,
        config=config,
        etag=new_id(),
        changed=tx.now,
        previous=found.config if found.deployed(tx.now) else found.previous,
    )
    await distributions.put(tx, changed)
    if replicas.concern(changed.config, changed.previous or changed.config):
        tx.timer(tx.now + changed.deployment, replicas.TOPIC, key=id)
    return changed, freed


@cloudfront.operation
async def delete_distribution(call: Call, Id: str, IfMatch: str | None = None) -> None:
    """Delete a distribution that is disabled, once that has reached every POP."""
    gone = await _delete(call.state, Id, IfMatch)
    aliases.release(call.doorway.parts, items(gone.config["Aliases"]))
    call.part(Deployments).forget(call.account)
    call.part(Hits).end(gone.id)
    if replicas.concern(gone.config):
        await replicas.sync(call.doorway, call.account)


@transactional
async def _delete(tx: Transaction, id: str, if_match: str | None) -> Distribution:
    found = await find_distribution(tx, id)
    check_version(found.etag, if_match)
    if found.config["Enabled"] or not found.deployed(tx.now):
        raise aws_error(
            "DistributionNotDisabled",
            "The distribution you are trying to delete has not been disabled.",
            status=409,
        )
    for name in (*(alias.lower() for alias in items(found.config["Aliases"])), found.id, found.label):
        await places.delete(tx, name)
    await invalidations.delete_all(tx, id)
    await distributions.delete(tx, id)
    if replicas.concern(found.config):
        tx.timer(tx.now, replicas.TOPIC, key=id)
    return found
