"""Makes the values of `syntax` out of the parser's tree, and refuses what the grammar cannot see is wrong."""

from __future__ import annotations

import re
from typing import Any

from lark import Token, Transformer, v_args
from lark.tree import Meta

from kumoi.insights import syntax
from kumoi.insights.syntax import (
    Call,
    Column,
    Expression,
    Field,
    Malformed,
    Number,
    Operation,
    Period,
    Regex,
    Star,
    Text,
)

_PART = re.compile(r"`([^`]+)`|\.|\[(\d+)\]|([^`.\[\]]+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}
_UNITS = {
    "ms": ("milliseconds", "millisecond", "msecs", "msec", "ms"),
    "s": ("seconds", "second", "secs", "sec", "s"),
    "m": ("minutes", "minute", "mins", "min", "m"),
    "h": ("hours", "hour", "hrs", "hr", "h"),
    "d": ("days", "day", "d"),
    "w": ("weeks", "week", "w"),
    "mo": ("months", "month", "mons", "mon", "mo"),
    "q": ("quarters", "quarter", "qtrs", "qtr", "q"),
    "y": ("years", "year", "yrs", "yr", "y"),
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}
_BOUND_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_NAME = 512
_LARGEST_PERIOD = 100_000_000_000


def field_of(token: str) -> Field:
    """A name and its parts."""
    parts = tuple(
        next(part for part in match.groups() if part is not None) for match in _PART.finditer(token) if match[0] != "."
    )
    return Field(".".join(parts) if "`" in token else str(token), parts)


def text_of(token: str) -> str:
    """A quoted text; a backslash keeps the character after it, or stands for a line's end or a tab."""
    return _ESCAPE.sub(lambda match: _CONTROLS.get(match[1], match[1]), token[1:-1])


def period_of(token: str) -> Period:
    """A count and a unit."""
    match = re.match(r"(\d+)\s*(\w+)", token)
    assert match is not None
    count = int(match[1][:20])
    if not 0 < count < _LARGEST_PERIOD:
        raise Malformed(f"Invalid time period {token}")
    return Period(count, _UNIT_OF[match[2].lower()])


class Builder(Transformer[Token, Any]):
    """Turns each rule of the grammar into a value."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def start(self, children: list[Any]) -> syntax.Query:
        """The whole query."""
        source = children[0] if children and isinstance(children[0], syntax.Source) else None
        return syntax.Query(source, tuple(children[1:] if source else children))

    subquery = values_of = start

    # Expressions

    def number(self, children: list[Any]) -> Number:
        """A number."""
        return Number(str(children[0]))

    def period(self, children: list[Any]) -> Period:
        """A span of time."""
        return period_of(children[0])

    def string(self, children: list[Any]) -> Text:
        """A text."""
        return Text(text_of(children[0]))

    def field(self, children: list[Any]) -> Field:
        """A name."""
        return field_of(children[0])

    parse_field = dedup_field = field

    def star(self, _children: list[Any]) -> Star:
        """The `*` of a call."""
        return Star()

    @v_args(meta=True)
    def call(self, meta: Meta, children: list[Any]) -> Call:
        """A function's call."""
        name, *arguments = children
        given = tuple(argument for argument in arguments if argument is not None)
        text = self._text[meta.start_pos : meta.end_pos]
        return Call(str(name).lower(), given, text, meta.start_pos, meta.end_pos)

    parse_call = call

    def group(self, children: list[Any]) -> Any:
        """What stands in parentheses."""
        return children[0]

    def expression(self, children: list[Any]) -> Operation:
        """Alternatives."""
        return Operation("or", tuple(children))

    def conjunction(self, children: list[Any]) -> Operation:
        """What must hold together."""
        return Operation("and", tuple(children))

    def negated(self, children: list[Any]) -> Operation:
        """What must not hold."""
        return Operation("not", tuple(children))

    def compared(self, children: list[Any]) -> Operation:
        """A comparison."""
        left, operator, right = children
        return Operation(str(operator), (left, right))

    def member(self, children: list[Any]) -> Operation:
        """One of a list."""
        return Operation("in", tuple(child for child in children if child is not None))

    def no_member(self, children: list[Any]) -> Operation:
        """None of a list."""
        return Operation("not", (self.member(children),))

    def found(self, children: list[Any]) -> syntax.Found:
        """One of what another query answers."""
        return syntax.Found(children[0], children[1])

    def not_found(self, children: list[Any]) -> Operation:
        """None of what another query answers."""
        return Operation("not", (self.found(children),))

    def like(self, children: list[Any]) -> Operation:
        """A text that contains another, or that an expression matches."""
        subject, pattern = children
        return Operation("like", (subject, _pattern(pattern)))

    def unlike(self, children: list[Any]) -> Operation:
        """The opposite of `like`."""
        return Operation("not", (self.like(children),))

    def added(self, children: list[Any]) -> Operation:
        """A sum."""
        return Operation("+", tuple(children))

    def subtracted(self, children: list[Any]) -> Operation:
        """A difference."""
        return Operation("-", tuple(children))

    def multiplied(self, children: list[Any]) -> Operation:
        """A product."""
        return Operation("*", (children[0], children[2]))

    def divided(self, children: list[Any]) -> Operation:
        """A quotient."""
        return Operation("/", tuple(children))

    def remainder(self, children: list[Any]) -> Operation:
        """What is left after dividing."""
        return Operation("%", tuple(children))

    def raised(self, children: list[Any]) -> Operation:
        """A power."""
        return Operation("^", tuple(children))

    def negative(self, children: list[Any]) -> Operation:
        """The negative of a number."""
        return Operation("neg", tuple(children))

    # Commands

    @v_args(meta=True)
    def column(self, meta: Meta, children: list[Any]) -> Column:
        """An expression with its alias, or named by its text."""
        expression, alias = children
        if alias is not None:
            return Column(expression, field_of(alias).name, True)
        if isinstance(expression, Field):
            return Column(expression, expression.name, False)
        return Column(expression, self._text[meta.start_pos : meta.end_pos].strip()[:_LONGEST_NAME], False)

    def fields(self, children: list[Any]) -> syntax.Fields:
        """`fields`."""
        return syntax.Fields(tuple(children))

    def display(self, children: list[Any]) -> syntax.Display:
        """`display`."""
        return syntax.Display(tuple(children))

    def filter(self, children: list[Any]) -> syntax.Filter:
        """`filter`."""
        return syntax.Filter(children[0])

    def filter_index(self, children: list[Any]) -> syntax.Filter:
        """`filterIndex`."""
        return syntax.Filter(children[0], indexed=True)

    def stats(self, children: list[Any]) -> syntax.Stats:
        """`stats`: the columns before `by` and behind it."""
        offset = next((child for child in children if isinstance(child, Period)), None)
        by = next((child for child in children if isinstance(child, list)), [])
        return syntax.Stats(tuple(child for child in children if isinstance(child, Column)), tuple(by), offset)

    def by(self, children: list[Any]) -> list[Column]:
        """What `stats` groups by."""
        return children

    def offset(self, children: list[Any]) -> Period:
        """Where bins begin."""
        return period_of(children[0])

    def sort(self, children: list[Any]) -> syntax.Sort:
        """`sort`."""
        return syntax.Sort(tuple(children))

    def sort_key(self, children: list[Any]) -> syntax.SortKey:
        """What to sort by."""
        expression, direction = children
        return syntax.SortKey(expression, direction is not None and direction.lower() == "desc")

    def limit(self, children: list[Any]) -> syntax.Limit:
        """`limit`."""
        any_, number = children
        if not re.fullmatch(r"\d{1,9}", number) or not 1 <= int(number) <= syntax.MOST_ROWS:
            raise Malformed(f"Limit must be between 1 and {syntax.MOST_ROWS}", number.start_pos, number.end_pos)
        return syntax.Limit(int(number), any_ is not None)

    def parse_glob(self, children: list[Any]) -> syntax.Parse:
        """`parse` with a glob."""
        source, pattern, names = _parse_parts(children)
        glob = Text(text_of(pattern))
        stars = glob.value.count("*")
        if stars != len(names):
            raise Malformed(
                f"Number of wildcards {stars} does not match number of fields {len(names)} in parse expression",
                pattern.start_pos,
                pattern.end_pos,
            )
        return syntax.Parse(source, glob, names)

    def parse_regex(self, children: list[Any]) -> syntax.Parse:
        """`parse` with a regular expression."""
        source, pattern, names = _parse_parts(children)
        return syntax.Parse(source, Regex(str(pattern)[1:-1]), names)

    def parse_logfmt(self, children: list[Any]) -> syntax.Logfmt:
        """`parse … logfmt`."""
        source = children[0] if len(children) > 1 else Field("@message", ("@message",))
        return syntax.Logfmt(source, field_of(children[-1]).name)

    def dedup(self, children: list[Any]) -> syntax.Dedup:
        """`dedup`."""
        return syntax.Dedup(tuple(children))

    def pattern(self, children: list[Any]) -> syntax.Pattern:
        """`pattern`."""
        return syntax.Pattern(children[0])

    def anomaly(self, _children: list[Any]) -> syntax.Anomaly:
        """`anomaly`."""
        return syntax.Anomaly()

    def diff(self, children: list[Any]) -> syntax.Diff:
        """`diff`."""
        token = children[0]
        if token is not None and token.lower() not in syntax.DIFF_PERIODS:
            raise Malformed(f"unexpected symbol found {token}", token.start_pos, token.end_pos)
        return syntax.Diff(None if token is None else token.lower())

    def unnest(self, children: list[Any]) -> syntax.Unnest:
        """`unnest`."""
        source, name = children
        named = field_of(name).name if name is not None else source.name if isinstance(source, Field) else "unnested"
        return syntax.Unnest(source, named)

    def lookup(self, children: list[Any]) -> syntax.Lookup:
        """`lookup`: the table, its keys, the columns behind `output`."""
        table, *rest = children
        keys = tuple(one for one in rest if isinstance(one, tuple))
        columns = tuple(field_of(one).name for one in rest if isinstance(one, Token))
        return syntax.Lookup(field_of(table).name, keys, columns)

    def lookup_key(self, children: list[Any]) -> tuple[str, Field]:
        """A column, and the field that equals it."""
        column, name = children
        return field_of(column).name, field_of(name if name is not None else column)

    def accum(self, children: list[Any]) -> syntax.Accum:
        """`accum`."""
        name, alias = children
        return syntax.Accum(field_of(name), field_of(alias if alias is not None else name).name)

    def total_option(self, children: list[Any]) -> tuple[str, Token]:
        """An option of `addtotals`."""
        return children[0].lower(), children[1]

    def add_totals(self, children: list[Any]) -> syntax.AddTotals:
        """`addtotals`."""
        options: dict[str, str] = dict(one for one in children if isinstance(one, tuple))
        named = tuple(field_of(one) for one in children if isinstance(one, Token))
        name = options.pop("fieldname", None)
        rows, columns = (_flag(options.pop(side, usual)) for side, usual in (("row", "true"), ("col", "false")))
        if options:
            raise Malformed(f"unexpected symbol found {next(iter(options))}")
        return syntax.AddTotals("Total" if name is None else field_of(name).name, rows, columns, named)

    def relevant_fields(self, children: list[Any]) -> syntax.RelevantFields:
        """`relevantfields`."""
        *names, condition = children
        return syntax.RelevantFields(tuple(field_of(one) for one in names if one is not None), condition)

    @v_args(meta=True)
    def unsupported(self, meta: Meta, children: list[Any]) -> None:
        """A command that AWS has and Kumoi has not."""
        raise Malformed(
            f"Kumoi does not implement the command {children[0].lower()}; docs/logs.md lists those it does.",
            meta.start_pos,
            meta.end_pos,
        )

    # Sources

    def join(self, children: list[Any]) -> syntax.Join:
        """`join`."""
        options = {name.lower(): value for kind, name, value in children[:-1] if kind == "option"}
        keys = tuple((field_of(left), field_of(right)) for kind, left, right in children[:-1] if kind == "key")
        kind = options.pop("type", "inner").lower()
        left, right = options.pop("left", "left"), options.pop("right", "right")
        if options or kind not in ("inner", "left") or left == right:
            raise Malformed("A join takes type=inner or type=left, and different names as left= and right=.")
        return syntax.Join(kind, str(left), str(right), keys, children[-1])

    def join_option(self, children: list[Any]) -> tuple[str, str, str]:
        """One of type, left, right."""
        return "option", str(children[0]), str(children[1])

    def join_key(self, children: list[Any]) -> tuple[str, str, str]:
        """Two fields that are equal."""
        return "key", str(children[0]), str(children[1])

    def source(self, children: list[Any]) -> syntax.Source:
        """`SOURCE`."""
        bounds: dict[str, int] = dict(child for child in children if isinstance(child, tuple))
        options = next((child for child in children if isinstance(child, dict)), None)
        named = tuple(text_of(child) for child in children if isinstance(child, Token))
        start, end = bounds.get("start"), bounds.get("end")
        if options is None:
            return syntax.Source(named, (), None, (), start, end, False)
        log_class = next(iter(options.get("class", ())), None)
        accounts = options.get("accountidentifiers", ()) + options.get("accountidentifier", ())
        prefixes, regions = options.get("nameprefix", ()), options.get("regions", ())
        return syntax.Source((), prefixes, log_class, accounts, start, end, True, regions)

    def log_groups(self, children: list[Any]) -> dict[str, tuple[str, ...]]:
        """What `logGroups(…)` asks for."""
        options = dict(child for child in children if child is not None)
        known = {"nameprefix", "class", "loggroupclass", "accountidentifier", "accountidentifiers", "regions"}
        if unknown := options.keys() - known:
            raise Malformed(f"unexpected symbol found {sorted(unknown)[0]}")
        if "loggroupclass" in options:
            options["class"] = options.pop("loggroupclass")
        return options

    def log_group_option(self, children: list[Any]) -> tuple[str, tuple[str, ...]]:
        """One option and its texts."""
        name, *values = children
        return name.lower(), tuple(text_of(value) for value in values if value is not None)

    def time_bound(self, children: list[Any]) -> tuple[str, int]:
        """START or END, in seconds from now."""
        match = re.fullmatch(r"(start|end)\s*=\s*([+-]?\d{1,12})\d*([a-z]*)", str(children[0]), re.IGNORECASE)
        unit = _BOUND_UNITS.get(match[3].lower()) if match else None
        if match is None or unit is None:
            raise Malformed(f"Invalid time {children[0]}", children[0].start_pos, children[0].end_pos)
        return match[1].lower(), int(match[2]) * unit


def _flag(word: str) -> bool:
    if word.lower() not in ("true", "false"):
        raise Malformed(f"{word} is neither true nor false")
    return word.lower() == "true"


def _pattern(token: Token) -> Expression:
    return Text(text_of(token)) if token.type == "STRING" else Regex(str(token)[1:-1])


def _parse_parts(children: list[Any]) -> tuple[Expression, Token, tuple[str, ...]]:
    """What is parsed (the message where nothing is named), the pattern, the names."""
    left = list(children)
    source: Expression = Field("@message", ("@message",))
    if not isinstance(left[0], Token):
        source = left.pop(0)
    pattern, *names = left
    return source, pattern, tuple(field_of(name).name for name in names if name is not None)
