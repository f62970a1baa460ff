"""Exports of tables to S3: what was asked for, and what has become of it.

An export first copies the table as it was at its moment (`copying.py`), then writes the copy (`export_writer.py`).
"""

from __future__ import annotations

import msgspec

from kumoi.doorway import Principal
from kumoi.services.dynamodb.records import Table
from kumoi.state.space import Space

EXPORT_TOPIC = "dynamodb.export"


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export, its copy's number `rows` and who asked for it. Times are epoch seconds."""

    id: str
    source: Table
    rows: int
    caller: Principal
    moment: float
    begun: float
    bucket: str
    prefix: str = ""
    asked: dict[str, str] = {}
    status: str = "IN_PROGRESS"
    ended: float | None = None
    manifest: str = ""
    items: int = 0
    bytes: int = 0
    failure_code: str = ""
    failure_message: str = ""


exports: Space[Export] = Space("dynamodb.export", Export, lambda export: (export.id,))
