"""Reads templates: text, references and directives.

White space as Velocity 1.x has it: `#set` takes the blanks before it along, and directives in parentheses, `#else` and
`#end` the rest of their line where it is blank. What looks like a directive and is none is text.
"""

from __future__ import annotations

import re

from kumoi.vtl.errors import VtlError
from kumoi.vtl.expressions import at_reference, expression, primary, reference
from kumoi.vtl.nodes import (
    Define,
    Evaluate,
    Foreach,
    If,
    Invoke,
    Leave,
    Macro,
    Node,
    Parsed,
    Reference,
    Set,
    Text,
)
from kumoi.vtl.scanner import Scanner

_PLAIN = re.compile(r"[^$#\\]+")
_BACKSLASHES = re.compile(r"\\+")
_DIRECTIVE = re.compile(r"#(?:\{(?P<braced>@?[A-Za-z_][A-Za-z0-9_]*)\}|(?P<plain>@?[A-Za-z_][A-Za-z0-9_]*))")
_OPEN = re.compile(r"\s*\(")
_BUILT_IN = frozenset(
    (
        *("set", "if", "elseif", "else", "end", "foreach", "break", "stop", "return"),
        *("macro", "define", "evaluate", "include", "parse", "literal"),
    )
)
_LONGEST = 1_048_576


def parse(text: str) -> Parsed:
    """Read a template; raises VtlError."""
    if len(text) > _LONGEST:
        raise VtlError(f"the template is longer than {_LONGEST} characters")
    reader = _Reader()
    scanner = Scanner(text)
    try:
        block, end = reader.block(scanner, ())
    except RecursionError:
        raise VtlError("the template nests too deep") from None
    if end:
        raise scanner.error(f"#{end} ends nothing")
    return Parsed(block, reader.macros)


