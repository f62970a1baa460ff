"""A statement, read into one of `commands.py`. Pure.

sqlglot reads Athena's two dialects (Hive's for definitions, Trino's for queries); the small statements it leaves as
text (SHOW, MSCK, ALTER TABLE … PARTITION, UNLOAD) are read here. Source: "SQL reference for Athena" of the user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from kumoi.services.athena.commands import (
    AlterTable,
    CreateAs,
    CreateDatabase,
    CreateTable,
    CreateView,
    Deallocate,
    Drop,
    Execute,
    Insert,
    Partitions,
    Place,
    Prepare,
    Query,
    Repair,
    Show,
    Statement,
    Unload,
)
from kumoi.services.athena.errors import StatementFailed

MOST_CHARACTERS = 262_144
_LEFT_OUT = ("EXPLAIN", "MERGE", "UPDATE", "DELETE", "OPTIMIZE", "VACUUM", "CALL", "GRANT", "REVOKE", "USE")

_NAME = r"(?:[`\"]?([\w-]+)[`\"]?\.)?[`\"]?([\w-]+)[`\"]?"
_SHOW = re.compile(
    r"SHOW\s+(DATABASES|SCHEMAS|TABLES|VIEWS)(?:\s+(?:IN|FROM)\s+[`\"]?([\w-]+)[`\"]?)?(?:\s+(?:LIKE\s+)?'(.*)')?", re.I
)
_OF_TABLE = re.compile(
    rf"SHOW\s+(PARTITIONS|COLUMNS\s+(?:IN|FROM)|CREATE\s+TABLE|CREATE\s+VIEW|TBLPROPERTIES)\s+{_NAME}", re.I
)
_DESCRIBE = re.compile(rf"(?:DESCRIBE|DESC)\s+(?:EXTENDED\s+|FORMATTED\s+)?{_NAME}", re.I)
_REPAIR = re.compile(rf"MSCK\s+REPAIR\s+TABLE\s+{_NAME}", re.I)
_ALTER = re.compile(rf"ALTER\s+TABLE\s+{_NAME}\s+(ADD|DROP)\s+(IF\s+(?:NOT\s+)?EXISTS\s+)?(PARTITION.*)", re.I | re.S)
_PARTITION = re.compile(r"PARTITION\s*\(([^()]*)\)(?:\s*LOCATION\s+'([^']*)')?\s*,?\s*", re.I)
_VALUE = re.compile(r"\s*[`\"]?(\w+)[`\"]?\s*=\s*(?:'([^']*)'|(-?[\w.]+))\s*(?:,|$)")
_UNLOAD = re.compile(r"UNLOAD\s*\((.*)\)\s*TO\s*'([^']*)'\s*WITH\s*\((.*)", re.I | re.S)
_OPTION = re.compile(r"\s*(\w+)\s*=\s*(?:'([^']*)'|ARRAY\s*\[([^\]]*)\]|([\w.]+))\s*(?:,|$)", re.I)
_EXECUTE = re.compile(r"EXECUTE\s+[`\"]?(\w+)[`\"]?(?:\s+USING\s+(.*))?", re.I | re.S)
_PREPARE = re.compile(r"PREPARE\s+[`\"]?(\w+)[`\"]?\s+FROM\s+(.*)", re.I | re.S)
_DEALLOCATE = re.compile(r"DEALLOCATE\s+PREPARE\s+[`\"]?(\w+)[`\"]?", re.I)


def read(text: str) -> Statement:
    """Read a statement; StatementFailed for what is none. A long one takes seconds: call it in a thread."""
    try:
        return _read(text)
    except RecursionError:
        raise StatementFailed("SYNTAX_ERROR: the statement is nested too deeply") from None


def _read(text: str) -> Statement:
    text = _without_comments(text).rstrip(";").strip()
    if len(text) > MOST_CHARACTERS:
        raise StatementFailed(f"A statement has at most {MOST_CHARACTERS} characters.")
    small = _small(text)
    if small is not None:
        return small
    word = text.partition(" ")[0].upper()
    if word in _LEFT_OUT:
        raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena does not run {word}.")
    try:
        found = sqlglot.parse(text, dialect="athena")
    except SqlglotError as error:
        raise StatementFailed(f"SYNTAX_ERROR: {str(error).splitlines()[0]}") from None
    if len(found) != 1 or found[0] is None:
        raise StatementFailed("SYNTAX_ERROR: Only one sql statement is allowed.")
    tree = found[0]
    if isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery | exp.Values):
        return Query(_selected(text) if isinstance(tree, exp.Values) else text)
    if isinstance(tree, exp.Create):
        return _create(tree, text)
    if isinstance(tree, exp.Drop):
        what = str(tree.args.get("kind")).replace("SCHEMA", "DATABASE")
        place = _place(tree.args["tables"][0] if tree.args.get("tables") else tree.this)
        return Drop(what, place, bool(tree.args.get("exists")), bool(tree.args.get("cascade")))
    if isinstance(tree, exp.Insert):
        return _insert(tree)
    if isinstance(tree, exp.Alter):
        return _alter(tree)
    raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena does not run {text.split(None, 1)[0].upper()}.")


def _without_comments(text: str) -> str:
    return re.sub(r"^(?:\s*--[^\n]*\n|\s*/\*.*?\*/)+", "", text, flags=re.S).strip()


def _small(text: str) -> Statement | None:
    """The statements that are plain enough to be read by their words."""
    if match := _SHOW.fullmatch(text):
        return Show(match[1].upper().replace("SCHEMAS", "DATABASES"), match[2] and match[2].lower(), match[3])
    if match := _OF_TABLE.fullmatch(text):
        return Show(
            " ".join(match[1].upper().split()[:2]).removesuffix(" IN").removesuffix(" FROM"),
            place=_named(match[2], match[3]),
        )
    if match := _DESCRIBE.fullmatch(text):
        return Show("DESCRIBE", place=_named(match[1], match[2]))
    if match := _REPAIR.fullmatch(text):
        return Repair(_named(match[1], match[2]))
    if match := _ALTER.fullmatch(text):
        found = _PARTITION.findall(match[5])
        if not found or _PARTITION.sub("", match[5]).strip():
            raise StatementFailed("SYNTAX_ERROR: partitions are written PARTITION (key = 'value', …) LOCATION '…'.")
        values = [(_values(inner), location or None) for inner, location in found]
        return Partitions(_named(match[1], match[2]), match[3].upper() == "ADD", bool(match[4]), values)
    if text.endswith(")") and (match := _UNLOAD.fullmatch(text)):
        return Unload(match[1].strip(), match[2], _options(match[3][:-1]))
    if match := _EXECUTE.fullmatch(text):
        return Execute(match[1], _parameters(match[2]))
    if match := _PREPARE.fullmatch(text):
        return Prepare(match[1], match[2])
    if match := _DEALLOCATE.fullmatch(text):
        return Deallocate(match[1])
    return None


def _named(database: str | None, name: str) -> Place:
    return Place(database.lower() if database else None, name.lower())


def _values(text: str) -> dict[str, str]:
    found = {one[1].lower(): one[2] if one[2] is not None else one[3] for one in _listed(_VALUE, text)}
    if not found:
        raise StatementFailed("SYNTAX_ERROR: a partition needs values for its keys.")
    return found


def _options(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for match in _listed(_OPTION, text):
        name, string, array, word = match.groups(default="")
        found[name.lower()] = re.findall(r"'([^']*)'", array) if array else string or word
    return found


def _listed(one: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The items of a list, each from where the last one ended: a search would try every place."""
    at, end = 0, len(text.rstrip())
    while at < end:
        match = one.match(text, at)
        if match is None:
            raise StatementFailed(f"SYNTAX_ERROR: expected name = value, found {text[at : at + 40].strip()}")
        yield match
        at = match.end()


