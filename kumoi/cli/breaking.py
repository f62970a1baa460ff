"""`kumoi break FILE`: run an experiment, and `kumoi break FILE --all-edges`: break everything that its load touches."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kumoi.cli.connection import Connection, data_option, environment

if TYPE_CHECKING:
    from kumoi.experiments.application import Application
    from kumoi.experiments.model import Experiment
    from kumoi.experiments.verdict import Report

WAYS = ("error", "throttle", "slow", "lost", "duplicate", "reorder")
_IN = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command("break")
@click.argument("files", nargs=-1, type=_IN)
@click.option("--replay", type=_IN, metavar="RUN", help="Strike again what a run's --json report tells of.")
@click.option("--all-edges", is_flag=True, help="Break every edge that the files' loads touch, in every way.")
@click.option(
    "--record", metavar="COMMAND", help="Record the flows of --all-edges while this command uses the platform."
)
@click.option(
    "--against", type=_IN, metavar="MATRIX", help="An earlier --all-edges --json: only what is worse than there fails."
)
@click.option("--edge", default="*", metavar="GLOB", help="Only edges like this: 'source → target operation'.")
@click.option(
    "--way",
    "ways",
    multiple=True,
    type=click.Choice(WAYS),
    help="Break in this way only; as often as wanted. Without it in all but reorder.",
)
@click.option(
    "--orders", type=click.IntRange(1, 50), default=5, show_default=True, help="Orders of deliveries (--way reorder)."
)
@click.option("--requests", type=click.IntRange(1, 1000), default=4, show_default=True, help="Requests of each run.")
@click.option(
    "--speed", type=click.FloatRange(0.1, 1000), default=20, show_default=True, help="The clock's, meanwhile."
)
@click.option("--account", metavar="ID", default="test", help="The account, or an access key of it.")
@click.option("--region", default="us-east-1", show_default=True, envvar="AWS_DEFAULT_REGION")
@click.option("--seed", type=int, help="Instead of the file's: the same seed breaks the same calls.")
@click.option("--json", "json_file", type=_OUT, help="Write the report as JSON; - for the output.")
@click.option("--html", "html_file", type=_OUT, help="Write the report as a page.")
@click.option("--junit", "junit_file", type=_OUT, help="Write the report as JUnit's XML.")
@data_option
def command(
    files: tuple[Path, ...],
    replay: Path | None,
    all_edges: bool,
    data: Path | None,
    account: str,
    region: str,
    **given: Any,
) -> None:
    """Run the experiments in FILES (Kumoi's YAML, or chaostoolkit's): exit code 0 when they pass, 1 when one fails,
    2 when one cannot be run.

    With --replay RUN the experiment of a report is run again, and the calls that were struck then are struck again, no
    others: 0 when they were and it ended in the same way.

    With --all-edges their loads are the flows, and what users do while --record's command runs: each edge of the map
    that they touch is broken in each way, every time from a snapshot that is taken first; at the end the platform is as
    it was. 1 when data were lost or counted twice; with --against, when a cell is red or black that was better there.
    """
    from kumoi.experiments.application import Application
    from kumoi.experiments.model import BadExperiment
    from kumoi.experiments.reading import read_experiment

    if replay is not None and (files or all_edges or given["seed"] is not None):
        raise click.UsageError("--replay goes without FILES, --all-edges and --seed: the report says all that.")
    if given["against"] is not None and not all_edges:
        raise click.UsageError("--against goes with --all-edges.")
    if replay is None and not files and not (all_edges and given["record"]):
        raise click.UsageError("a FILE is needed, or --all-edges with --record COMMAND.")
    connection = Connection.find(data)
    application = Application(connection.url, connection.ask, account=account, region=region)
    try:
        experiments = [read_experiment(file) for file in files]
        with _interrupted_by_the_end():
            if replay is not None:
                good = _replay(application, replay, given)
            elif all_edges:
                good = _sweep(connection, application, experiments, given)
            else:
                results = [_experiment(application, one, given) for one in experiments]
                good = all(results)
    except BadExperiment as error:
        raise click.UsageError(str(error)) from None
    finally:
        application.close()
    sys.exit(0 if good else 1)


@contextmanager
def _interrupted_by_the_end() -> Iterator[None]:
    """SIGTERM (a job of CI that is cancelled) interrupts: what is broken is taken back, the platform put back."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _experiment(application: Application, experiment: Experiment, given: dict[str, Any]) -> bool:
    import msgspec

    from kumoi.experiments.running import Runner

    if given["seed"] is not None:
        experiment = msgspec.structs.replace(experiment, seed=given["seed"])
    report = Runner(application, progress(_quiet(given))).run(experiment)
    _report(report, given)
    return report.verdict == "passed"


