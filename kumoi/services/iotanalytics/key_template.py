"""Keys of delivered contents: `dataset/!{iotanalytics:versionId}.csv`, and one file for each value of columns. Pure.

AWS knows scheduleTime, versionId and creationTime. Ours are `!{column:NAME}`, which splits the content into a file for
each value (`!{column+:NAME}` keeps the column in the files), and formats by the key's ending.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from kumoi.presto.outputs import NULL_KEY
from kumoi.services.iotanalytics.records import Content

_PLACEHOLDER = re.compile(r"!\{([^{}]*)\}")
_FORMATS = ("csv.gz", "ndjson.gz", "csv", "parquet", "ndjson")


class TemplateError(ValueError):
    """A key has a placeholder that means nothing."""


class Template(NamedTuple):
    """A key's parts: texts and placeholders in turn; the columns it is split by, and those the files keep."""

    parts: tuple[str, ...]
    columns: tuple[str, ...]
    kept: frozenset[str]
    form: str


def read_template(key: str) -> Template:
    """A key as a template; TemplateError for a placeholder that there is not."""
    parts = tuple(_PLACEHOLDER.split(key))
    columns: list[str] = []
    kept = set()
    for placeholder in parts[1::2]:
        kind, _, name = placeholder.partition(":")
        if kind in ("column", "column+") and name:
            if name not in columns:
                columns.append(name)
            if kind == "column+":
                kept.add(name)
        elif kind != "iotanalytics" or name not in ("scheduleTime", "versionId", "creationTime"):
            raise TemplateError(f"there is no placeholder !{{{placeholder}}}")
    return Template(parts, tuple(columns), frozenset(kept), format_of(key))


def format_of(key: str) -> str:
    """The format that a key's ending means: CSV unless it says otherwise."""
    lower = key.lower()
    if lower.endswith((".json", ".json.gz")):
        return "ndjson.gz" if lower.endswith(".gz") else "ndjson"
    return next((form for form in _FORMATS if lower.endswith(f".{form}")), "csv")


def filled(template: Template, content: Content, values: Mapping[str, str | None]) -> str:
    """The key of a file of a content, `values` by the names of columns."""
    found = list(template.parts)
    for place in range(1, len(found), 2):
        kind, _, name = found[place].partition(":")
        if kind == "iotanalytics":
            found[place] = _fact(name, content)
        else:
            value = values[name]
            found[place] = NULL_KEY if value is None else safe(value)
    return "".join(found)


def safe(value: str) -> str:
    """A value as a part of a key: everything but letters, digits and `_.-` is percent-encoded."""
    return quote(value, safe="").replace("~", "%7E")


def _fact(name: str, content: Content) -> str:
    if name == "versionId":
        return content.version
    moment = content.created if name == "creationTime" or content.scheduled is None else content.scheduled
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
