"""What a query compiles to: for each object type that may be met, what is read from an object and how it is written.

A plan finishes a value: it writes what clients get and leaves the rest in a ledger — errors, nulls that spread to a
parent, fields that a resolver has yet to resolve. Nothing waits here. A path is a chain of (the path above, key or
index, whether null may stand there); None is the root.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from graphql import FieldNode

from kumoi.services.appsync.execution.arguments import Arguments
from kumoi.services.appsync.execution.leaves import Leaf
from kumoi.services.appsync.execution.readers import OFTEN, ListReader, Reader, list_reader, reader
from kumoi.services.appsync.execution.selections import Selections, text
from kumoi.services.appsync.execution.shown import Shown, brief, of_field, written
from kumoi.services.appsync.resolving.outcomes import FieldError

Path = Any
"""`tuple[Path, str | int, bool] | None`, which types cannot say."""


def keys(path: Path) -> list[str | int]:
    """A path from the root on."""
    found: list[str | int] = []
    while path is not None:
        path, key, _nullable = path
        found.append(key)
    return found[::-1]


class TypePlan(Protocol):
    """How values of a type are finished; `name` is what AppSync calls it where null may not stand."""

    name: str

    def finish(self, value: Any, path: Path, field: FieldPlan, ledger: Ledger) -> Any:
        """What a client gets for a value that is not null."""


class FieldPlan:
    """A field of a query, on one type of object.

    `refusal` is why it is not to be had at all. `resolver` is what resolves it: of no concern here. `asks` says that a
    permission is asked for before.
    """

    def __init__(
        self,
        key: str,
        parent: str,
        nodes: Sequence[FieldNode],
        selections: Selections,
        type_: TypePlan,
        nullable: bool,
        arguments: Arguments,
    ) -> None:
        self.key = key
        self.name = nodes[0].name.value
        self.parent = parent
        self.nodes = nodes
        self.type = type_
        self.nullable = nullable
        self.arguments = arguments
        self.refusal: FieldError | None = None
        self.resolver: Any = None
        self.asks = False
        self._selections = selections

    @cached_property
    def selection_list(self) -> list[str]:
        """`selectionSetList`."""
        return self._selections.paths(self.nodes)

    @cached_property
    def selection_text(self) -> str:
        """`selectionSetGraphQL`."""
        return text(self.nodes)

    def cut(self, value: Any) -> Any:
        """What of a value the field's selection set asks for."""
        return self._selections.cut(self.nodes, value)

    def error(self, error: FieldError, path: Path) -> Shown:
        """An error of the field as clients see it."""
        data = self.cut(error.data) if isinstance(error.data, dict | list) else error.data
        return of_field(error, keys(path), self.nodes, data)


class Pending(NamedTuple):
    """A field that its resolver has to resolve, and the object it goes into."""

    field: FieldPlan
    source: Any
    out: dict[str, Any]
    above: Path

    @property
    def path(self) -> Path:
        """Where the field is."""
        return (self.above, self.field.key, self.field.nullable)


class Ledger:
    """What finishing a value left: errors, places that become null for what is in them, fields to be resolved.

    The first two go into what is kept of the whole execution.
    """

    __slots__ = ("errors", "holes", "pending")

    def __init__(self, errors: list[Shown], holes: list[Path]) -> None:
        self.errors = errors
        self.holes = holes
        self.pending: list[Pending] = []

    def fail(self, path: Path, error: Shown) -> None:
        """An error at a path, where there is null now."""
        self.errors.append(error)
        if path is None or not path[2]:
            while path is not None and not path[2]:
                path = path[0]
            self.holes.append(path)

    def null(self, path: Path, type_: TypePlan, field: FieldPlan) -> None:
        """There is null where it may not be."""
        at = keys(path)
        told = (
            f"Cannot return null for non-nullable type: '{type_.name}' within parent '{field.parent}' ({written(at)})"
        )
        self.fail(path, brief(told, at))


class LeafPlan:
    """A scalar or an enumeration."""

    def __init__(self, name: str, leaf: Leaf) -> None:
        self.name = name
        self.leaf = leaf

    def finish(self, value: Any, path: Path, field: FieldPlan, ledger: Ledger) -> Any:
        """The value as clients get it."""
        if type(value) is self.leaf.exact:
            return value
        try:
            return self.leaf.write(value)
        except (ValueError, TypeError, RecursionError) as error:
            at = keys(path)
            ledger.fail(path, brief(f"Can't serialize value ({written(at)}) : {error}", at))
            return None


class ListPlan:
    """A list of values of one type."""

    name = "null"

    def __init__(self, item: TypePlan, nullable: bool) -> None:
        self.item = item
        self.nullable = nullable

    def finish(self, value: Any, path: Path, field: FieldPlan, ledger: Ledger) -> Any:
        """Each item finished."""
        if not isinstance(value, list | tuple):
            at = keys(path)
            told = f"Can't resolve value ({written(at)}) : type mismatch error, expected type LIST"
            ledger.fail(path, brief(told, at))
            return None
        nullable = self.nullable
        out: list[Any] = []
        read = self.item.reader(len(value)) if isinstance(self.item, CompositePlan) else None
        if read is not None:
            read_one = read

            def other(index: int, one: Any) -> Any:
                if one is not None:
                    return read_one(one, (path, index, nullable), ledger)
                if not nullable:
                    ledger.null((path, index, False), self.item, field)
                return None

            assert isinstance(self.item, CompositePlan)
            if (together := self.item.list_reader) is not None:
                return together(value, other)
            return [other(index, one) for index, one in enumerate(value)]
        finish = self.item.finish
        for index, one in enumerate(value):
            if one is not None:
                out.append(finish(one, (path, index, nullable), field, ledger))
                continue
            out.append(None)
            if not nullable:
                ledger.null((path, index, False), self.item, field)
        return out