def _parameters(text: str | None) -> list[str]:
    if not text:
        return []
    try:
        tree = sqlglot.parse_one(f"SELECT {text}", dialect="trino")
    except SqlglotError:
        raise StatementFailed("SYNTAX_ERROR: the parameters cannot be read.") from None
    return [one.sql("trino") for one in tree.expressions]


def _place(node: exp.Expr) -> Place:
    table = node.this if isinstance(node, exp.Schema) else node
    if not isinstance(table, exp.Table):
        raise StatementFailed("SYNTAX_ERROR: a name is missing.")
    return _named(table.text("db"), table.name) if table.name else _named(None, table.text("db"))


def _create(tree: exp.Create, text: str) -> Statement:
    kind, exists_ok = str(tree.args.get("kind")), bool(tree.args.get("exists"))
    given = tree.args["properties"].expressions if tree.args.get("properties") else []
    if kind in ("DATABASE", "SCHEMA"):
        location = next((one.this.name for one in given if isinstance(one, exp.LocationProperty)), None)
        return CreateDatabase(_place(tree.this).name, _comment(given), location, exists_ok)
    if kind == "VIEW":
        return CreateView(_place(tree.this), tree.expression.sql("trino"), bool(tree.args.get("replace")))
    if kind != "TABLE":
        raise StatementFailed(f"NOT_SUPPORTED: Kumoi's Athena does not create a {kind.lower()}.")
    if tree.expression is not None:
        with_data = re.search(r"\bWITH\s+NO\s+DATA\s*$", text, re.I) is None
        return CreateAs(_place(tree.this), tree.expression.sql("trino"), _as_options(given), exists_ok, with_data)
    if not isinstance(tree.this, exp.Schema):
        raise StatementFailed("SYNTAX_ERROR: a table needs columns.")
    return _create_table(tree, given, exists_ok)


