"""Replaying a run: its report holds the experiment and every strike, and the same calls are struck again.

A strike is known by its fault, its edge of the map and the number of the call on it. What happens side by side does not
change them, so that a run which broke by chance breaks again in the same way, as long as the names of its resources are
the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from kumoi.experiments.files import LONGEST_REPORT, bounded
from kumoi.experiments.model import BadExperiment, Experiment
from kumoi.experiments.verdict import Replayed, Report

_TOLD = 20


class _Strike(msgspec.Struct, frozen=True):
    """A strike as a report holds it."""

    fault: str
    edge: str
    number: int
    action: str
    delay_ms: float


class Recorded:
    """The strikes of a run, by fault and edge."""

    def __init__(self, strikes: Iterable[Mapping[str, Any]]) -> None:
        self.strikes = [dict(one) for one in strikes]
        self._at: dict[str, dict[str, list[int]]] = {}
        for one in self.strikes:
            self._at.setdefault(one["fault"], {}).setdefault(one["edge"], []).append(one["number"])

    def strikes_at(self, fault: str) -> dict[str, list[int]]:
        """The numbers of the calls that a fault struck, by edge; none for a fault that struck nothing."""
        return self._at.get(fault, {})


def read_run(path: Path) -> Report:
    """The report of a run (`kumoi break FILE --json RUN`); BadExperiment for what cannot be replayed."""
    content = bounded(path, LONGEST_REPORT)
    try:
        found = msgspec.json.decode(content)
        if isinstance(found, dict) and "rows" in found:
            raise BadExperiment(f"{path} is the report of a sweep: break its edge again with --edge, --way and --seed")
        report = msgspec.convert(found, Report)
        msgspec.convert(report.strikes, list[_Strike])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadExperiment(f"{path} is no report of a run: {error}") from None
    if report.experiment is None or report.verdict == "not started":
        raise BadExperiment(
            f"{path} holds no run that could be replayed: it was not started, or an older Kumoi wrote it"
        )
    struck = sum(fault.struck for fault in report.faults)
    if struck > len(report.strikes):
        raise BadExperiment(
            f"{path} tells of {len(report.strikes)} strikes of {struck}: they were too many to be noted"
        )
    return report


def experiment_of(report: Report) -> Experiment:
    """The experiment that a report is of; BadExperiment when it is none."""
    try:
        experiment = msgspec.convert(report.experiment, Experiment)
    except msgspec.ValidationError as error:
        raise BadExperiment(f"the report's experiment: {error}") from None
    experiment.check()
    return experiment


def compared(recorded: Recorded, verdict: str, report: Report) -> Replayed:
    """How a replay compares with the run that was recorded."""
    then, now = Counter(map(_told, recorded.strikes)), Counter(map(_told, report.strikes))
    missing, more = sorted((then - now).elements()), sorted((now - then).elements())
    return Replayed(
        strikes=len(recorded.strikes),
        identical=not missing and not more,
        missing=missing[:_TOLD],
        more=more[:_TOLD],
        verdict=verdict,
    )


def _told(strike: Mapping[str, Any]) -> str:
    delay = f" for {strike['delay_ms']:g} ms" if strike["delay_ms"] else ""
    return f"{strike['fault']}: {strike['action']}{delay}, call {strike['number']} of {strike['edge']}"
