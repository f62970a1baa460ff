"""Conditions and the terms that they compare, by precedence: OR, AND, NOT, comparisons, sums, terms."""

from __future__ import annotations

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.syntax import (
    AndNode,
    ArithmeticNode,
    BetweenNode,
    ComparisonNode,
    FunctionNode,
    InNode,
    Node,
    NotNode,
    OrNode,
    ValueNode,
)
from kumoi.services.dynamodb.partiql.lexer import Token, malformed
from kumoi.services.dynamodb.partiql.reader import COMPARATORS, Reader
from kumoi.services.dynamodb.partiql.syntax import (
    Scalar,
)

MOST_OPTIONS = 100
"""Elements of an IN list."""

TESTS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
ASSIGNED = ("list_append", "set_add", "set_delete")
TYPE_NAMES = {"BOOLEAN": "BOOL", "BOOL": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N"} | {
    "STRUCT": "M",
    "TUPLE": "M",
    "LIST": "L",
    "NULL": "NULL",
}
_CONDITIONS = (ComparisonNode, BetweenNode, InNode, AndNode, OrNode, NotNode)
MISSING = ValueNode(":missing")


class ConditionParser(Reader):
    """Parses conditions and terms."""

    def _either(self) -> Node:
        node = self._both()
        while self._accept_word("OR"):
            self._count()
            self._check_right_side()
            node = OrNode(self._must_be_condition(node), self._must_be_condition(self._both()))
        return node

    def _both(self) -> Node:
        node = self._negation()
        while self._accept_word("AND"):
            self._count()
            self._check_right_side()
            node = AndNode(self._must_be_condition(node), self._must_be_condition(self._negation()))
        return node

    def _negation(self) -> Node:
        if not self._accept_word("NOT"):
            return self._comparison()
        self._enter()
        node = NotNode(self._must_be_condition(self._negation()))
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        left = self._sum()
        if isinstance(left, _CONDITIONS):
            return left
        if self._token.kind == "sign" and self._token.text in COMPARATORS:
            operator = COMPARATORS[self._token.text]
            self._count()
            self._at += 1
            self._check_right_side()
            return self._compared(operator, left, self._sum())
        negated = self._token.is_word("NOT") and self._tokens[self._at + 1].is_word("IN", "BETWEEN", "LIKE")
        self._at += negated
        node: Node = left
        if self._accept_word("BETWEEN"):
            self._count()
            low = self._operand(self._sum())
            if not self._accept_word("AND"):
                raise self._unexpected()
            node = BetweenNode(self._operand(left), low, self._operand(self._sum()))
        elif self._accept_word("IN"):
            self._count()
            node = InNode(self._operand(left), self._options())
        elif self._accept_word("IS"):
            self._count()
            negated = self._accept_word("NOT")
            node = self._is(left)
        elif self._token.is_word("LIKE"):
            raise invalid("Unsupported operation: Like")
        return NotNode(node) if negated else node

    def _compared(self, operator: str, left: Node, right: Node) -> Node:
        if left is MISSING or right is MISSING:
            if operator not in ("=", "<>"):
                raise invalid("Unsupported operation: only equality and inequality can be used with MISSING")
            path = right if left is MISSING else left
            return FunctionNode("attribute_not_exists" if operator == "=" else "attribute_exists", (path,))
        return ComparisonNode(operator, self._operand(left), self._operand(right))

    def _is(self, operand: Node) -> Node:
        token = self._token
        if token.kind == "keyword" and token.text in ("MISSING", *TYPE_NAMES):
            self._at += 1
            if token.text == "MISSING":
                return FunctionNode("attribute_not_exists", (self._operand(operand),))
            return FunctionNode(
                "attribute_type", (self._operand(operand), self._value(Scalar("S", TYPE_NAMES[token.text])))
            )
        raise malformed("Expected type name")

    def _options(self) -> tuple[Node, ...]:
        closing = {"[": "]", "(": ")"}.get(self._token.text if self._token.kind == "sign" else "")
        if closing is None:
            raise self._unexpected()
        self._at += 1
        options = [self._operand(self._sum())]
        while self._accept_sign(","):
            options.append(self._operand(self._sum()))
        self._expect(closing)
        if len(options) > MOST_OPTIONS:
            raise invalid(f"The IN operator is provided with more than {MOST_OPTIONS} operands")
        return tuple(options)

    def _operand(self, node: Node) -> Node:
        """A node that stands where a value is wanted."""
        if isinstance(node, ArithmeticNode):
            raise invalid(f"Unsupported operator in Condition Expression. Operator: {node.operator}")
        if isinstance(node, FunctionNode) and node.name != "size":
            raise invalid("The function is not allowed to be used this way in an expression; function: " + node.name)
        if isinstance(node, _CONDITIONS) or node is MISSING:
            raise malformed("Unexpected term")
        return node

    def _must_be_condition(self, node: Node) -> Node:
        if isinstance(node, _CONDITIONS) or (isinstance(node, FunctionNode) and node.name in TESTS):
            return node
        if isinstance(node, FunctionNode):
            self._operand(node)
            raise invalid("The function is not allowed to be used this way in an expression; function: " + node.name)
        raise malformed("Unexpected term")

    def _check_right_side(self) -> None:
        if self._token.kind == "end" or self._token.is_sign(";"):
            raise malformed("Missing right-hand side expression of infix operator")

    # Terms

    def _sum(self) -> Node:
        node = self._term()
        if not self._token.is_sign("+", "-") or isinstance(node, _CONDITIONS):
            return node
        self._count()
        operator = self._token.text
        self._at += 1
        self._check_right_side()
        return ArithmeticNode(operator, node, self._term())

    def _term(self) -> Node:
        token = self._token
        if token.is_sign("("):
            self._at += 1
            self._enter()
            node = self._either()
            self._depth -= 1
            self._expect(")")
            return node
        if self._tokens[min(self._at + 1, len(self._tokens) - 1)].is_sign("(") and (
            token.kind == "word" or token.is_word("SIZE")
        ):
            return self._function(token)
        if token.is_word("EXISTS"):
            raise invalid("Unsupported operation: Exists")
        if token.kind in ("word", "quoted"):
            return self._path()
        if token.is_word("MISSING"):
            self._at += 1
            return MISSING
        return self._value(self._literal())

    def _function(self, token: Token) -> FunctionNode:
        name = token.text.lower()
        if name not in TESTS and name not in ASSIGNED and name != "size":
            raise invalid(f"Unrecognized function: {token.text}")
        self._count()
        self._at += 2
        self._enter()
        operands: list[Node] = []
        if not self._token.is_sign(")"):
            operands.append(self._sum())
            while self._accept_sign(","):
                operands.append(self._sum())
        self._depth -= 1
        self._expect(")")
        if name in ASSIGNED:
            return FunctionNode(name, tuple(operands))
        return FunctionNode(name, tuple(self._operand(operand) for operand in operands))
