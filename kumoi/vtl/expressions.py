"""Expressions and references, read from a template's text.

From loose to tight: or, and, equality, order, sums, products, not, and the things themselves. Arguments of methods may
be expressions, which Velocity 1.7 does not allow and nothing written for it misses.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kumoi.vtl.nodes import (
    Binary,
    Index,
    Interpolated,
    ListOf,
    Literal,
    MapOf,
    Method,
    Node,
    Property,
    RangeOf,
    Reference,
    Text,
    Unary,
)
from kumoi.vtl.scanner import Scanner

Block = Callable[[str, int], tuple[Node, ...]]
"""Reads the inside of a text in double quotes, at a depth."""

_LEVELS: tuple[dict[str, str], ...] = (
    {"||": "or", "or": "or"},
    {"&&": "and", "and": "and"},
    {"==": "==", "eq": "==", "!=": "!=", "ne": "!="},
    {"<=": "<=", "le": "<=", ">=": ">=", "ge": ">=", "<": "<", "lt": "<", ">": ">", "gt": ">"},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)
_NUMBER = re.compile(
    r"-?(?:[0-9]+\.(?!\.)[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
)
_WHOLE = re.compile(r"-?[0-9]{1,40}")
_WORD = re.compile(r"(?:true|false|null)(?![A-Za-z0-9_-])")
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_CONTINUED = re.compile(r"\\ *\n")
_REFERENCE = re.compile(r"\$!?\{?[A-Za-z_]")


def at_reference(scanner: Scanner) -> bool:
    """Whether a reference begins here."""
    return _REFERENCE.match(scanner.text, scanner.at) is not None


def expression(scanner: Scanner, block: Block, level: int = 0) -> Node:
    """Read an expression."""
    if level == len(_LEVELS):
        return _unary(scanner, block)
    if level == 0:
        scanner.deeper()
    operators = _LEVELS[level]
    left = expression(scanner, block, level + 1)
    while True:
        scanner.space()
        found = _operator(scanner, operators)
        if found is None:
            break
        scanner.at += len(found)
        left = Binary(operators[found], left, expression(scanner, block, level + 1))
        scanner.deeper()
    if level == 0:
        scanner.depth -= 1
    return left


def _operator(scanner: Scanner, operators: dict[str, str]) -> str | None:
    for written in operators:
        if not scanner.text.startswith(written, scanner.at):
            continue
        behind = scanner.text[scanner.at + len(written) : scanner.at + len(written) + 1]
        if written.isalpha() and (behind.isalnum() or behind == "_"):
            continue
        if written in ("<", ">") and behind == "=":
            continue
        return written
    return None


def _unary(scanner: Scanner, block: Block) -> Node:
    scanner.space()
    if scanner.peek() == "!" and scanner.peek(2) != "!=":
        scanner.at += 1
        return _nested(scanner, block, "!")
    if scanner.peek(3) == "not" and not (scanner.peek(4)[3:] or " ").isalnum():
        scanner.at += 3
        return _nested(scanner, block, "!")
    if scanner.peek() == "-" and _NUMBER.match(scanner.text, scanner.at) is None and not scanner.peek(2)[1:].isdigit():
        scanner.at += 1
        return _nested(scanner, block, "-")
    return primary(scanner, block)


def _nested(scanner: Scanner, block: Block, operator: str) -> Node:
    scanner.deeper()
    made = Unary(operator, _unary(scanner, block))
    scanner.depth -= 1
    return made


def primary(scanner: Scanner, block: Block) -> Node:
    """Read one thing: a literal, a list, a range, a map, a reference, or an expression in parentheses."""
    scanner.space()
    first = scanner.peek()
    if first == "$":
        return reference(scanner, block)
    if first in ("'", '"'):
        return _text(scanner, block)
    if first == "[":
        return _list(scanner, block)
    if first == "{":
        return _map(scanner, block)
    if first == "(":
        scanner.at += 1
        inner = expression(scanner, block)
        scanner.space()
        scanner.expect(")", "behind an expression")
        return inner
    if (word := scanner.match(_WORD)) is not None:
        return Reference("null", (), "null") if word[0] == "null" else Literal(word[0] == "true")
    if (number := scanner.match(_NUMBER)) is not None:
        return Literal(float(number[0]))
    if (whole := scanner.match(_WHOLE)) is not None:
        return Literal(int(whole[0]))
    raise scanner.error(f"an expression is expected, not {scanner.peek(10)!r}")


def reference(scanner: Scanner, block: Block, escapes: int = 0) -> Reference:
    """Read a reference; it begins here."""
    start = scanner.at
    scanner.expect("$", "before a name")
    quiet = scanner.take("!")
    braced = scanner.take("{")
    name = scanner.identifier()
    if name is None:
        raise scanner.error("a name is expected behind $")
    accessors: list[Property | Method | Index] = []
    while True:
        if scanner.peek() == "[":
            saved = scanner.at
            scanner.at += 1
            scanner.space()
            if scanner.peek() not in ("$", "'", '"', "t", "f", "-") and not scanner.peek().isdigit():
                scanner.at = saved
                break
            index = expression(scanner, block)
            scanner.space()
            scanner.expect("]", "behind an index")
            accessors.append(Index(index))
        elif scanner.peek() == "." and scanner.peek(2)[1:].isascii() and scanner.peek(2)[1:].isalpha():
            scanner.at += 1
            member = scanner.identifier() or ""
            accessors.append(Method(member, _arguments(scanner, block)) if scanner.take("(") else Property(member))
        else:
            break
    if braced:
        scanner.expect("}", f"at the end of ${{{name}")
    return Reference(name, tuple(accessors), scanner.text[start : scanner.at], quiet, escapes)


def _arguments(scanner: Scanner, block: Block) -> tuple[Node, ...]:
    scanner.space()
    if scanner.take(")"):
        return ()
    found = [expression(scanner, block)]
    while True:
        scanner.space()
        if scanner.take(")"):
            return tuple(found)
        scanner.expect(",", "between arguments")
        found.append(expression(scanner, block))


def _text(scanner: Scanner, block: Block) -> Node:
    quote = scanner.peek()
    at = scanner.at + 1
    text = scanner.text
    while at < len(text) and text[at] != quote:
        at += 2 if text[at] == "\\" and quote == '"' and text[at + 1 : at + 2] == '"' else 1
    if at >= len(text):
        raise scanner.error("a text has no closing quote")
    content = text[scanner.at + 1 : at]
    scanner.at = at + 1
    if quote == "'":
        return Literal(content)
    content = _CONTINUED.sub("", content)
    if "\\u" in content:
        halves = _UNICODE.sub(lambda match: chr(int(match[1], 16)), content).encode("utf-16", "surrogatepass")
        content = halves.decode("utf-16", "replace")
    if "$" not in content and "#" not in content:
        return Literal(content)
    inner = block(content, scanner.depth + 1)
    return Interpolated(inner or (Text(""),))


def _list(scanner: Scanner, block: Block) -> Node:
    scanner.expect("[", "")
    scanner.space()
    if scanner.take("]"):
        return ListOf(())
    items = [expression(scanner, block)]
    scanner.space()
    if scanner.take(".."):
        last = expression(scanner, block)
        scanner.space()
        scanner.expect("]", "behind a range")
        return RangeOf(items[0], last)
    while not scanner.take("]"):
        scanner.expect(",", "between the items of a list")
        items.append(expression(scanner, block))
        scanner.space()
    return ListOf(tuple(items))


def _map(scanner: Scanner, block: Block) -> Node:
    scanner.expect("{", "")
    scanner.space()
    items: list[tuple[Node, Node]] = []
    if scanner.take("}"):
        return MapOf(())
    while True:
        key = expression(scanner, block)
        scanner.space()
        scanner.expect(":", "behind a key")
        items.append((key, expression(scanner, block)))
        scanner.space()
        if scanner.take("}"):
            return MapOf(tuple(items))
        scanner.expect(",", "between the entries of a map")
