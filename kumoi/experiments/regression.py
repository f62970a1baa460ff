"""What a sweep finds broken that an earlier one did not: for CI, where what was known to be broken may stay so. Pure.

Edges are told apart by the names of their nodes; what CloudFormation and API Gateway make up anew at each deployment is
left out of them.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from kumoi.experiments.files import LONGEST_REPORT, bounded
from kumoi.experiments.model import BadExperiment
from kumoi.experiments.sweep import Matrix

_RANK = {"none": 0, "green": 0, "yellow": 1, "red": 2, "black": 3}
_RED = 2
_MADE_UP = (
    (re.compile(r"-[0-9a-f]{12}(?=$|[.:/])"), "-*"),
    (re.compile(r"^(apigateway(?:v2)?|execute-api|appsync):[0-9a-z]{10,26}(?=$|/)"), r"\1:*"),
)

Key = tuple[str, str, str]
"""A flow, an edge, a way."""


def read_matrix(path: Path) -> Matrix:
    """The report of a sweep (`--all-edges --json FILE`); BadExperiment for what is none."""
    content = bounded(path, LONGEST_REPORT)
    try:
        return msgspec.json.decode(content, type=Matrix)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadExperiment(f"{path} is no report of a sweep: {error}") from None


def regressions(before: Matrix, after: Matrix) -> list[str]:
    """The cells that are red or black now and were better, or not there, before: each as a line."""
    then, now = _colors(before), _colors(after)
    found = []
    for (flow, edge, way), color in sorted(now.items()):
        was = then.get((flow, edge, way), "none")
        if _RANK[color] >= _RED and _RANK[color] > _RANK[was]:
            was = "not there" if (flow, edge, way) not in then else was
            found.append(f"{flow}: {edge}: {way} is {color}, was {was}")
    return found


def _colors(matrix: Matrix) -> dict[Key, str]:
    """The colour of each cell; the worst where several are told apart by nothing but made-up names."""
    found: dict[Key, str] = {}
    for row in matrix.rows:
        edge = f"{_named(row.source)} → {_named(row.target)} {row.operation}"
        for flow, cells in row.cells.items():
            for way, cell in cells.items():
                key = (flow, edge, way)
                found[key] = max(found.get(key, "none"), cell.color, key=_RANK.__getitem__)
    return found


def _named(node: str) -> str:
    for pattern, shown in _MADE_UP:
        node = pattern.sub(shown, node)
    return node
