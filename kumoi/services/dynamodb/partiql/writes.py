"""INSERT, UPDATE, DELETE and EXISTS as changes of one item."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kumoi.services.dynamodb.changes import Change, put_of
from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.keys import Item
from kumoi.services.dynamodb.language.conditions import Condition
from kumoi.services.dynamodb.partiql.binding import Bound
from kumoi.services.dynamodb.partiql.plan import NO_FULL_KEY, one_item
from kumoi.services.dynamodb.partiql.syntax import Delete, Exists, Insert, Select, Update
from kumoi.services.dynamodb.records import Keys

NO_CHECK = "EXISTS() must contain a single item read with additional condition"


@dataclass(frozen=True, slots=True)
class Existing:
    """The item is there, and satisfies a condition: an UPDATE makes none."""

    condition: Condition | None

    def holds(self, item: Item | None) -> bool:
        """Whether it does."""
        return item is not None and (self.condition is None or self.condition.holds(item))


def check(bound: Bound) -> None:
    """Raise what is wrong with a statement whatever the table."""
    body = bound.body
    if isinstance(body, Insert):
        bound.item(body.item)
        return
    bound.condition(body.select.where if isinstance(body, Exists) else body.where)
    if isinstance(body, Update):
        bound.update(body)
    if isinstance(body, Update | Delete) and body.source.index_name:
        raise invalid("INSERT, UPDATE and DELETE name a table, not an index of it")


def change_of(bound: Bound, keys: Keys, *, tell_old: bool = False) -> Change:
    """What a statement changes, or checks, in a table of these keys."""
    body = bound.body
    assert not isinstance(body, Select)
    if isinstance(body, Insert):
        return msgspec.structs.replace(put_of(bound.item(body.item)), insert=True)
    where = body.select.where if isinstance(body, Exists) else body.where
    found = one_item(where, keys, bound)
    if found is None:
        raise invalid(NO_CHECK if isinstance(body, Exists) else NO_FULL_KEY)
    key, rest = found
    condition = bound.condition(rest)
    if isinstance(body, Exists):
        if condition is None:
            raise invalid(NO_CHECK)
        return Change(key=key, condition=Existing(condition), check_only=True, tell_old=tell_old)
    if isinstance(body, Delete):
        return Change(key=key, condition=condition, tell_old=tell_old)
    return Change(key=key, update=bound.update(body), condition=Existing(condition), tell_old=tell_old)
