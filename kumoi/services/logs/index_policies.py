"""Field index policies: what they may say, and what is stored of them.

An index makes AWS's queries cheaper; here queries read columns anyway. What a policy decides is which groups a query
with `filterIndex` reads. Source: "Field index syntax and quotas" of the CloudWatch Logs user guide, PutIndexPolicy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from kumoi.services.logs.records import LogGroup
from kumoi.services.logs.rules import invalid
from kumoi.state import Transaction, transactional
from kumoi.state.space import Space

MOST_FIELDS, LONGEST_FIELD = 20, 100
TYPES = ("FIELD_INDEX", "FACET")
DEFAULT = frozenset(("@logStream", "@aws.region", "@aws.account", "@source.log", "traceId"))
"""Fields on which every group of the class STANDARD is indexed."""


class IndexPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A group's policy; `updated` in epoch milliseconds."""

    group: str
    document: str
    updated: int


index_policies: Space[IndexPolicy] = Space("logs.index", IndexPolicy, lambda one: (one.group,))


@lru_cache(maxsize=256)
def fields_of(document: str) -> dict[str, str]:
    """The type of each field of a policy; InvalidParameterException says what is wrong with one."""
    try:
        given = json.loads(document)
    except (ValueError, RecursionError):
        raise invalid("The index policy is not valid JSON.") from None
    if not isinstance(given, dict) or not given or not set(given) <= {"Fields", "FieldsV2"}:
        raise invalid("An index policy is an object with Fields, FieldsV2 or both.")
    names, typed = given.get("Fields", []), given.get("FieldsV2", {})
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise invalid("Fields is a list of field names.")
    if not isinstance(typed, dict) or not all(_is_typed(one) for one in typed.values()):
        raise invalid(f'FieldsV2 has an object for each field: {{"type": one of {", ".join(TYPES)}}}.')
    if len({*names, *typed}) < len(names) + len(typed):
        raise invalid("A field is named twice: the names in Fields and FieldsV2 are mutually exclusive.")
    found = {**dict.fromkeys(names, TYPES[0]), **{name: one["type"] for name, one in typed.items()}}
    if not 1 <= len(found) <= MOST_FIELDS:
        raise invalid(f"An index policy has between 1 and {MOST_FIELDS} fields, not {len(found)}.")
    wrong = [name for name in found if not 1 <= len(name) <= LONGEST_FIELD]
    if wrong:
        raise invalid(f"The name of an indexed field has between 1 and {LONGEST_FIELD} characters.")
    return found


def _is_typed(one: Any) -> bool:
    return isinstance(one, dict) and set(one) == {"type"} and one["type"] in TYPES


@transactional
async def indexed(tx: Transaction, found: list[LogGroup], fields: Iterable[str]) -> list[LogGroup]:
    """Those groups that are indexed on all of these fields: by their own policy, or by default."""
    wanted = set(fields) - DEFAULT
    kept = []
    for group in found:
        policy = await index_policies.get(tx, group.name) if wanted else None
        names = set() if policy is None else {_meant(name) for name in fields_of(policy.document)}
        if group.log_class == "STANDARD" and wanted <= names:
            kept.append(group)
    return kept


def _meant(name: str) -> str:
    """The field that a name in a policy means: one's own that begins with @ is written with two."""
    return name[1:] if name.startswith("@@") else name
