"""From nodes to functions: statements write to a `Run`, expressions answer values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from kumoi.vtl import methods, operators
from kumoi.vtl.errors import LimitExceeded, VtlError
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
from kumoi.vtl.values import Object, text_of

Statement = Callable[[Run], None]
Expression = Callable[[Run], Any]
Step = Callable[[Run, Any], Any]

_WHOLE = frozenset(
    ("equals", "hashCode", "toString", "valueOf", "contains", "containsValue", "indexOf", "lastIndexOf", "remove")
)
"""Methods that compare or write what is held, however deep."""
_EACH_WITH_EACH = frozenset(("containsAll", "removeAll", "retainAll"))
_HOST_STEP = 16
"""How much of a value is a step where a method of the host gets or gives it; many only look at it."""


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
            return _foreach(name, expression(items), compiled_block(block))
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
            return lambda run: {_key(run, key(run)): value(run) for key, value in pairs}
        case RangeOf(first, last):
            return _range(expression(first), expression(last))
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
        return lambda _run, value: _property(value, name)
    if isinstance(accessor, Index):
        index = expression(accessor.index)
        return lambda run, value: _item(run, value, index(run))
    method, arguments = accessor.name, tuple(expression(one) for one in accessor.arguments)

    def call(run: Run, value: Any) -> Any:
        given = [one(run) for one in arguments]
        if isinstance(value, Object):
            run.look_into(*given, a_step=_HOST_STEP)
        elif method in _EACH_WITH_EACH and given and isinstance(value, list | tuple):
            run.look_into(value, *given)
            run.spend(len(value) * len(given[0] if isinstance(given[0], list | tuple | range) else ()) // 64)
        elif method in _WHOLE:
            run.look_into(value, *given)
        elif isinstance(value, dict):
            run.look_into(*given[:1])
        if isinstance(value, list | dict):
            run.spend(len(value) // 16 + 1)
        elif isinstance(value, str):
            run.spend(len(value) >> 10)
        found = methods.call(value, method, given, run.limits.output)
        if isinstance(found, str):
            run.spend(len(found) >> 10)
        elif isinstance(value, Object):
            run.look_into(found, a_step=_HOST_STEP)
        return found

    return call


def _text(run: Run, value: Any) -> str:
    if isinstance(value, str):
        return value
    run.look_into(value)
    return text_of(value, run.limits.output)


def _key(run: Run, value: Any) -> Any:
    run.look_into(value)
    return methods.key_of(value, run.limits.output)


def _property(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, Object):
        found = value.properties.get(name)
        if found is None and (method := value.methods.get(f"get{name[:1].upper()}{name[1:]}")) is not None:
            return method()
        return found
    if name == "empty" and isinstance(value, str | list | tuple | range):
        return not value
    return None


def _item(run: Run, value: Any, index: Any) -> Any:
    if isinstance(value, list | tuple | range):
        if not isinstance(index, int) or isinstance(index, bool):
            return None
        at = index + len(value) if index < 0 else index
        if not 0 <= at < len(value):
            raise VtlError(f"index {index} is out of bounds for length {len(value)}")
        return value[at]
    if isinstance(value, dict):
        return value.get(_key(run, index))
    return methods.call(value, "get", [index], run.limits.output)


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
            run.write(_text(run, found))

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
            methods.call(held, "put", [_key(run, where), found], run.limits.output)
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


def _foreach(name: str, items: Expression, block: Statement) -> Statement:
    def loop(run: Run) -> None:
        run.spend()
        found = items(run)
        sequence = _iterated(found)
        if len(sequence) > run.limits.iterations:
            raise LimitExceeded(
                f"#foreach iterates over {len(sequence)} items, and at most {run.limits.iterations} may be"
            )
        before = {one: run.get(one) for one in (name, "foreach", "velocityCount")}
        count = len(sequence)
        stopped = [False]
        try:
            for number, item in enumerate(sequence):
                run.spend()
                run.set(name, item)
                run.set("velocityCount", number + 1)
                run.set("foreach", _loop(number, count, before["foreach"], stopped))
                block(run)
                if stopped[0]:
                    break
        except Break:
            pass
        finally:
            for one, value in before.items():
                run.set(one, value)

    return loop


def _iterated(found: Any) -> Sequence[Any]:
    if isinstance(found, dict):
        return list(found.values())
    if isinstance(found, list):
        return list(found)
    return found if isinstance(found, tuple | range) else ()


def _loop(number: int, count: int, parent: Any, stopped: list[bool]) -> Object:
    said = {
        "index": number,
        "count": number + 1,
        "hasNext": number + 1 < count,
        "first": number == 0,
        "last": number + 1 == count,
        "parent": parent,
    }

    def stop() -> str:
        stopped[0] = True
        return ""

    return Object(said, {"hasNext": lambda: number + 1 < count, "stop": stop})


def _range(first: Expression, last: Expression) -> Expression:
    def made(run: Run) -> Any:
        start, end = first(run), last(run)
        if any(not isinstance(one, int) or isinstance(one, bool) for one in (start, end)):
            return None
        if abs(end - start) >= run.limits.steps:
            raise LimitExceeded(f"a range has more than {run.limits.steps} numbers")
        run.spend(abs(end - start) // 16)
        return list(range(start, end + 1) if start <= end else range(start, end - 1, -1))

    return made


def _binary(node: Binary) -> Expression:
    operator, left, right = node.operator, expression(node.left), expression(node.right)
    if operator == "and":
        return lambda run: operators.truth(left(run)) and operators.truth(right(run))
    if operator == "or":
        return lambda run: operators.truth(left(run)) or operators.truth(right(run))
    if operator == "==":
        return lambda run: _equal(run, left(run), right(run))
    if operator == "!=":
        return lambda run: not _equal(run, left(run), right(run))
    if operator in ("<", "<=", ">", ">="):
        return lambda run: operators.compared(operator, left(run), right(run))
    if operator == "+":
        return _sum(node, left, right)
    return lambda run: operators.arithmetic(operator, left(run), right(run))


def _equal(run: Run, left: Any, right: Any) -> bool:
    run.look_into(left, right)
    return operators.equal(left, right, run.limits.output)


def _sum(node: Binary, left: Expression, right: Expression) -> Expression:
    sources = [one.source if isinstance(one, Reference) else "null" for one in (node.left, node.right)]

    def add(run: Run) -> Any:
        one, other = left(run), right(run)
        if not isinstance(one, str) and not isinstance(other, str):
            return operators.arithmetic("+", one, other)
        most = run.limits.output
        first = sources[0] if one is None else _text(run, one)
        second = sources[1] if other is None else _text(run, other)
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
        text = _text(run, source)
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
