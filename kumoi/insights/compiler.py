"""From a query's commands to one SELECT: each command a relation over the one before it.

Queries over plain events first find which events are meant, by their keys (time, seq), and then read what is shown of
those alone: so a filter runs once, messages are read late, and the count of what matched costs nothing.
"""

# ruff: noqa: S608  (names in the SQL are made here, texts of the query are parameters)

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from kumoi.insights import globs, lookups, patterns, regexes, relevance, syntax, totals
from kumoi.insights.discovered import COLUMNS
from kumoi.insights.frame import MOST_SQL, Frame, Shared, aggregating
from kumoi.insights.plan import LookupTable, Plan, Reading, Shown
from kumoi.insights.syntax import Column, Command, Field, Malformed, Query, Text
from kumoi.insights.values import NOTHING, Expr, Kind, as_json, as_number, as_text, as_truth, text

DEFAULT_LIMIT = 10_000
_MOST_STATS = 2
_USED = re.compile(r"\$(p\d+)\b")
MATCHED = "matched__"
"""The column that counts, once records stand for several, how many."""


class Step(NamedTuple):
    """A relation over another: what it selects, and what follows FROM."""

    select: str
    rest: str = ""
    filters: bool = False
    below: str = ""
    """What is selected of the relation once more, as rows below, and what follows FROM there."""
    below_rest: str = ""

    def over(self, relation: str) -> str:
        """As SQL over a relation."""
        selected = f"SELECT {self.select} FROM {relation} {self.rest}".rstrip()
        return (
            selected
            if not self.below
            else f"{selected} UNION ALL SELECT {self.below} FROM {relation} {self.below_rest}"
        )


class Order(NamedTuple):
    """A key to sort by, as SQL, with its direction."""

    sql: str
    descending: bool

    def clause(self) -> str:
        """As part of ORDER BY."""
        return f"{self.sql} {'DESC' if self.descending else 'ASC'} NULLS LAST"


def compile_query(
    query: Query, *, now: int, limit: int | None = None, tables: Mapping[str, LookupTable] | None = None
) -> Plan:
    """A query's plan; `now` in epoch ms, `limit` what the caller said beside the query. Malformed when it has none."""
    reading = Reading(query.source)
    views = {"logs": reading}
    shared = Shared(now, views, query.source, tables or {})
    chain = Chain(shared, Frame(shared, events=reading), "logs", views)
    for place, command in enumerate(query.commands):
        if isinstance(command, syntax.Pattern):
            return patterns.plan(chain, command, query.commands[place + 1 :], limit)
        if isinstance(command, syntax.RelevantFields):
            return relevance.plan(chain, command, query.commands[place + 1 :], limit)
        chain.add(command)
    return chain.plan(limit)


