"""The records that a command sees, and what names mean there: columns made by earlier commands, fields of log events.

A frame belongs to one SELECT of a chain. Names of the query stay on this side: in SQL, columns are called `x1`, `x2` ….
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kumoi.insights import aggregates, functions, subqueries
from kumoi.insights.comparing import compare, like, member
from kumoi.insights.discovered import KINDS, escaped, pointers, system
from kumoi.insights.message_fields import LAMBDA, UNMASKED
from kumoi.insights.plan import Derived, LookupTable, Reading
from kumoi.insights.syntax import (
    TOO_DEEP,
    Call,
    Expression,
    Field,
    Found,
    Malformed,
    Number,
    Operation,
    Period,
    Source,
    Star,
    Text,
)
from kumoi.insights.values import NOTHING, Expr, Kind, as_json, as_number, as_text, as_truth, number, text, truth

MOST_SQL = 1_000_000
"""Characters of SQL that an expression, or a whole query, may become."""

_MOST_GROWN = 100_000
_ROOM = 200_000
_LEAST_GROWN = 1_000

_ARITHMETIC = {
    "+": "({} + {})",
    "-": "({} - {})",
    "*": "({} * {})",
    "/": "({} / nullif({}, 0))",
    "%": "fmod({}, nullif({}, 0))",
}
_POWER = "CASE WHEN abs({1}) <= 1024 THEN try(pow({0}, {1})) END"


@dataclass(slots=True)
class Shared:
    """What all frames of a query have in common."""

    now: int
    views: dict[str, Reading] = field(default_factory=dict)
    source: Source | None = None
    """Where the outermost query reads."""
    tables: Mapping[str, LookupTable] = field(default_factory=dict)
    relations: list[str] = field(default_factory=list)
    """Common table expressions that others read: tables that were looked up, answers of queries within queries."""
    within: bool = False
    """Whether a query within the query is being read."""
    parameters: dict[str, str] = field(default_factory=dict)
    names: int = 0
    growing: int = 0

    def parameter(self, value: str) -> str:
        """A text as a parameter; the same text is one parameter."""
        for name, known in self.parameters.items():
            if known == value:
                return f"${name}"
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    def most(self) -> str:
        """How long a text may be that grows here: a parameter, since it is known once all of the query is read."""
        self.growing += 1
        return "$most::BIGINT"

    def longest(self) -> int:
        """The value of `most`: the texts of a record share the room. DuckDB holds some 2,000 records at a time."""
        return min(_MOST_GROWN, max(_LEAST_GROWN, _ROOM // max(self.growing, 1)))

    def name(self) -> str:
        """A name for a column or a relation, given out once."""
        self.names += 1
        return f"x{self.names}"


@dataclass(slots=True)
class Frame:
    """Names and what they mean. `events` is where fields of log events are read, None once records are none."""

    shared: Shared
    columns: dict[str, Expr] = field(default_factory=dict)
    logfmt: dict[str, Expr] = field(default_factory=dict)
    sides: dict[str, Frame] = field(default_factory=dict)
    events: Reading | None = None
    prefix: str = ""
    bin_offset: Period | None = None
    within: str | None = None
    """The aggregate whose argument is being read: there are none inside of one."""

    @property
    def now(self) -> int:
        """The platform's time (epoch ms)."""
        return self.shared.now

    def parameter(self, value: str) -> str:
        """A text as a parameter of the statement."""
        return self.shared.parameter(value)

    def most(self) -> str:
        """How long a text may be that grows here."""
        return self.shared.most()

    def moment(self) -> str:
        """A record's time: the event's, or the first column that has one."""
        if self.events is not None:
            return f'"{self.prefix}time"'
        for value in self.columns.values():
            if value.kind is Kind.TIME:
                return value.sql
        raise Malformed("There is no time to group by: the records have no @timestamp")

    def order(self) -> str:
        """Records in the order of time, and of arrival within it."""
        if self.events is not None:
            return f'row("{self.prefix}time", "{self.prefix}seq")'
        return self.moment()

    def field(self, name: Field) -> Expr:
        """What a name means; NULL where there is nothing of that name."""
        known = self.columns.get(name.name)
        if known is not None:
            return known
        for length in range(len(name.parts) - 1, 0, -1):
            head, rest = ".".join(name.parts[:length]), name.parts[length:]
            if (holder := self.columns.get(head)) is not None and holder.kind is not Kind.NUMBER:
                pointer = "".join(f"/{escaped(part)}" for part in rest)
                return Expr(f"json_extract({as_json(holder)}, {self.parameter(pointer)})", Kind.JSON)
            if (source := self.logfmt.get(head)) is not None:
                return self._logfmt(source, ".".join(rest))
            if (side := self.sides.get(head)) is not None:
                return side.field(Field(".".join(rest), rest))
        if self.events is not None:
            return self._discovered(name)
        for side in self.sides.values():
            if (found := side.field(name)) != NOTHING:
                return found
        return NOTHING

    def _discovered(self, name: Field) -> Expr:
        found = system(self.prefix).get(name.name)
        if found is not None:
            return found
        if (lambda_field := LAMBDA.get(name.name)) is not None:
            kind, sql = lambda_field
            return Expr(self.derive(Derived(name.name, kind, sql)), KINDS[kind])
        columns = [
            self.derive(Derived(pointer, "VARCHAR", f"json_extract_string(document, {_quoted(pointer)})"))
            for pointer in pointers(name)
        ]
        if not columns:
            return NOTHING
        return text(columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})")

    def unmasked(self, name: Field) -> Expr:
        """What a field of the events is without masks; of other records, what the field is."""
        if self.events is None or name.name in self.columns:
            return self.field(name)
        if name.name == "@message":
            return text(self.derive(Derived("unmask @message", "VARCHAR", "coalesce(unmasked, message)")))
        columns = [
            self.derive(Derived(f"unmask {pointer}", "VARCHAR", f"json_extract_string({UNMASKED}, {_quoted(pointer)})"))
            for pointer in pointers(name)
        ]
        if not columns:
            return self.field(name)
        return text(columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})")

    def derive(self, derived: Derived) -> str:
        """The column that holds what is read out of messages."""
        assert self.events is not None
        for column, known in self.events.derived.items():
            if known == derived:
                return column
        column = self.shared.name()
        self.events.derived[column] = derived
        return column

    def _logfmt(self, source: Expr, key: str) -> Expr:
        import re

        pattern = self.parameter(rf"(?:^|\s){re.escape(key)}=(\"(?:[^\"\\]|\\.)*\"|\S*)")
        return text(f"nullif(trim(regexp_extract({as_text(source)}, {pattern}, 1), '\"'), '')")

    def expression(self, expression: Expression) -> Expr:
        """An expression as SQL over this frame's records; Malformed where the SQL gets too long.

        SQL says an argument several times over, so that calls in calls are exponentially longer than the query.
        """
        made = self._expression(expression)
        if len(made.sql) > MOST_SQL:
            raise Malformed(TOO_DEEP)
        return made

    def _expression(self, expression: Expression) -> Expr:
        match expression:
            case Field():
                return self.field(expression)
            case Number(text=written):
                return number(_double(written))
            case Text(value=value):
                return text(self.parameter(value))
            case Call():
                return self._call(expression)
            case Operation():
                return self._operation(expression)
            case Found():
                return subqueries.found(self, expression)
            case Period() | Star():
                raise Malformed("A time period or * cannot stand here")
        raise Malformed("Invalid expression")

    def _call(self, call: Call) -> Expr:
        known = self.columns.get(call.text)
        if known is not None:
            return known
        if call.function in aggregates.AGGREGATES:
            raise Malformed(f"Aggregate function {call.function} cannot be used here", call.start, call.end)
        return functions.compiled(self, call)

    def _operation(self, operation: Operation) -> Expr:
        operator, operands = operation.operator, operation.operands
        if operator in ("and", "or"):
            joined = f" {operator.upper()} ".join(as_truth(self.expression(one)) for one in operands)
            return truth(f"({joined})")
        if operator == "not":
            return truth(f"(NOT {as_truth(self.expression(operands[0]))})")
        if operator == "neg":
            return number(f"(-{as_number(self.expression(operands[0]))})")
        if operator == "like":
            return like(self, self.expression(operands[0]), operands[1])
        values = [(word, self.expression(word)) for word in map(self._word, operands)]
        if operator == "in":
            return member(self, values[0], values[1:])
        if operator in ("=", "!=", "<", "<=", ">", ">="):
            return compare(self, operator, values[0], values[1])
        left, right = (as_number(value) for _, value in values)
        template = _POWER if operator == "^" else _ARITHMETIC[operator]
        return number(template.format(left, right))

    def _word(self, operand: Expression) -> Expression:
        """The words true and false, where no column has that name, are texts."""
        if (
            isinstance(operand, Field)
            and operand.name.lower() in ("true", "false")
            and operand.name not in self.columns
        ):
            return Text(operand.name.lower())
        return operand