class ObjectPlan:
    """What is asked of objects of one type.

    A step is (key, name, leaf or None, its exact type, the field); fields without a leaf are whatever takes longer.
    """

    def __init__(self, name: str, fields: Sequence[FieldPlan | str]) -> None:
        self.name = name
        self.steps: list[tuple[str, str, Callable[[Any], Any] | None, type | None, Any]] = []
        for field in fields:
            if isinstance(field, str):
                self.steps.append((field, "__typename", None, None, None))
                continue
            plain = field.refusal is None and field.resolver is None and not field.asks
            leaf = field.type.leaf if plain and isinstance(field.type, LeafPlan) else None
            write, exact = (None, None) if leaf is None else leaf
            self.steps.append((field.key, field.name, write, exact, field))
        self.list_reader: ListReader | None = None
        self._met = 0
        self._reader: Reader | None = None

    def reader(self, more: int) -> Reader | None:
        """What reads such objects fast, once they were met often; `more` are about to be. Lists: `list_reader`."""
        if self._reader is None:
            self._met += more
            if self._met >= OFTEN:
                self._reader = reader(self.name, self.steps, _finished, _longer)
                self.list_reader = list_reader(self.name, self.steps)
        return self._reader

    def read(self, source: Any, path: Path, ledger: Ledger, out: dict[str, Any] | None = None) -> dict[str, Any]:
        """What a client gets of an object, put into `out`; what is no map has no members."""
        out = {} if out is None else out
        get = source.get if isinstance(source, dict) else _nothing
        for key, name, write, exact, field in self.steps:
            if write is not None:
                value = get(name)
                if type(value) is exact:
                    out[key] = value
                elif value is None:
                    out[key] = None
                    if not field.nullable:
                        ledger.null((path, key, False), field.type, field)
                else:
                    try:
                        out[key] = write(value)
                    except (ValueError, TypeError, RecursionError):
                        out[key] = field.type.finish(value, (path, key, field.nullable), field, ledger)
            elif field is None:
                out[key] = self.name
            else:
                out[key] = None
                _longer(source, get, out, path, field, ledger)
        return out


def _finished(field: FieldPlan, value: Any, path: Path, ledger: Ledger) -> Any:
    """A leaf's value, whatever it is."""
    at = (path, field.key, field.nullable)
    if value is not None:
        return field.type.finish(value, at, field, ledger)
    if not field.nullable:
        ledger.null(at, field.type, field)
    return None


def _longer(
    source: Any, get: Callable[[str], Any], out: dict[str, Any], path: Path, field: FieldPlan, ledger: Ledger
) -> None:
    """A field that is no plain leaf; there is null under its key so far."""
    if field.refusal is not None:
        at = (path, field.key, field.nullable)
        ledger.fail(at, field.error(field.refusal, at))
    elif field.resolver is not None or field.asks:
        ledger.pending.append(Pending(field, source, out, path))
    else:
        place(field, get(field.name), out, path, ledger)


def place(field: FieldPlan, value: Any, out: dict[str, Any], above: Path, ledger: Ledger) -> None:
    """Put a field's finished value into its object."""
    at = (above, field.key, field.nullable)
    if value is not None:
        out[field.key] = field.type.finish(value, at, field, ledger)
    elif not field.nullable:
        ledger.null(at, field.type, field)


class CompositePlan:
    """An object, interface or union: a plan for each type of object, made when one is met first."""

    def __init__(self, name: str, possible: frozenset[str], make: Callable[[str], ObjectPlan]) -> None:
        self.name = name
        self._possible = possible
        self._make = make
        self._plans: dict[str, ObjectPlan] = {}
        self._only = name if possible == {name} else None

    def reader(self, more: int) -> Reader | None:
        """What reads such objects fast, where they are all of one type."""
        plan = self._plans.get(self._only) if self._only is not None else None
        return plan.reader(more) if plan is not None else None

    @property
    def list_reader(self) -> ListReader | None:
        """What reads lists of such objects fast, where `reader` has answered one."""
        plan = self._plans.get(self.name)
        return plan.list_reader if plan is not None else None

    def finish(self, value: Any, path: Path, field: FieldPlan, ledger: Ledger) -> Any:
        """What is asked of the object."""
        name = self._only
        if name is None:
            found = value.get("__typename") if isinstance(value, dict) else None
            if not isinstance(found, str) or found not in self._possible:
                told = (
                    f"Abstract type '{self.name}' must resolve to an Object type at runtime for field"
                    f" '{field.parent}.{field.name}'. Could not determine the exact type of '{self.name}'"
                )
                ledger.fail(path, brief(told, keys(path)))
                return None
            name = found
        plan = self._plans.get(name)
        if plan is None:
            plan = self._plans[name] = self._make(name)
        return plan.read(value, path, ledger)


def _nothing(_name: str) -> None:
    return None
