"""Append-only records in time order: durable once acknowledged, recent ones in memory, the rest Parquet with SQL."""

from kumoi.lake.choosing import View
from kumoi.lake.lake import Arrivals, Lake
from kumoi.lake.parquet import QueryFailed, Result
from kumoi.lake.table import Cursor, Derived, Row, Table

__all__ = ["Arrivals", "Cursor", "Derived", "Lake", "QueryFailed", "Result", "Row", "Table", "View"]
