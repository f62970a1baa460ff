"""`kumoi break FILE`: run an experiment, and `kumoi break FILE --all-edges`: break everything that its load touches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option

_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command("break")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--account", metavar="ID", default="test", help="The account, or an access key of it.")
@click.option("--region", default="us-east-1", show_default=True, envvar="AWS_DEFAULT_REGION")
@click.option("--seed", type=int, help="Instead of the file's: the same seed breaks the same calls.")
@click.option("--json", "json_file", type=_OUT, help="Write the report as JSON; - for the output.")
@click.option("--html", "html_file", type=_OUT, help="Write the report as a page.")
@click.option("--junit", "junit_file", type=_OUT, help="Write the report as JUnit's XML.")
@data_option
def command(
    file: Path,
    account: str,
    region: str,
    seed: int | None,
    json_file: Path | None,
    html_file: Path | None,
    junit_file: Path | None,
    data: Path | None,
) -> None:
    """Run the experiment in FILE (Kumoi's YAML, or chaostoolkit's): exit code 0 when it passes, 1 when it fails,
    2 when it cannot be run.
    """
    import msgspec

    from kumoi.experiments import reporting
    from kumoi.experiments.application import Application
    from kumoi.experiments.model import BadExperiment
    from kumoi.experiments.reading import read_experiment
    from kumoi.experiments.running import Runner

    connection = Connection.find(data)
    application = Application(connection.url, connection.ask, account=account, region=region)
    quiet = json_file == Path("-")
    try:
        experiment = read_experiment(file)
        if seed is not None:
            experiment = msgspec.structs.replace(experiment, seed=seed)
        report = Runner(application, progress(quiet)).run(experiment)
    except BadExperiment as error:
        raise click.UsageError(str(error)) from None
    finally:
        application.close()
    if not quiet:
        for line in reporting.lines(report):
            click.echo(line)
    write(json_file, reporting.as_json(report))
    write(html_file, reporting.as_html(report).encode())
    write(junit_file, reporting.as_junit(report))
    sys.exit(0 if report.verdict == "passed" else 1)


def progress(quiet: bool) -> Callable[[str], None]:
    """What to do with a line of progress."""

    def tell(line: str) -> None:
        if not quiet:
            click.echo(f"· {line}")

    return tell


def write(path: Path | None, content: bytes) -> None:
    """Write a report where it is wanted; `-` is the output."""
    if path is None:
        return
    if path == Path("-"):
        click.echo(content.decode())
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None
