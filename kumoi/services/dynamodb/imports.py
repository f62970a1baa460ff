"""Imports of tables from S3: what was asked for, and what has become of it (`importer.py` does them)."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Principal
from kumoi.state.space import Space

IMPORT_TOPIC = "dynamodb.import"


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """An import into the table of that name and uuid, and who asked for it. Times are epoch seconds.

    `asked` are ImportTable's members as they were given.
    """

    id: str
    table: str
    uuid: str
    caller: Principal
    begun: float
    asked: dict[str, Any]
    status: str = "IN_PROGRESS"
    ended: float | None = None
    processed: int = 0
    imported: int = 0
    errors: int = 0
    bytes: int = 0
    failure_code: str = ""
    failure_message: str = ""


imports: Space[Import] = Space("dynamodb.import", Import, lambda one: (one.id,))