def _alter(tree: exp.Alter) -> AlterTable:
    """What is changed by ALTER TABLE … ADD or REPLACE COLUMNS, SET TBLPROPERTIES, SET LOCATION."""
    place, actions = _place(tree.this), tree.args.get("actions") or []
    if len(actions) != 1 or tree.this.args.get("partition") is not None:
        raise StatementFailed("NOT_SUPPORTED: Kumoi's Athena changes one thing of a table at once, none of partitions.")
    (action,) = actions
    if isinstance(action, exp.Schema | exp.ReplaceColumns):
        columns = [_column(column) for column in action.expressions]
        return AlterTable(place, columns, replaced=isinstance(action, exp.ReplaceColumns))
    if isinstance(action, exp.ColumnDef):
        return AlterTable(place, [_column(action)])
    if isinstance(action, exp.AlterSet) and action.args.get("location") is not None:
        return AlterTable(place, location=action.args["location"].name)
    if isinstance(action, exp.AlterSet):
        given = [one for one in action.expressions if isinstance(one, exp.Properties)]
        properties = {inner.this.name: inner.args["value"].name for one in given for inner in one.expressions}
        if properties:
            return AlterTable(place, properties=properties)
    raise StatementFailed(
        "NOT_SUPPORTED: Kumoi's Athena alters tables by ADD COLUMNS, REPLACE COLUMNS, SET TBLPROPERTIES, SET LOCATION."
    )


def _create_table(tree: exp.Create, given: Sequence[exp.Expr], exists_ok: bool) -> CreateTable:
    storage: dict[str, Any] = {"serde": None, "serde_properties": {}, "format": None}
    properties: dict[str, str] = {}
    keys: list[dict[str, str]] = []
    location = None
    for one in given:
        if isinstance(one, exp.LocationProperty):
            location = one.this.name
        elif isinstance(one, exp.PartitionedByProperty):
            keys = [_column(column) for column in one.this.expressions]
        elif isinstance(one, exp.RowFormatSerdeProperty):
            storage["serde"] = one.this.name
            listed = one.args.get("serde_properties")
            for inner in listed.expressions if listed is not None else ():
                storage["serde_properties"][inner.this.name] = inner.args["value"].name
        elif isinstance(one, exp.SerdeProperties):
            for inner in one.expressions:
                storage["serde_properties"][inner.this.name] = inner.args["value"].name
        elif isinstance(one, exp.RowFormatDelimitedProperty):
            names = {"fields": "field.delim", "escaped": "escape.delim", "collection_items": "collection.delim"}
            names |= {"map_keys": "mapkey.delim", "null": "serialization.null.format"}
            for arg, name in names.items():
                if one.args.get(arg) is not None:
                    storage["serde_properties"][name] = one.args[arg].name
        elif isinstance(one, exp.FileFormatProperty) and not isinstance(one.this, exp.InputOutputFormat):
            storage["format"] = one.this.name.upper()
        elif isinstance(one, exp.FileFormatProperty):
            storage["input"] = one.this.args["input_format"].name
            storage["output"] = one.this.args["output_format"].name
        elif type(one) is exp.Property:
            properties[one.this.name] = one.args["value"].name
    columns = [_column(column) for column in tree.this.expressions if isinstance(column, exp.ColumnDef)]
    return CreateTable(_place(tree.this), columns, keys, location, storage, properties, _comment(given), exists_ok)


def _column(node: exp.Expr) -> dict[str, str]:
    if not isinstance(node, exp.ColumnDef) or node.args.get("kind") is None:
        raise StatementFailed("SYNTAX_ERROR: a column needs a type.")
    column = {"Name": node.name.lower(), "Type": hive_text(node.args["kind"])}
    for constraint in node.args.get("constraints") or ():
        if isinstance(constraint.kind, exp.CommentColumnConstraint):
            column["Comment"] = constraint.kind.this.name
    return column


def hive_text(kind: exp.Expr) -> str:
    """A type in Hive's notation, as Glue has it."""
    return re.sub(r"\s*([:,<>()])\s*", r"\1", kind.sql("hive").lower()).replace("`", "")


def _comment(given: Sequence[exp.Expr]) -> str | None:
    return next((one.this.name for one in given if isinstance(one, exp.SchemaCommentProperty)), None)


def _as_options(given: Sequence[exp.Expr]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for one in given:
        if isinstance(one, exp.FileFormatProperty):
            options["format"] = one.this.name
        elif isinstance(one, exp.PartitionedByProperty):
            options["partitioned_by"] = [column.name for column in one.this.expressions]
        elif type(one) is exp.Property:
            value = one.args["value"]
            options[one.this.name.lower()] = (
                [inner.name for inner in value.expressions] if isinstance(value, exp.Array) else value.name
            )
    return options


def _insert(tree: exp.Insert) -> Insert:
    columns: Sequence[str] = ()
    if isinstance(tree.this, exp.Schema):
        columns = [one.name.lower() for one in tree.this.expressions]
    source = tree.expression
    sql = source.sql("trino")
    return Insert(_place(tree.this), columns, _selected(sql) if isinstance(source, exp.Values) else sql)


def _selected(values: str) -> str:
    return f"SELECT * FROM ({values})"  # noqa: S608  (a statement of the client's, which may be any query)
