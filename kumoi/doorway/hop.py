"""A hop: what is left behind of a call that passed the doorway, and the table of the lake that keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import astuple

from kumoi.lake import Table

if TYPE_CHECKING:
    from kumoi.doorway.tracing import Traced

TABLE = Table(
    "hops",
    {
        "time": "BIGINT",
        "account": "VARCHAR",
        "region": "VARCHAR",
        "trace": "VARCHAR",
        "span": "VARCHAR",
        "parent": "VARCHAR",
        "source": "VARCHAR",
        "target": "VARCHAR",
        "service": "VARCHAR",
        "operation": "VARCHAR",
        "outcome": "VARCHAR",
        "duration_us": "BIGINT",
        "request_bytes": "BIGINT",
        "response_bytes": "BIGINT",
        "request_id": "VARCHAR",
        "fault": "VARCHAR",
        "units": "VARCHAR",
        "principal": "VARCHAR",
        "asked": "VARCHAR",
        "denied": "VARCHAR",
        "warning": "VARCHAR",
    },
    partition=("account",),
    level=1,  # a quarter less CPU than DuckDB's own, and files no larger: most of a hop is random
)


class Hop(msgspec.Struct, frozen=True):
    """Who called what, when (epoch ms), how long (µs), and how it ended (`ok`, or the error's code).

    `source` and `target` are nodes of the map; `fault` is the declared fault that struck, or empty. Where policies were
    asked, `principal` is who called, `asked` the permissions it needed (`action resource`, one a line), and `denied`
    why policies deny one of them. `warning` is what the service noticed beside its answer. What X-Ray is told
    (`traced`, and whether the caller is traced, `within`) is not kept.

    Mostly it is one call. A data plane that answers thousands a second without one each leaves a hop for many alike:
    units and bytes are their sums then, the duration is their mean.
    """

    time: int
    account: str
    region: str
    trace: str
    span: str
    parent: str
    source: str
    target: str
    service: str
    operation: str
    outcome: str
    duration_us: int
    request_bytes: int
    response_bytes: int
    request_id: str
    fault: str
    units: dict[str, float]
    principal: str = ""
    asked: str = ""
    denied: str = ""
    warning: str = ""
    traced: Traced | None = None
    within: bool = False

    @property
    def calls(self) -> int:
        """How many calls it stands for."""
        return int(self.units.get("requests", 1))

    def shown(self) -> dict[str, Any]:
        """What is kept of it, by name."""
        return dict(zip(_KEPT, astuple(self), strict=False))


_KEPT = tuple(TABLE.columns)
_UNITS, _COLUMNS = _KEPT.index("units"), len(_KEPT)


def rows_of(hops: Iterable[Hop]) -> list[tuple[Any, ...]]:
    """The rows of hops, in the order of the table's columns, which is that of their fields."""
    fields = map(astuple, hops)
    return [(*hop[:_UNITS], units_text(hop[_UNITS]), *hop[_UNITS + 1 : _COLUMNS]) for hop in fields]


def units_text(units: Mapping[str, float]) -> str:
    """Units as a column of the lake has them: `requests=1,write_units=2.5`, every digit kept."""
    return _units_form(tuple(units)) % tuple(units.values())


@lru_cache(1024)
def _units_form(names: tuple[str, ...]) -> str:
    """How units of these names are written: calls of an operation have mostly the same."""
    return ",".join([f"{name.replace('%', '%%')}=%r" for name in names])