class _Reader:
    """Reads one template; collects its macros."""

    def __init__(self) -> None:
        self.macros: dict[str, Macro] = {}

    def inner(self, text: str, depth: int) -> tuple[Node, ...]:
        """Read the inside of a text in double quotes."""
        scanner = Scanner(text, depth)
        scanner.deeper()
        block, end = self.block(scanner, ())
        if end:
            raise scanner.error(f"#{end} ends nothing")
        return block

    def block(self, scanner: Scanner, ends: tuple[str, ...]) -> tuple[tuple[Node, ...], str]:
        """Read statements until one of `ends`, which is read, too, or until the text ends; which it was."""
        scanner.deeper()
        nodes: list[Node] = []
        while not scanner.ended:
            end = self._statement(scanner, nodes)
            if end:
                scanner.depth -= 1
                if end not in ends and ends:
                    raise scanner.error(f"#{end} stands where #{' or #'.join(ends)} is expected")
                return tuple(nodes), end
        if ends:
            raise scanner.error(f"#{ends[-1]} is missing")
        scanner.depth -= 1
        return tuple(nodes), ""

    def _statement(self, scanner: Scanner, nodes: list[Node]) -> str:
        """Read one statement into `nodes`; the name of the directive that ends a block, if it was one."""
        if (plain := scanner.match(_PLAIN)) is not None:
            nodes.append(Text(plain[0]))
        elif scanner.peek() == "\\":
            self._escaped(scanner, nodes)
        elif scanner.peek() == "$":
            self._reference(scanner, nodes, 0)
        else:
            return self._hash(scanner, nodes)
        return ""

    def _escaped(self, scanner: Scanner, nodes: list[Node]) -> None:
        found = scanner.match(_BACKSLASHES)
        count = len(found[0]) if found is not None else 0
        if at_reference(scanner):
            self._reference(scanner, nodes, count)
            return
        match = _DIRECTIVE.match(scanner.text, scanner.at)
        name = (match["braced"] or match["plain"]) if match is not None else ""
        if match is not None and (name in _BUILT_IN or name.lstrip("@") in self.macros):
            nodes.append(Text("\\" * (count // 2)))
            if count % 2:
                nodes.append(Text(match[0]))
                scanner.at = match.end()
            return
        nodes.append(Text("\\" * count))

    def _reference(self, scanner: Scanner, nodes: list[Node], escapes: int) -> None:
        if not at_reference(scanner):
            scanner.at += 1
            nodes.append(Text("\\" * escapes + "$"))
            return
        start, depth = scanner.at, scanner.depth
        try:
            nodes.append(reference(scanner, self.inner, escapes))
        except VtlError:
            if scanner.text.startswith(("${", "$!{"), start) and "(" not in scanner.text[start : scanner.at]:
                scanner.at, scanner.depth = start + 1, depth
                nodes.append(Text("\\" * escapes + "$"))
                return
            raise

    def _hash(self, scanner: Scanner, nodes: list[Node]) -> str:
        text = scanner.text
        if scanner.take("##"):
            end = re.compile(r"\r\n|\n|\r").search(text, scanner.at)
            scanner.at = len(text) if end is None else end.end()
            return ""
        for opening, closing in (("#[[", "]]#"), ("#*", "*#")):
            if scanner.take(opening):
                end_at = text.find(closing, scanner.at)
                if end_at == -1:
                    raise scanner.error(f"{closing} is missing")
                if opening == "#[[":
                    nodes.append(Text(text[scanner.at : end_at]))
                scanner.at = end_at + len(closing)
                return ""
        match = _DIRECTIVE.match(text, scanner.at)
        if match is None:
            scanner.at += 1
            nodes.append(Text("#"))
            return ""
        return self._directive(scanner, nodes, match)

    def _directive(self, scanner: Scanner, nodes: list[Node], match: re.Match[str]) -> str:
        name = match["braced"] or match["plain"]
        start = scanner.at
        scanner.at = match.end()
        if name in ("end", "else"):
            scanner.line_end()
            return name
        if name == "elseif":
            return name
        read = {
            "set": self._set,
            "if": self._if,
            "foreach": self._foreach,
            "macro": self._macro,
            "define": self._define,
            "evaluate": self._evaluate,
        }.get(name)
        if read is not None:
            if scanner.match(_OPEN) is None:
                if name == "set":
                    scanner.at = start + 1
                    nodes.append(Text("#"))
                    return ""
                raise scanner.error(f"#{name} needs parentheses")
            nodes += read(scanner, nodes)
        elif name in ("break", "stop"):
            nodes.append(Leave(name))
        elif name == "return":
            nodes.append(self._return(scanner))
        elif name in ("include", "parse"):
            raise scanner.error(f"#{name} is not served: a template stands for itself")
        elif name == "literal":
            nodes.append(Text(self._literal(scanner)))
        else:
            nodes.append(self._invoke(scanner, name, start))
        return ""

    def _closed(self, scanner: Scanner, name: str) -> None:
        scanner.space()
        scanner.expect(")", f"at the end of #{name}")
        scanner.line_end()

    def _set(self, scanner: Scanner, nodes: list[Node]) -> list[Node]:
        if nodes and isinstance(nodes[-1], Text):
            nodes[-1] = Text(nodes[-1].text.rstrip(" \t"))
        scanner.space()
        target = reference(scanner, self.inner)
        scanner.space()
        scanner.expect("=", "in #set")
        value = expression(scanner, self.inner)
        self._closed(scanner, "set")
        return [Set(target, value)]

    def _if(self, scanner: Scanner, _nodes: list[Node]) -> list[Node]:
        branches: list[tuple[Node, tuple[Node, ...]]] = []
        while True:
            condition = expression(scanner, self.inner)
            self._closed(scanner, "if")
            block, end = self.block(scanner, ("elseif", "else", "end"))
            branches.append((condition, block))
            if end == "end":
                return [If(tuple(branches), ())]
            if end == "else":
                otherwise, _ = self.block(scanner, ("end",))
                return [If(tuple(branches), otherwise)]
            if scanner.match(_OPEN) is None:
                raise scanner.error("#elseif needs parentheses")

    def _foreach(self, scanner: Scanner, _nodes: list[Node]) -> list[Node]:
        name = self._name(scanner, "foreach")
        scanner.space()
        scanner.expect("in", "in #foreach")
        items = expression(scanner, self.inner)
        self._closed(scanner, "foreach")
        block, _ = self.block(scanner, ("end",))
        return [Foreach(name, items, block)]

    def _define(self, scanner: Scanner, _nodes: list[Node]) -> list[Node]:
        name = self._name(scanner, "define")
        self._closed(scanner, "define")
        block, _ = self.block(scanner, ("end",))
        return [Define(name, block)]

    def _evaluate(self, scanner: Scanner, _nodes: list[Node]) -> list[Node]:
        value = expression(scanner, self.inner)
        self._closed(scanner, "evaluate")
        return [Evaluate(value)]

    def _macro(self, scanner: Scanner, _nodes: list[Node]) -> list[Node]:
        scanner.space()
        name = scanner.identifier()
        if name is None:
            raise scanner.error("#macro needs a name")
        parameters: list[str] = []
        while True:
            scanner.space()
            scanner.take(",")
            scanner.space()
            if scanner.peek() != "$":
                break
            parameters.append(self._name(scanner, "macro"))
        self._closed(scanner, "macro")
        block, _ = self.block(scanner, ("end",))
        self.macros[name] = Macro(name, tuple(parameters), block)
        return []

    def _return(self, scanner: Scanner) -> Node:
        if not scanner.take("("):
            scanner.line_end()
            return Leave("return")
        scanner.space()
        value = None if scanner.peek() == ")" else expression(scanner, self.inner)
        self._closed(scanner, "return")
        return Leave("return", value)

    def _literal(self, scanner: Scanner) -> str:
        if scanner.match(_OPEN) is not None:
            self._closed(scanner, "literal")
        end = scanner.text.find("#end", scanner.at)
        if end == -1:
            raise scanner.error("#end is missing")
        content = scanner.text[scanner.at : end]
        scanner.at = end + len("#end")
        scanner.line_end()
        return content

    def _invoke(self, scanner: Scanner, name: str, start: int) -> Node:
        arguments: list[Node] = []
        saved, depth = scanner.at, scanner.depth
        bodied = name.startswith("@")
        if bodied or name in self.macros or scanner.peek() == "(":
            try:
                if scanner.match(_OPEN) is not None:
                    arguments = self._macro_arguments(scanner)
            except VtlError:
                if bodied or name in self.macros:
                    raise
                scanner.at, scanner.depth = saved, depth
                return Text(scanner.text[start:saved])
        source = scanner.text[start : scanner.at]
        if bodied:
            scanner.line_end()
            body, _ = self.block(scanner, ("end",))
            return Invoke(name[1:], tuple(arguments), source, body)
        if name not in self.macros and not arguments and saved == scanner.at:
            return Invoke(name, (), source)
        if name in self.macros:
            scanner.line_end()
        return Invoke(name, tuple(arguments), source)

    def _macro_arguments(self, scanner: Scanner) -> list[Node]:
        found: list[Node] = []
        while True:
            scanner.space()
            scanner.take(",")
            scanner.space()
            if scanner.take(")"):
                return found
            found.append(primary(scanner, self.inner))

    def _name(self, scanner: Scanner, where: str) -> str:
        scanner.space()
        if not at_reference(scanner):
            raise scanner.error(f"#{where} needs a $name")
        found: Reference = reference(scanner, self.inner)
        if found.accessors:
            raise scanner.error(f"#{where} needs a plain $name, not {found.source}")
        return found.name