class Chain:
    """The commands so far, over a view."""

    def __init__(self, shared: Shared, frame: Frame, view: str, views: dict[str, Reading]) -> None:
        self.shared = shared
        self.frame = frame
        self.view = view
        self.views = views
        self.steps: list[Step] = []
        self.before: list[str] = []
        self.shown: list[tuple[str, Expr]] = []
        self.chosen = False
        self.plain = True
        self.pointers = frame.events is not None
        self.sorted: list[Order] | None = None
        self.limit: int | None = None
        self.counted = False
        self._stats = 0

    def add(self, command: Command) -> None:
        """Take the next command."""
        if self.limit is not None and not isinstance(command, syntax.Display | syntax.Fields | syntax.Limit):
            self.cut()
        match command:
            case syntax.Fields(columns=columns):
                self._show(columns)
            case syntax.Display(columns=columns):
                self.shown = []
                self._show(columns)
            case syntax.Filter(condition=condition):
                self._filter(self.frame.expression(condition))
            case syntax.Stats():
                self._add_stats(command)
            case syntax.Sort(keys=keys):
                self.sorted = [order for key in keys for order in self._order(key)]
            case syntax.Limit(most=most):
                self.limit = most if self.limit is None else min(most, self.limit)
            case syntax.Parse():
                self._parse(command)
            case syntax.Logfmt(source=source, name=name):
                self.frame.logfmt[name] = self.frame.expression(source)
            case syntax.Dedup(fields=fields):
                self._dedup(fields)
            case syntax.Unnest(source=source, name=name):
                self._unnest(source, name)
            case syntax.Join():
                self._join(command)
            case syntax.Lookup():
                lookups.add(self, command)
            case syntax.Accum():
                totals.accumulate(self, command)
            case syntax.AddTotals():
                totals.add(self, command)
            case syntax.Anomaly():
                raise Malformed("anomaly must stand behind pattern")
            case syntax.Diff():
                raise Malformed("Diff compilation Failed : Diff operation has to be used after Pattern")
            case _:
                raise Malformed("pattern and relevantfields must stand before stats, dedup, unnest, join and limit")

    def sort_by(self, first: str, second: str) -> None:
        """The order where the query says none."""
        self.sorted = [Order(first, True), Order(second, False)]

    # Commands

    def _show(self, columns: Sequence[Column]) -> None:
        self.chosen = True
        made = [(column, self.frame.expression(column.expression)) for column in columns]
        for column, value in made:
            if not isinstance(column.expression, Field):
                value = self.extend(value)
            if column.aliased or not isinstance(column.expression, Field):
                self.frame.columns[column.name] = value
            self.also_show(column.name, value)

    def also_show(self, name: str, value: Expr) -> None:
        """Have a value shown under a name, the last that has it."""
        self.shown = [one for one in self.shown if one[0] != name]
        self.shown.append((name, value))

    def extend(self, value: Expr) -> Expr:
        """A new column with a value."""
        column = self.shared.name()
        self.steps.append(Step(f"*, {value.sql} AS {column}"))
        return Expr(column, value.kind)

    def _filter(self, condition: Expr) -> None:
        self.steps.append(Step("*", f"WHERE {as_truth(condition)}", filters=True))

    def _order(self, key: syntax.SortKey) -> list[Order]:
        value = self.frame.expression(key.expression)
        if value.kind is Kind.JSON:
            value = text(as_text(value))
        if value.kind is Kind.TRUTH:
            return [Order(f"({value.sql})::INT", key.descending)]
        if value.kind is Kind.TEXT:
            value = text(f"({value.sql} || '')")  # a parameter alone cannot be sorted by
            return [Order(as_number(value), key.descending), Order(value.sql, key.descending)]
        return [Order(value.sql, key.descending)]

    def _parse(self, command: syntax.Parse) -> None:
        source = self.extend(text(as_text(self.frame.expression(command.source))))
        if isinstance(command.pattern, Text):
            columns = globs.capture(command.pattern.value, source.sql, self.shared, self.steps_of)
            captured = list(zip(command.names, columns, strict=True))
        else:
            captured = self._capture(command.pattern.source, source.sql, command.names)
        for name, column in captured:
            self.frame.columns[name] = text(column)
            self.also_show(name, text(column))

    def steps_of(self, select: str) -> None:
        """Add a relation that selects more."""
        self.steps.append(Step(select))

    def _capture(self, source: str, subject: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
        """Columns for the groups of an expression: those that it names, or named in order."""
        pattern = regexes.read(source)
        wanted = list(enumerate(pattern.groups, 1))
        if any(pattern.groups):
            wanted = [(number, name) for number, name in wanted if name is not None]
        if names:
            if len(names) != len(wanted):
                raise Malformed(
                    f"Number of groups {len(wanted)} does not match number of fields {len(names)} in parse expression"
                )
            wanted = [(number, name) for (number, _), name in zip(wanted, names, strict=True)]
        if not wanted or any(name is None for _, name in wanted):
            raise Malformed("Regular expression in parse must contain at least one named capture group")
        listed = ", ".join(f"'{number}'" for number in range(len(pattern.groups) + 1))
        whole = self.shared.parameter(f"({pattern.source})")
        found = self.shared.name()
        self.steps.append(Step(f"*, regexp_extract({subject}, {whole}, [{listed}]) AS {found}"))
        columns = [(str(name), self.shared.name()) for _, name in wanted]
        selected = ", ".join(
            f"CASE WHEN {found}['0'] <> '' THEN {found}['{number}'] END AS {column}"
            for (number, _), (_, column) in zip(wanted, columns, strict=True)
        )
        self.steps.append(Step(f"*, {selected}"))
        return columns

    def _add_stats(self, command: syntax.Stats) -> None:
        self._stats += 1
        if self._stats > _MOST_STATS:
            raise Malformed(f"A query can have at most {_MOST_STATS} stats commands")
        self.frame.bin_offset = command.offset
        groups: dict[str, Expr] = {}
        grouped: list[tuple[Column, Expr]] = []
        for column in command.by:
            value = self.extend(self.frame.expression(column.expression))
            if value.kind is Kind.JSON:
                value = self.extend(text(as_text(value)))
            grouped.append((column, value))
            groups[column.name] = value
            if column.aliased and not isinstance(column.expression, Field):
                groups[getattr(column.expression, "text", column.name)] = value
        over = aggregating(self.frame, groups)
        columns = [(column, over.expression(column.expression), self.shared.name()) for column in command.columns]
        matched = f"sum({MATCHED})" if self.counted else "count(*)"
        selected = [value.sql for _, value in grouped]
        selected += [f"{value.sql} AS {name}" for _, value, name in columns]
        selected.append(f"{matched} AS {MATCHED}")
        keys = ", ".join(value.sql for _, value in grouped)
        rest = f"GROUP BY {keys}" if keys else "HAVING count(*) > 0"
        self.steps.append(Step(", ".join(selected), rest))
        self.counted, self.plain, self.pointers = True, False, False
        shown = [(column.name, value) for column, value in grouped]
        shown += [(column.name, Expr(name, value.kind)) for column, value, name in columns]
        self.frame = Frame(self.shared, dict(shown))
        for column, value, name in columns:
            if column.aliased and isinstance(column.expression, syntax.Call):
                self.frame.columns.setdefault(column.expression.text, Expr(name, value.kind))
        self.shown, self.chosen = shown, True
        self.sorted = [Order(value.sql, value.kind is Kind.TIME) for _, value in grouped]

    def _dedup(self, fields: Sequence[Field]) -> None:
        keys = ", ".join(as_text(self.frame.expression(name)) for name in fields)
        place = self.shared.name()
        self.steps.append(Step(f"*, row_number() OVER (PARTITION BY {keys} ORDER BY {self.ordering()}) AS {place}"))
        self.steps.append(Step("*", f"WHERE {place} = 1"))
        self.plain = False

    def _unnest(self, source: syntax.Expression, name: str) -> None:
        held = self.frame.expression(source)
        value = as_json(held)
        column = self.shared.name()
        listed = (
            "NULL::JSON[]"
            if held == NOTHING
            else f"CASE WHEN json_type({value}) = 'ARRAY' THEN json_extract({value}, '$[*]') ELSE [{value}] END"
        )
        self.steps.append(Step(f"*, unnest({listed}) AS {column}"))
        self.frame.columns[name] = Expr(column, Kind.JSON)
        self.also_show(name, self.frame.columns[name])
        self.plain = self.pointers = False

    def _join(self, command: syntax.Join) -> None:
        if self.frame.events is None or self.frame.sides:
            raise Malformed("join must stand before stats, and only once")
        prefix = f"{self.shared.name()}_"
        view = self.shared.name()
        reading = self.views[view] = Reading(command.query.source)
        right = Chain(self.shared, Frame(self.shared, events=reading, prefix=prefix), view, self.views)
        renamed = ", ".join(f'"{name}" AS "{prefix}{name}"' for name in COLUMNS)
        right.steps.append(Step(f"* EXCLUDE ({', '.join(COLUMNS)}), {renamed}"))
        for one in command.query.commands:
            if isinstance(one, syntax.Join | syntax.Pattern | syntax.RelevantFields):
                raise Malformed("The query of a join can contain no join, pattern or relevantfields")
            right.add(one)
        if right.limit is not None:
            right.cut()
        conditions = []
        for first, second in command.keys:
            pair = {first.parts[0]: first, second.parts[0]: second}
            if pair.keys() != {command.left, command.right}:
                raise Malformed(f"A join's keys are fields of {command.left} and of {command.right}")
            sides = []
            for alias, frame in ((command.left, self.frame), (command.right, right.frame)):
                rest = pair[alias].parts[1:]
                if not rest:
                    raise Malformed(f"A join's keys are fields of {command.left} and of {command.right}")
                sides.append(as_text(frame.field(Field(".".join(rest), rest))))
            conditions.append((sides[0], sides[1]))
        matched = "" if not right.counted else f" EXCLUDE ({MATCHED})"
        keyed_left = [self.extend(text(left)).sql for left, _ in conditions]
        keyed_right = [right.extend(text(side)).sql for _, side in conditions]
        self.before += right.relations("r")
        joined = " AND ".join(f"l.{a} = r.{b}" for a, b in zip(keyed_left, keyed_right, strict=True))
        kind = "LEFT JOIN" if command.kind == "left" else "JOIN"
        self.steps.append(Step(f"l.*, r.*{matched}", f"AS l {kind} {right.last('r')} AS r ON {joined}"))
        self.frame = replace(
            self.frame, sides={command.left: replace(self.frame, sides={}), command.right: right.frame}
        )
        self.plain = self.pointers = False

    # Putting it together

    def ordering(self) -> str:
        """The records' order so far, as what follows ORDER BY."""
        orders = self.sorted
        if orders is None:
            orders = [] if self.frame.events is None else [Order(f'"{self.frame.prefix}time"', True)]
        clauses = [order.clause() for order in orders]
        if self.frame.events is not None:
            descending = not orders or orders[0].descending
            clauses.append(f'"{self.frame.prefix}seq" {"DESC" if descending else "ASC"}')
        return ", ".join(clauses) or "1"

    def cut(self) -> None:
        """Make `sort` and `limit` hold before a command that comes after them."""
        self.steps.append(Step("*", f"ORDER BY {self.ordering()} LIMIT {self.limit}"))
        self.limit = None
        self.plain = False

    def relations(self, prefix: str, start: str | None = None, *, filters: bool = True) -> list[str]:
        """The steps as common table expressions named `prefix`1, `prefix`2 …, over the view or `start`."""
        last, made = start or self.view, []
        for number, step in enumerate(self.steps, 1):
            if filters or not step.filters:
                made.append(f"{prefix}{number} AS ({step.over(last)})")
                last = f"{prefix}{number}"
        return made

    def last(self, prefix: str, start: str | None = None, *, filters: bool = True) -> str:
        """The name of the last of `relations`."""
        numbers = [number for number, step in enumerate(self.steps, 1) if filters or not step.filters]
        return f"{prefix}{numbers[-1]}" if numbers else start or self.view

    def showing(self) -> list[tuple[str, Expr]]:
        """What is shown: of plain events at least their time and message."""
        if self.chosen or self.frame.events is None:
            return self.shown
        fields = [(name, self.frame.field(Field(name, (name,)))) for name in ("@timestamp", "@message")]
        return [*fields, *(one for one in self.shown if one[0] not in ("@timestamp", "@message"))]

    def plan(self, limit: int | None) -> Plan:
        """The whole as one statement."""
        most = self.limit or limit or DEFAULT_LIMIT
        self.shown = self.showing()
        columns = [Shown(name, value.kind) for name, value in self.shown if name != "@ptr"]
        outputs = [
            f"{as_text(value) if value.kind is Kind.JSON else value.sql} AS o{number}"
            for number, (_, value) in enumerate(one for one in self.shown if one[0] != "@ptr")
        ]
        if self.pointers:
            outputs.append(f"{self.frame.field(Field('@ptr', ('@ptr',))).sql} AS ptr")
        if self.plain:
            return self._plain_plan(outputs, columns, most)
        matched = f"sum({MATCHED}) OVER ()" if self.counted else "count(*) OVER ()"
        relations = [*self.before, *self.relations("c")]
        body = f"SELECT {', '.join([*outputs, matched])} FROM {self.last('c')}"
        return self.made(relations, f"{body} ORDER BY {self.ordering()} LIMIT {most}", columns, counted=True)

    def _plain_plan(self, outputs: list[str], columns: list[Shown], most: int) -> Plan:
        filtered = any(step.filters for step in self.steps)
        events = self.frame.events
        assert events is not None
        by_time = self.sorted is None or [order.sql for order in self.sorted] == ['"time"']
        end = f"ORDER BY {self.ordering()} LIMIT {most}"
        if not filtered and by_time:
            if self.sorted is None or self.sorted[0].descending:
                events.newest = most
            else:
                events.oldest = most
            body = f"SELECT {', '.join(outputs)} FROM {self.last('c')} {end}"
            return self.made(self.relations("c"), body, columns, counted=False)
        keys = [f"{order.sql} AS k{number}" for number, order in enumerate(self.sorted or ())]
        sorting = [Order(f"k{number}", order.descending) for number, order in enumerate(self.sorted or ())]
        descending = not sorting or sorting[0].descending
        clauses = [one.clause() for one in sorting] or ['"time" DESC']
        clauses.append(f"seq {'DESC' if descending else 'ASC'}")
        relations = self.relations("c")
        held = ", ".join(['"time"', "seq", *keys])
        relations.append(f"m AS MATERIALIZED (SELECT {held} FROM {self.last('c')})")
        relations.append(f'top AS (SELECT "time", seq FROM m ORDER BY {", ".join(clauses)} LIMIT {most})')
        relations.append(
            f'meant AS (SELECT v.* FROM {self.view} AS v JOIN top AS t ON v.seq = t.seq AND v."time" = t."time")'
        )
        relations += self.relations("d", "meant", filters=False)
        last = self.last("d", "meant", filters=False)
        body = f"SELECT {', '.join([*outputs, '(SELECT count(*) FROM m)'])} FROM {last} {end}"
        return self.made(relations, body, columns, counted=True)

    def made(self, relations: Sequence[str], body: str, columns: list[Shown], *, counted: bool) -> Plan:
        """A plan of relations and the statement over them, with the parameters that it uses."""
        every = [*self.shared.relations, *relations]
        sql = f"WITH {', '.join(every)} {body}" if every else body
        if len(sql) > MOST_SQL:
            raise Malformed("Query is too long")
        used = set(_USED.findall(sql))
        parameters = {name: value for name, value in self.shared.parameters.items() if name in used}
        if "$most" in sql:
            parameters["most"] = str(self.shared.longest())
        return Plan(sql, parameters, self.views, columns, self.pointers, counted)
