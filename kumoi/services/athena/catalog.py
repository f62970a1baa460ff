"""Glue's catalog, as statements see it: tables and views by name, asked for whoever started the statement."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson

from kumoi.services.athena.commands import Place
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.places import Asker
from kumoi.wire.errors import AwsError

VIEW = "VIRTUAL_VIEW"
_BEGIN, _END = "/* Presto View: ", " */"


class Catalog:
    """The catalog; `database` is where names without one are looked for: its name, or that in Hive's backquotes."""

    def __init__(self, asker: Asker, database: str) -> None:
        self.asker = asker
        self.database = database.strip("`").lower() or "default"

    async def table(self, place: Place) -> dict[str, Any]:
        """A table or view; StatementFailed where it is not there."""
        try:
            answer = await self.asker.ask("glue", "GetTable", DatabaseName=self.of(place), Name=place.name)
        except AwsError as error:
            if error.code == "EntityNotFoundException":
                raise StatementFailed(
                    f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{self.of(place)}.{place.name}' does not exist"
                ) from None
            raise StatementFailed(error.message) from None
        found: dict[str, Any] = answer["Table"]
        return found

    def of(self, place: Place) -> str:
        """The database that a name is in."""
        return place.database or self.database

    async def ask(self, operation: str, **params: Any) -> Any:
        """What Glue answers; StatementFailed with its words."""
        try:
            return await self.asker.ask("glue", operation, **params)
        except AwsError as error:
            raise StatementFailed(f"FAILED: {error.code}: {error.message}") from None

    async def every(self, operation: str, member: str, **params: Any) -> list[dict[str, Any]]:
        """All pages of what Glue lists."""
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            page = await self.ask(operation, **params, **more)
            found += page[member]
            if "NextToken" not in page:
                return found
            more = {"NextToken": page["NextToken"]}


def view_text(sql: str, database: str, columns: list[tuple[str, str]]) -> str:
    """A view's statement as the catalog keeps it."""
    told = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": name, "type": kind} for name, kind in columns],
    }
    return f"{_BEGIN}{base64.b64encode(orjson.dumps(told)).decode()}{_END}"


def view_of(table: dict[str, Any]) -> tuple[str, str]:
    """(statement, database) of a view; StatementFailed for one that was not made by Athena or Presto."""
    text = table.get("ViewOriginalText") or ""
    try:
        told = orjson.loads(base64.b64decode(text.removeprefix(_BEGIN).removesuffix(_END), validate=True))
        return str(told["originalSql"]), str(told.get("schema") or table["DatabaseName"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise StatementFailed(f"INVALID_VIEW: View '{table['Name']}' cannot be read.") from None
