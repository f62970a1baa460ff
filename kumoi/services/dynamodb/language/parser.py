"""One parser for all expressions: texts to the nodes of `syntax.py`, remembered by text.

What can be said of an expression without a request's placeholders is said here: syntax, redundant parentheses,
functions that do not exist or stand in the wrong place, reserved words. Of several mistakes DynamoDB tells the one of
the first kind in that order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.lexer import Token, tokens_of
from kumoi.services.dynamodb.language.reserved import RESERVED
from kumoi.services.dynamodb.language.syntax import (
    ActionNode,
    AndNode,
    ArithmeticNode,
    BetweenNode,
    ComparisonNode,
    Element,
    FunctionNode,
    InNode,
    Node,
    NotNode,
    OrNode,
    PathNode,
    ValueNode,
)
from kumoi.wire.errors import AwsError

MOST_BYTES = 4096
MOST_OPERATORS = 300
MOST_OPTIONS = 100
MOST_DEPTH = 64
"""Parentheses and NOTs inside one another: ours, so that no expression exhausts the stack."""

CONDITIONS = frozenset(("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"))
OPERANDS = frozenset(("size",))
UPDATES = frozenset(("if_not_exists", "list_append"))
COMPARATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")

_REDUNDANT, _UNKNOWN, _MISUSED, _RESERVED, _TWICE = range(5)
_IN_CONDITIONS = (_REDUNDANT, _UNKNOWN, _MISUSED, _RESERVED, _TWICE)
_IN_UPDATES = (_REDUNDANT, _RESERVED, _UNKNOWN, _MISUSED, _TWICE)


def failure(kind: str, text: str) -> AwsError:
    """The refusal of an expression; `kind` is its parameter's name, empty in PartiQL."""
    return invalid(f"Invalid {kind}: {text}" if kind else text)


@lru_cache(4096)
def parse_condition_text(text: str, kind: str) -> Node:
    """A condition, filter or key condition; ValidationException where it is none."""
    parser = Parser(text, kind, UPDATES | CONDITIONS | OPERANDS)
    node = parser.condition()
    parser.finish(_IN_CONDITIONS)
    return node


@lru_cache(4096)
def parse_projection_text(text: str, kind: str) -> tuple[PathNode, ...]:
    """The paths of a projection."""
    parser = Parser(text, kind, frozenset())
    paths = parser.listed(parser.path)
    parser.finish(_IN_UPDATES)
    return tuple(paths)


@lru_cache(4096)
def parse_update_text(text: str, kind: str) -> tuple[ActionNode, ...]:
    """The actions of an update, in the order in which they are written."""
    parser = Parser(text, kind, UPDATES)
    actions = parser.sections()
    parser.finish(_IN_UPDATES)
    return tuple(actions)


