"""`kumoi iotanalytics import DIR`: what was exported of an IoT Analytics account comes to life here.

DIR holds what `aws iotanalytics describe-…` answered, a JSON file for each resource wherever it lies, and below
`s3/BUCKET/` the objects of buckets, as `aws s3 sync` fetches them. Messages in customer-managed storage pass their
channel's pipelines again, and keep the day on which they came. What is here already is left as it is, and its messages
do not pass again: so an import can be repeated.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

import click
from botocore.exceptions import BotoCoreError, ClientError

from kumoi.cli.connection import data_option
from kumoi.cli.sdk import install
from kumoi.cli.sdk_client import client

MOST_PATHS = 100
"""Objects of one reprocessing."""
_PAUSE = 0.2


class Kind(NamedTuple):
    """A kind of resource: its operation, and the names that members of a description have in a request."""

    operation: str
    renamed: Mapping[str, str]
    kept: Sequence[str]


KINDS: Mapping[str, Kind] = {
    "channel": Kind("create_channel", {"name": "channelName", "storage": "channelStorage"}, ("retentionPeriod",)),
    "datastore": Kind(
        "create_datastore",
        {"name": "datastoreName", "storage": "datastoreStorage"},
        ("retentionPeriod", "fileFormatConfiguration", "datastorePartitions"),
    ),
    "pipeline": Kind("create_pipeline", {"name": "pipelineName", "activities": "pipelineActivities"}, ()),
    "dataset": Kind(
        "create_dataset",
        {"name": "datasetName"},
        (
            *("actions", "triggers", "contentDeliveryRules", "retentionPeriod"),
            *("versioningConfiguration", "lateDataRules"),
        ),
    ),
}
"""In the order in which they are made."""


class Found(NamedTuple):
    """A description in a file."""

    kind: str
    described: dict[str, Any]
    file: Path


@click.group()
def command() -> None:
    """What is peculiar to IoT Analytics."""


@command.command(name="import")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@data_option
def import_command(directory: Path, data: Path | None) -> None:
    """Make what the describe-… answers in DIRECTORY tell of; messages in DIRECTORY/s3 pass its pipelines."""
    found = sorted(descriptions(directory), key=lambda one: (list(KINDS).index(one.kind), one.described["name"]))
    if not found:
        raise click.ClickException(f"{directory} has no file with a channel, datastore, pipeline or dataset in it.")
    with tempfile.TemporaryDirectory() as models:
        install("iotanalytics", Path(models))
        analytics = client("iotanalytics", data, models=Path(models))
        with closing(analytics), closing(client("s3", data)) as s3:
            try:
                _import(analytics, s3, found, directory / "s3")
            except (BotoCoreError, ClientError) as error:
                raise click.ClickException(str(error)) from None


def descriptions(directory: Path) -> Iterator[Found]:
    """The descriptions in the JSON files below a directory, but not among the objects of buckets."""
    for file in files(directory):
        if file.suffix != ".json" or file.is_relative_to(directory / "s3"):
            continue
        try:
            content = json.loads(file.read_text())
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise click.ClickException(f"{file} is no JSON: {error}") from None
        for one in content if isinstance(content, list) else [content]:
            for kind in KINDS:
                described = one.get(kind) if isinstance(one, dict) else None
                if isinstance(described, dict) and isinstance(described.get("name"), str):
                    yield Found(kind, described, file)


def files(folder: Path) -> list[Path]:
    """The files below a folder, but no links: they would bring in what lies elsewhere."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]


def request(found: Found) -> dict[str, Any]:
    """The request that makes what a description tells of. Empty members are left out, as requests may not have them."""
    kind, described = KINDS[found.kind], found.described
    renamed = {name: described[member] for member, name in kind.renamed.items() if described.get(member)}
    return renamed | {member: described[member] for member in kind.kept if described.get(member)}


def _import(analytics: Any, s3: Any, found: Sequence[Found], folder: Path) -> None:
    objects = _upload(s3, folder)
    made: list[Found] = []
    for one in found:
        name = f"{one.kind} {one.described['name']}"
        try:
            getattr(analytics, KINDS[one.kind].operation)(**request(one))
        except analytics.exceptions.ResourceAlreadyExistsException:
            click.echo(f"{name} is there already")
        except (BotoCoreError, ClientError) as error:
            raise click.ClickException(f"{one.file}: {name} cannot be made: {error}") from None
        else:
            made.append(one)
            click.echo(name)
            if any("containerAction" in action for action in one.described.get("actions", ())):
                click.echo("  its container action is kept; docs/iotanalytics.md tells what runs")
    storage = {one.described["name"]: one.described.get("storage", {}) for one in found if one.kind == "channel"}
    for one in made:
        if one.kind == "pipeline":
            _reprocess(analytics, one.described, storage, objects)


def _upload(s3: Any, objects: Path) -> dict[str, list[str]]:
    """Put the objects of buckets; their keys, by the names of buckets."""
    keys: dict[str, list[str]] = {}
    for bucket in sorted(path for path in objects.glob("*") if path.is_dir() and not path.is_symlink()):
        with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
            s3.create_bucket(Bucket=bucket.name)
        listed = files(bucket)
        keys[bucket.name] = [file.relative_to(bucket).as_posix() for file in listed]
        for file, key in zip(listed, keys[bucket.name], strict=True):
            s3.upload_file(str(file), bucket.name, key)
        click.echo(f"bucket {bucket.name}: {len(listed)} objects")
    return keys


def _reprocess(
    analytics: Any, pipeline: dict[str, Any], storage: Mapping[str, Any], objects: Mapping[str, Sequence[str]]
) -> None:
    """Have the messages of a pipeline's channel pass it, as far as they are in a bucket that was exported."""
    channel = next((one["channel"]["channelName"] for one in pipeline["activities"] if "channel" in one), "")
    customer = storage.get(channel, {}).get("customerManagedS3")
    if customer is None:
        return
    prefix = f"{customer.get('keyPrefix', '')}channel/{channel}/"
    paths = sorted(key for key in objects.get(customer["bucket"], ()) if key.startswith(prefix))
    for at in range(0, len(paths), MOST_PATHS):
        taken = {"s3Paths": paths[at : at + MOST_PATHS]}
        run = analytics.start_pipeline_reprocessing(pipelineName=pipeline["name"], channelMessages=taken)
        while _status(analytics, pipeline["name"], run["reprocessingId"]) == "RUNNING":
            sleep(_PAUSE)
    if paths:
        click.echo(f"pipeline {pipeline['name']}: the messages of {len(paths)} objects have passed")


def _status(analytics: Any, pipeline: str, reprocessing: str) -> str:
    summaries = analytics.describe_pipeline(pipelineName=pipeline)["pipeline"].get("reprocessingSummaries", [])
    return next((str(one["status"]) for one in summaries if one["id"] == reprocessing), "")
