"""`kumoi snapshot save|load|list|diff`: the whole platform as one file."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from kumoi.cli.connection import Connection, data_option, json_option

_FILE = click.Path(dir_okay=False, path_type=Path)
_SHOWN = 200


@click.group("snapshot")
def command() -> None:
    """Keep the whole platform in a file, and go back to it."""


@command.command("save")
@click.argument("file", type=_FILE)
@data_option
def save(file: Path, data: Path | None) -> None:
    """Save everything as it is now; the platform goes on meanwhile."""
    size = Connection.find(data).download("snapshot", file)
    click.echo(f"saved {_bytes(size)} to {file}.")


@command.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--saved-time", is_flag=True, help="Let the clock go on from when it was saved, not from now.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def load(file: Path, saved_time: bool, yes: bool, data: Path | None) -> None:
    """Put a snapshot in the place of everything there is."""
    connection = Connection.find(data)
    if not yes:
        click.confirm(f"forget everything on {connection.url} and load {file}?", abort=True)
    found = connection.upload("snapshot", file, clock="saved" if saved_time else None)
    click.echo(f"loaded {file}, saved {_time(found['taken'])}.")


@command.command("list")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def list_(file: Path, as_json: bool) -> None:
    """What a snapshot holds."""
    from kumoi.snapshots.contents import holdings

    with _refusals():
        found = holdings(file)
    if as_json:
        records = [
            {"account": account, "region": region, "kind": kind, "count": count}
            for (account, region, kind), count in found.records.items()
        ]
        places = {place: {"files": files, "bytes": size} for place, (files, size) in found.places.items()}
        click.echo(json.dumps({**msgspec.to_builtins(found.manifest), "records": records, "places": places}))
        return
    click.echo(f"saved {_time(found.manifest.taken)} by Kumoi {found.manifest.kumoi}, {_bytes(found.manifest.bytes)}")
    for (account, region, kind), count in found.records.items():
        click.echo(f"  {account or 'everywhere':<12} {region or '-':<12} {kind:<32} {count:>8}")
    for place, (files, size) in found.places.items():
        click.echo(f"  {place:<58} {files:>8} files, {_bytes(size)}")


@command.command("diff")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("other", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--all", "everything", is_flag=True, help=f"Show every difference, not the first {_SHOWN}.")
@data_option
@json_option
def diff(file: Path, other: Path | None, everything: bool, data: Path | None, as_json: bool) -> None:
    """What has changed since FILE: in another snapshot, or else in the running platform."""
    from kumoi.snapshots.contents import differences

    with tempfile.TemporaryDirectory(prefix="kumoi-diff-") as folder, _refusals():
        if other is None:
            other = Path(folder) / "now.kumoi"
            Connection.find(data).download("snapshot", other)
        found = list(differences(file, other))
    if as_json:
        click.echo(json.dumps([{"change": one.sign, **one.entry._asdict()} for one in found]))
        return
    for one in found if everything else found[:_SHOWN]:
        place = f"{one.entry.account or 'everywhere'} {one.entry.region or '-'}"
        click.echo(f"{one.sign} {place} {one.entry.kind} {one.entry.name}")
    if len(found) > _SHOWN and not everything:
        click.echo(f"… and {len(found) - _SHOWN} more (--all shows them).")
    if not found:
        click.echo("no difference.")


class _refusals:  # noqa: N801  (reads as the statement that it is)
    """What is wrong with a file, said as click says it."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        from kumoi.snapshots import BadSnapshot

        if isinstance(error, BadSnapshot | OSError):
            raise click.ClickException(str(error)) from None


def _time(taken: float) -> str:
    return f"{datetime.fromtimestamp(taken, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _bytes(size: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
