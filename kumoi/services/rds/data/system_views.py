"""What PostgreSQL tells of itself: views over SQLite's own, for the tools that ask for tables, columns and types.

Source: "The Information Schema" and "System Catalogs" of PostgreSQL's manual. Object ids of built-in types are
PostgreSQL's; those of tables are counted, and last as long as no table comes or goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kumoi.services.rds.data.parsing import Engine
from kumoi.services.rds.data.result_types import base_of
from kumoi.services.rds.data.values import BadValue

INFORMATION = frozenset(("columns", "schemata", "tables"))
CATALOG = frozenset(("pg_attribute", "pg_class", "pg_namespace", "pg_type"))
VERSION = "16.4"
SETTINGS = {
    "lock_timeout": "45s",
    "server_version": VERSION,
    "standard_conforming_strings": "on",
    "server_encoding": "UTF8",
    "transaction isolation level": "serializable",
    "timezone": "UTC",
}
"""What SHOW tells: how things are here, as no statement sets them."""
_LONG_NAMES = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varchar": "character varying",
    "bpchar": "character",
    "time": "time without time zone",
    "timetz": "time with time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    **{name: name for name in ("numeric", "text", "uuid", "json", "jsonb", "date", "bytea")},
}

VIEWS = """
CREATE TEMP VIEW kumoi_tables AS
    SELECT name, type, substr(name, instr(name, '.') + 1) AS table_name,
        iif(instr(name, '.') > 0, substr(name, 1, instr(name, '.') - 1), kumoi_schema()) AS table_schema
    FROM main.sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 6) NOT IN ('sqlite', 'kumoi_');
CREATE TEMP VIEW information_schema_schemata AS
    SELECT kumoi_database() AS catalog_name, name AS schema_name FROM
        (SELECT kumoi_schema() AS name UNION SELECT 'information_schema' UNION SELECT name FROM main.kumoi_schemas);
CREATE TEMP VIEW information_schema_tables AS
    SELECT kumoi_database() AS table_catalog, table_schema, table_name,
        CASE type WHEN 'view' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type FROM kumoi_tables;
CREATE TEMP VIEW information_schema_columns AS
    SELECT kumoi_database() AS table_catalog, table_schema, table_name, columns.name AS column_name,
        columns.cid + 1 AS ordinal_position, columns.dflt_value AS column_default,
        iif(columns."notnull" OR columns.pk, 'NO', 'YES') AS is_nullable, kumoi_long_type(columns.type) AS data_type,
        kumoi_type_size(columns.type) AS character_maximum_length, kumoi_base_type(columns.type) AS udt_name
    FROM kumoi_tables AS tables JOIN pragma_table_info(tables.name) AS columns;
CREATE TEMP VIEW pg_catalog_pg_namespace AS
    SELECT 11 AS oid, 'pg_catalog' AS nspname UNION SELECT 2200, kumoi_schema() UNION SELECT 13000, 'information_schema'
    UNION SELECT 20000 + rowid, name FROM main.kumoi_schemas;
CREATE TEMP VIEW pg_catalog_pg_type AS
    SELECT column1 AS oid, column2 AS typname, 11 AS typnamespace, 'b' AS typtype FROM (
        VALUES (16, 'bool'), (17, 'bytea'), (20, 'int8'), (21, 'int2'), (23, 'int4'), (25, 'text'), (114, 'json'),
            (700, 'float4'), (701, 'float8'), (1042, 'bpchar'), (1043, 'varchar'), (1082, 'date'), (1083, 'time'),
            (1114, 'timestamp'), (1184, 'timestamptz'), (1266, 'timetz'), (1700, 'numeric'), (2950, 'uuid'),
            (3802, 'jsonb'), (1000, '_bool'), (1007, '_int4'), (1009, '_text'), (1015, '_varchar'), (1016, '_int8'))
    UNION SELECT 100000 + rowid, name, 2200, 'e' FROM main.kumoi_types;
CREATE TEMP VIEW pg_catalog_pg_class AS
    SELECT 200000 + row_number() OVER (ORDER BY tables.name) AS oid, table_name AS relname,
        namespaces.oid AS relnamespace, iif(type = 'view', 'v', 'r') AS relkind, 'p' AS relpersistence,
        tables.name AS kumoi_name
    FROM kumoi_tables AS tables JOIN pg_catalog_pg_namespace AS namespaces ON nspname = table_schema;
CREATE TEMP VIEW pg_catalog_pg_attribute AS
    SELECT classes.oid AS attrelid, columns.name AS attname, coalesce(types.oid, 25) AS atttypid,
        columns.cid + 1 AS attnum, columns."notnull" OR columns.pk > 0 AS attnotnull,
        columns.dflt_value IS NOT NULL OR columns.type = 'INTEGER' AS atthasdef, FALSE AS attisdropped
    FROM pg_catalog_pg_class AS classes JOIN pragma_table_info(classes.kumoi_name) AS columns
    LEFT JOIN pg_catalog_pg_type AS types ON types.typname = kumoi_base_type(columns.type);
"""


def base_type(declared: Any) -> str:
    """The type that a column declares, without its size."""
    return "int4" if declared == "INTEGER" else base_of(str(declared))


def _long_type(declared: Any) -> str:
    base = base_type(declared)
    return "ARRAY" if base.startswith("_") else _LONG_NAMES.get(base, "USER-DEFINED")


def _size(declared: Any) -> int | None:
    size = str(declared).partition("(")[2].rstrip(")")
    return int(size) if size.isdigit() and base_type(declared) in ("varchar", "bpchar") else None


def _set_config(name: Any, value: Any, _local: Any) -> Any:
    if name != "lock_timeout":
        raise BadValue(f'ERROR: Kumoi\'s SQLite engine has no parameter "{name}"; SQLState: 42704')
    return value


def names(database: str, engine: Engine) -> Mapping[str, Callable[..., str]]:
    """What the database, and the schema in it that needs no name, are called. A schema of MySQL is a database."""
    return {
        "kumoi_database": lambda: database if engine == "postgres" else "def",
        "kumoi_schema": lambda: "public" if engine == "postgres" else database,
        "kumoi_version": lambda: f"PostgreSQL {VERSION} (Kumoi)" if engine == "postgres" else "8.0.39",
    }


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **dict.fromkeys(("pg_table_is_visible", "pg_type_is_visible"), lambda _oid: 1),  # no path leaves a schema out
    "col_description": lambda _table, _column: None,  # there are no comments
    "has_schema_privilege": lambda *_given: 1,  # there is one user, the master
    "kumoi_base_type": base_type,
    "kumoi_long_type": _long_type,
    "kumoi_type_size": _size,
    **dict.fromkeys(("pg_advisory_lock", "pg_advisory_xact_lock"), lambda *_given: ""),
    "pg_try_advisory_lock": lambda *_given: 1,
    "pg_advisory_unlock": lambda *_given: 0,
    "set_config": _set_config,
}
"""What the views and those who read them call.

A call outside of a transaction is a session of its own: the advisory locks that it takes end with it, so it finds none
held and has none to give back. A transaction has the whole database for itself.
"""