class Parser:
    """Reads one expression by recursive descent."""

    def __init__(self, text: str, kind: str, functions: frozenset[str]) -> None:
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > MOST_BYTES:
            raise failure(kind, f"Expression size has exceeded the maximum allowed size; expression size: {size}")
        self._text = text
        self._kind = kind
        self._functions = functions
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0
        self._operators = 0
        self._groups: set[tuple[int, int]] = set()
        self._mistakes: dict[int, AwsError] = {}
        if len(self._tokens) == 1:
            raise failure(kind, "The expression can not be empty;")

    def finish(self, order: tuple[int, ...]) -> None:
        """The end must have come; raise the first mistake."""
        if self._token.kind != "end":
            raise self._unexpected()
        if self._operators > MOST_OPERATORS:
            raise failure(self._kind, "The expression contains an excessive number of operators")
        for kind in order:
            if kind in self._mistakes:
                raise self._mistakes[kind]

    # Conditions

    def condition(self) -> Node:
        """`or`, which must be a condition."""
        return self._must_be_condition(self._either())

    def _either(self) -> Node:
        node = self._both()
        while self._accept_word("OR"):
            node = OrNode(self._must_be_condition(node), self._must_be_condition(self._both()))
        return node

    def _both(self) -> Node:
        node = self._negation()
        while self._accept_word("AND"):
            node = AndNode(self._must_be_condition(node), self._must_be_condition(self._negation()))
        return node

    def _negation(self) -> Node:
        if self._accept_word("NOT"):
            self._enter()
            node = NotNode(self._must_be_condition(self._negation()))
            self._depth -= 1
            return node
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._operand_or_group()
        if isinstance(left, ComparisonNode | BetweenNode | InNode | AndNode | OrNode | NotNode):
            return left
        token = self._token
        if token.text in COMPARATORS:
            self._count()
            self._at += 1
            return ComparisonNode(token.text, self._operand(left), self._operand(self._operand_or_group()))
        if self._accept_word("BETWEEN"):
            low = self._operand(self._operand_or_group())
            if not self._accept_word("AND"):
                raise self._unexpected()
            return BetweenNode(self._operand(left), low, self._operand(self._operand_or_group()))
        if self._accept_word("IN"):
            self._expect("(")
            options = self.listed(lambda: self._operand(self._operand_or_group()))
            self._expect(")")
            if len(options) > MOST_OPTIONS:
                raise failure(self._kind, f"The IN operator is provided with more than {MOST_OPTIONS} operands")
            return InNode(self._operand(left), tuple(options))
        return left

    def _operand_or_group(self) -> Node:
        token = self._token
        if token.text == "(":
            begin = self._at
            self._at += 1
            self._enter()
            node = self._either()
            self._depth -= 1
            self._expect(")")
            if (begin + 1, self._at - 1) in self._groups:
                self._mistake(_REDUNDANT, "The expression has redundant parentheses;")
            self._groups.add((begin, self._at))
            return node
        return self._term()

    def _operand(self, node: Node) -> Node:
        """A node that stands where a value is wanted."""
        if isinstance(node, FunctionNode) and node.name in CONDITIONS:
            self._misuse(node.name)
        elif isinstance(node, ComparisonNode | BetweenNode | InNode | AndNode | OrNode | NotNode):
            raise self._unexpected()
        return node

    def _must_be_condition(self, node: Node) -> Node:
        if isinstance(node, PathNode | ValueNode | ArithmeticNode):
            raise self._unexpected()
        if isinstance(node, FunctionNode) and node.name in OPERANDS:
            self._misuse(node.name)
        return node

    # Updates

    def sections(self) -> list[ActionNode]:
        """The sections of an update."""
        actions: list[ActionNode] = []
        seen: set[str] = set()
        while not seen or self._token.kind != "end":
            section = self._token.text.upper()
            if self._token.kind != "name" or section not in SECTIONS:
                raise self._unexpected()
            self._at += 1
            if section in seen:
                self._mistake(_TWICE, f'The "{section}" section can only be used once in an update expression;')
            seen.add(section)
            actions += self.listed(lambda section=section: self._action(section))  # type: ignore[misc]
        return actions

    def _action(self, section: str) -> ActionNode:
        path = self.path()
        if section == "REMOVE":
            return ActionNode(section, path, None)
        if section == "SET":
            self._expect("=")
            return ActionNode(section, path, self._sum())
        token = self._token
        if token.kind != "value":
            raise self._unexpected()
        self._at += 1
        return ActionNode(section, path, ValueNode(token.text))

    def _sum(self) -> Node:
        left = self._addend()
        token = self._token
        if token.text not in ("+", "-"):
            return left
        self._count()
        self._at += 1
        return ArithmeticNode(token.text, left, self._addend())

    def _addend(self) -> Node:
        if self._token.text == "(":
            begin = self._at
            self._at += 1
            self._enter()
            node = self._sum()
            self._depth -= 1
            self._expect(")")
            if (begin + 1, self._at - 1) in self._groups:
                self._mistake(_REDUNDANT, "The expression has redundant parentheses;")
            self._groups.add((begin, self._at))
            return node
        return self._term()

    # What all have

    def _term(self) -> Node:
        """A value, a function or a path."""
        token = self._token
        if token.kind == "value":
            self._at += 1
            return ValueNode(token.text)
        if token.kind == "name" and not token.text.startswith("#") and self._tokens[self._at + 1].text == "(":
            return self._function(token)
        return self.path()

    def _function(self, token: Token) -> FunctionNode:
        self._count()
        self._at += 2
        self._enter()
        read = self._sum if self._functions == UPDATES else (lambda: self._operand(self._operand_or_group()))
        operands = [] if self._token.text == ")" else self.listed(read)
        self._depth -= 1
        self._expect(")")
        if token.text not in self._functions:
            self._mistake(_UNKNOWN, f"Invalid function name; function: {token.text}")
        elif token.text in UPDATES and self._functions != UPDATES:
            self._misuse(token.text)
        return FunctionNode(token.text, tuple(operands))

    def path(self) -> PathNode:
        """A document path."""
        elements: list[Element] = [self._name()]
        while True:
            if self._token.text == ".":
                self._at += 1
                elements.append(self._name())
            elif self._token.text == "[":
                self._at += 1
                token = self._token
                if token.kind != "number":
                    raise self._unexpected()
                self._at += 1
                self._expect("]")
                if len(token.text.lstrip("0")) > 9:
                    raise failure(self._kind, f"List index is not within the allowable range; index: [{token.text}]")
                elements.append(int(token.text))
            else:
                return PathNode(tuple(elements))

    def _name(self) -> str:
        token = self._token
        if token.kind != "name":
            raise self._unexpected()
        self._at += 1
        if token.text.upper() in RESERVED:
            self._mistake(_RESERVED, f"Attribute name is a reserved keyword; reserved keyword: {token.text}")
        return token.text

    def listed(self, read: Callable[[], Node | ActionNode]) -> list:  # type: ignore[type-arg]
        """One or more, with commas between them."""
        found = [read()]
        while self._token.text == ",":
            self._at += 1
            found.append(read())
        return found

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _accept_word(self, word: str) -> bool:
        token = self._token
        if token.kind != "name" or token.text.upper() != word:
            return False
        self._count()
        self._at += 1
        return True

    def _expect(self, sign: str) -> None:
        if self._token.text != sign:
            raise self._unexpected()
        self._at += 1

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise failure(self._kind, "The expression is nested too deeply")

    def _count(self) -> None:
        self._operators += 1

    def _misuse(self, function: str) -> None:
        self._mistake(
            _MISUSED, f"The function is not allowed to be used this way in an expression; function: {function}"
        )

    def _mistake(self, kind: int, text: str) -> None:
        self._mistakes.setdefault(kind, failure(self._kind, text))

    def _unexpected(self) -> AwsError:
        """The syntax error at the current token, with what stands around it."""
        token = self._token
        start = self._tokens[max(self._at - 1, 0)].start
        end = self._tokens[min(self._at + 1, len(self._tokens) - 1)].end
        return failure(self._kind, f'Syntax error; token: "{token.text}", near: "{self._text[start:end].strip()}"')