def _replay(application: Application, run: Path, given: dict[str, Any]) -> bool:
    import msgspec

    from kumoi.experiments.replaying import Recorded, compared, experiment_of, read_run
    from kumoi.experiments.running import Runner

    before = read_run(run)
    recorded = Recorded(before.strikes)
    report = Runner(application, progress(_quiet(given))).run(experiment_of(before), recorded)
    replay = compared(recorded, before.verdict, report)
    _report(msgspec.structs.replace(report, replay=replay), given)
    return replay.identical and report.verdict == before.verdict


def _quiet(given: dict[str, Any]) -> bool:
    """Whether the output is a report's alone."""
    return bool(given["json_file"] == Path("-"))


def _report(report: Report, given: dict[str, Any]) -> None:
    from kumoi.experiments import reporting

    if not _quiet(given):
        for line in reporting.lines(report):
            click.echo(line)
    write(given["json_file"], reporting.as_json(report))
    write(given["html_file"], reporting.as_html(report).encode())
    write(given["junit_file"], reporting.as_junit(report))


def _sweep(connection: Connection, application: Application, flows: list[Experiment], given: dict[str, Any]) -> bool:
    import msgspec

    from kumoi.experiments import reporting
    from kumoi.experiments.model import BadExperiment
    from kumoi.experiments.regression import read_matrix, regressions
    from kumoi.experiments.sweep import USUAL, Sweep, recorded

    before = None if given["against"] is None else read_matrix(given["against"])
    for flow in flows:
        if flow.load is None:
            raise BadExperiment(f"{flow.title}: a flow needs a load")
    quiet = _quiet(given)
    with tempfile.TemporaryDirectory(prefix="kumoi-break-") as folder:
        snapshot = Path(folder) / "before.kumoi"
        connection.download("snapshot", snapshot)
        if given["record"]:
            flows = [*flows, *recorded(_recorded(connection, given["record"]))]
            if not flows:
                raise BadExperiment("nothing was recorded: the command made no request that puts something in")
        sweep = Sweep(application, lambda: connection.upload("snapshot", snapshot, clock="saved"), progress(quiet))
        seed = given["seed"] if given["seed"] is not None else flows[0].seed
        matrix = sweep.run(
            flows,
            requests=given["requests"],
            speed=given["speed"],
            seed=seed,
            only=given["edge"],
            kinds=given["ways"] or USUAL,
            orders=given["orders"],
        )
    if not quiet:
        for line in reporting.matrix_lines(matrix):
            click.echo(line)
    write(given["json_file"], reporting.as_json(matrix))
    write(given["html_file"], reporting.matrix_html(matrix).encode())
    write(given["junit_file"], reporting.matrix_junit(matrix))
    connection.ask("POST", "sweep", msgspec.to_builtins(matrix), account=application.account)
    if before is None:
        return not matrix.counts.get("black", 0)
    worse = regressions(before, matrix)
    for one in worse:
        click.echo(f"WORSE {one}", err=quiet)
    return not worse


def _recorded(connection: Connection, command_line: str) -> list[dict[str, Any]]:
    """What users asked while a command ran; it must end well."""
    variables = {**os.environ, **environment(connection.url)}
    connection.ask("POST", "recording")
    try:
        done = subprocess.run(shlex.split(command_line), env=variables, check=False)  # noqa: S603  (the user's own)
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{command_line}: {error}") from None
    finally:
        found: list[dict[str, Any]] = connection.ask("DELETE", "recording")["requests"]
    if done.returncode:
        raise click.ClickException(f"{command_line} ended with {done.returncode}")
    return found


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
