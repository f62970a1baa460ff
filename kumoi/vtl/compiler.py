"""From nodes to functions: statements write to a `Run`, expressions answer values.

`reading.py` is how values are read, `loops.py` what loops do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kumoi.vtl import loops, methods, operators, reading
from kumoi.vtl.errors import LimitExceeded, VtlError
from kumoi.vtl.loops import Expression, Statement
from kumoi.vtl.nodes import (
    Binary,
    Define,
    Evaluate,
    Foreach,
    If,
    Index,
    Interpolated,
    Invoke,
    Leave,
    ListOf,
    Literal,
    Macro,
    MapOf,
    Method,
    Node,
    Property,
    RangeOf,
    Reference,
    Set,
    Text,
    Unary,
)
from kumoi.vtl.parser import parse
from kumoi.vtl.run import Break, Run, Stop

Step = Callable[[Run, Any], Any]


class Defined(NamedTuple):
    """A block under a name, written where the name is referred to."""

    block: Statement


class CompiledMacro(NamedTuple):
    """A macro ready for use."""

    parameters: tuple[str, ...]
    block: Statement


def compiled_block(nodes: Sequence[Node]) -> Statement:
    """The function of a block."""
    statements = tuple(statement(node) for node in nodes)

    def block(run: Run) -> None:
        for one in statements:
            one(run)

    return block


def compiled_macro(macro: Macro) -> CompiledMacro:
    """The function of a macro."""
    return CompiledMacro(macro.parameters, compiled_block(macro.block))


def statement(node: Node) -> Statement:
    """The function of a statement."""
    match node:
        case Text(text):
            return lambda run: run.write(text)
        case Reference():
            return _written(node)
        case Set(target, value):
            return _set(target, expression(value))
        case If(branches, otherwise):
            return _if([(expression(test), compiled_block(block)) for test, block in branches], otherwise)
        case Foreach(name, items, block):
            return loops.foreach(name, expression(items), compiled_block(block))
        case Define(name, block):
            defined = Defined(compiled_block(block))
            return lambda run: run.set(name, defined)
        case Macro(name):
            macro = compiled_macro(node)
            return lambda run: run.macros.__setitem__(name, macro)
        case Invoke():
            return _invoke(node)
        case Evaluate(template):
            return _evaluate(expression(template))
        case Leave(kind, value):
            return _leave(kind, None if value is None else expression(value))
    raise AssertionError(f"{type(node).__name__} is no statement")


def expression(node: Node) -> Expression:
    """The function of an expression."""
    match node:
        case Literal(value):
            return lambda _run: value
        case Reference():
            return _value(node)
        case Interpolated(block):
            inner = compiled_block(block)
            return lambda run: captured(run, inner)
        case ListOf(items):
            made = [expression(item) for item in items]
            return lambda run: [one(run) for one in made]
        case MapOf(items):
            pairs = [(expression(key), expression(value)) for key, value in items]
            return lambda run: {reading.key(run, key(run)): value(run) for key, value in pairs}
        case RangeOf(first, last):
            return loops.between(expression(first), expression(last))
        case Unary(operator, operand):
            inner_value = expression(operand)
            if operator == "!":
                return lambda run: not operators.truth(inner_value(run))
            return lambda run: operators.arithmetic("-", 0, inner_value(run))
        case Binary():
            return _binary(node)
    raise AssertionError(f"{type(node).__name__} is no expression")


def captured(run: Run, block: Statement) -> str:
    """What a block writes, as text; it counts as written only where it is."""
    pieces, written = run.pieces, run.written
    run.pieces, run.written = [], 0
    try:
        block(run)
        run.spend(run.written >> 10)
        return "".join(run.pieces)
    finally:
        run.pieces, run.written = pieces, written


def _value(node: Reference) -> Expression:
    name, steps = node.name, tuple(_step(one) for one in node.accessors)

    def value(run: Run) -> Any:
        run.spend()
        found = run.get(name)
        for step in steps:
            if found is None:
                return None
            found = step(run, found)
        return _block_text(run, found) if isinstance(found, Defined) else found

    return value


def _block_text(run: Run, defined: Defined) -> str:
    run.deeper()
    try:
        return captured(run, defined.block)
    finally:
        run.depth -= 1


def _step(accessor: Property | Method | Index) -> Step:
    if isinstance(accessor, Property):
        name = accessor.name
        return lambda _run, value: reading.member(value, name)
    if isinstance(accessor, Index):
        index = expression(accessor.index)
        return lambda run, value: reading.item(run, value, index(run))
    method, arguments = accessor.name, tuple(expression(one) for one in accessor.arguments)

    def call(run: Run, value: Any) -> Any:
        return reading.called(run, value, method, [one(run) for one in arguments])

    return call


def _written(node: Reference) -> Statement:
    value, quiet = _value(node), node.quiet
    half, odd = "\\" * (node.escapes // 2), node.escapes % 2 == 1
    undefined = "\\" * node.escapes + ("" if quiet and not odd else node.source)

    def write(run: Run) -> None:
        found = value(run)
        if found is None:
            if run.quiet_members and node.accessors and not node.escapes and run.get(node.name) is not None:
                return
            if undefined:
                run.write(undefined)
        elif odd:
            run.write(half + node.source)
        else:
            if half:
                run.write(half)
            run.write(reading.written(run, found))

    return write


def _set(target: Reference, value: Expression) -> Statement:
    if not target.accessors:
        name = target.name

        def assign(run: Run) -> None:
            run.spend()
            found = value(run)
            if found is not None:
                run.set(name, found)

        return assign
    holder = _value(Reference(target.name, target.accessors[:-1], target.source))
    last = target.accessors[-1]
    if isinstance(last, Method):
        raise VtlError(f"{target.source} cannot be set: it ends in a method")
    key: Expression = expression(last.index) if isinstance(last, Index) else expression(Literal(last.name))

    def put(run: Run) -> None:
        run.spend()
        found = value(run)
        if found is None:
            return
        held, where = holder(run), key(run)
        if isinstance(held, dict):
            methods.call(held, "put", [reading.key(run, where), found], run.limits.output)
        elif isinstance(held, list):
            methods.call(held, "set", [where, found], run.limits.output)

    return put


def _if(branches: list[tuple[Expression, Statement]], otherwise: Sequence[Node]) -> Statement:
    last = compiled_block(otherwise)

    def choose(run: Run) -> None:
        run.spend()
        for test, block in branches:
            if operators.truth(test(run)):
                block(run)
                return
        last(run)

    return choose


def _binary(node: Binary) -> Expression:
    operator, left, right = node.operator, expression(node.left), expression(node.right)
    if operator == "and":
        return lambda run: operators.truth(left(run)) and operators.truth(right(run))
    if operator == "or":
        return lambda run: operators.truth(left(run)) or operators.truth(right(run))
    if operator == "==":
        return lambda run: reading.equal(run, left(run), right(run))
    if operator == "!=":
        return lambda run: not reading.equal(run, left(run), right(run))
    if operator in ("<", "<=", ">", ">="):
        return lambda run: operators.compared(operator, left(run), right(run))
    if operator == "+":
        return _sum(node, left, right)
    return lambda run: operators.arithmetic(operator, left(run), right(run))


def _sum(node: Binary, left: Expression, right: Expression) -> Expression:
    sources = [one.source if isinstance(one, Reference) else "null" for one in (node.left, node.right)]

    def add(run: Run) -> Any:
        one, other = left(run), right(run)
        if not isinstance(one, str) and not isinstance(other, str):
            return operators.arithmetic("+", one, other)
        most = run.limits.output
        first = sources[0] if one is None else reading.written(run, one)
        second = sources[1] if other is None else reading.written(run, other)
        if len(first) + len(second) > most:
            raise LimitExceeded(f"a text is longer than {most} characters")
        run.spend((len(first) + len(second)) >> 10)
        return first + second

    return add


def _invoke(node: Invoke) -> Statement:
    arguments = [expression(one) for one in node.arguments]
    body = None if node.body is None else Defined(compiled_block(node.body))

    def invoke(run: Run) -> None:
        run.spend()
        macro = run.macros.get(node.name)
        if macro is None:
            run.write(node.source)
            return
        frame: dict[str, Any] = dict.fromkeys(macro.parameters)
        frame |= {name: one(run) for name, one in zip(macro.parameters, arguments, strict=False)}
        if body is not None:
            frame["bodyContent"] = body
        run.deeper()
        run.frames.append(frame)
        try:
            macro.block(run)
        finally:
            run.frames.pop()
            run.depth -= 1

    return invoke


def _evaluate(template: Expression) -> Statement:
    def evaluate(run: Run) -> None:
        source = template(run)
        if source is None:
            return
        text = reading.written(run, source)
        run.spend(len(text) // 16 + 1)
        parsed = parse(text)
        run.macros |= {name: compiled_macro(macro) for name, macro in parsed.macros.items()}
        run.deeper()
        try:
            compiled_block(parsed.block)(run)
        finally:
            run.depth -= 1

    return evaluate


def _leave(kind: str, value: Expression | None) -> Statement:
    def leave(run: Run) -> None:
        if kind == "break":
            raise Break
        raise Stop(None if value is None else value(run), returned=kind == "return")

    return leave