class Aggregating(Frame):
    """A frame as `stats` reads its columns: aggregates over its records, and what it groups by."""

    __slots__ = ("groups",)

    groups: dict[str, Expr]

    def _call(self, call: Call) -> Expr:
        if (known := self.groups.get(call.text)) is not None:
            return known
        if self.within is None and call.function in aggregates.AGGREGATES:
            self.within = call.function
            try:
                return aggregates.compiled(self, call)
            finally:
                self.within = None
        if self.within is not None and call.function in aggregates.AGGREGATES:
            raise Malformed(f"Aggregate function {call.function} cannot be used here", call.start, call.end)
        if self.within is None and call.function == "bin":
            raise Malformed("bin must stand behind by, or in an aggregate function", call.start, call.end)
        return functions.compiled(self, call)

    def field(self, name: Field) -> Expr:
        """What a name means; outside of aggregates only what is grouped by has a value."""
        if self.within is None:
            if (known := self.groups.get(name.name)) is not None:
                return known
            raise Malformed(f"The field {name.name} must be in an aggregate function, or behind by")
        return Frame.field(self, name)


def aggregating(frame: Frame, groups: dict[str, Expr]) -> Aggregating:
    """The frame of the columns of `stats`."""
    made = Aggregating(
        frame.shared,
        frame.columns,
        frame.logfmt,
        frame.sides,
        frame.events,
        frame.prefix,
        frame.bin_offset,
    )
    made.groups = groups
    return made


def _double(written: str) -> str:
    value = float(written)
    if value in (float("inf"), float("-inf")):
        raise Malformed(f"Invalid number {written[:50]}")
    return f"{value!r}::DOUBLE"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
