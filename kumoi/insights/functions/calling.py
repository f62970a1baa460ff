"""What a function of queries is: how many arguments it takes, and the SQL that a call of it becomes.

Arguments that must be known when the query is read (periods, patterns, subnets) are taken from the syntax, others are
SQL. Most functions are a template over their arguments as numbers or as texts: `numbers`, `texts`, `tests`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from kumoi.insights.syntax import Call, Expression, Field, Malformed, Period, Text
from kumoi.insights.values import Expr, as_number, as_text, number, text, truth


class Scope(Protocol):
    """What a function asks of the place where it stands."""

    bin_offset: Period | None

    @property
    def now(self) -> int:
        """The platform's time (epoch ms)."""
        ...

    def expression(self, expression: Expression) -> Expr:
        """An argument as SQL."""
        ...

    def unmasked(self, name: Field) -> Expr:
        """What a field is without the masks of data protection."""
        ...

    def parameter(self, value: str) -> str:
        """A text as a parameter of the statement."""
        ...

    def moment(self) -> str:
        """The record's own time."""
        ...

    def most(self) -> str:
        """How long a text may be that grows here."""
        ...


Compile = Callable[[Scope, Call], Expr]


class Function(NamedTuple):
    """How many arguments it takes, and what it is in SQL."""

    least: int
    most: int
    compile: Compile


def period(call: Call, at: int) -> Period:
    """An argument that must be a period."""
    argument = call.arguments[at]
    if not isinstance(argument, Period):
        raise Malformed(f"Invalid time period in function {call.function}", call.start, call.end)
    return argument


def constant(call: Call, at: int) -> str:
    """An argument that must be a quoted text."""
    argument = call.arguments[at]
    if not isinstance(argument, Text):
        raise Malformed(f"Invalid arguments for function {call.function}: a text is needed", call.start, call.end)
    return argument.value


def numbers(template: str) -> Compile:
    """A number of the arguments as numbers."""

    def compile_(scope: Scope, call: Call) -> Expr:
        return number(template.format(*(as_number(scope.expression(one)) for one in call.arguments)))

    return compile_


def texts(template: str, make: Callable[[str], Expr] = text) -> Compile:
    """A text (or what `make` says) of the arguments as texts."""

    def compile_(scope: Scope, call: Call) -> Expr:
        return make(template.format(*(as_text(scope.expression(one)) for one in call.arguments)))

    return compile_


def tests(template: str) -> Compile:
    """Whether something holds of the arguments as texts; not where one is missing."""
    return texts(f"coalesce({template}, false)", truth)


def cut(value: Expr, most: str) -> str:
    """A text's beginning."""
    return f"substr({as_text(value)}, 1, {most})"
