"""Statements by recursive descent: text to the nodes of `syntax.py`, remembered by text.

Grammar: "PartiQL select / insert / update / delete statements for DynamoDB" and "PartiQL functions" of the developer
guide. An UPDATE may also be written FROM first. A mistake is told in the words of the service where they are known.
"""

from __future__ import annotations

from functools import lru_cache

from kumoi.services.dynamodb.errors import invalid
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
from kumoi.services.dynamodb.partiql.lexer import Token, malformed, tokens_of
from kumoi.services.dynamodb.partiql.syntax import (
    BagLiteral,
    Delete,
    Exists,
    Insert,
    ListLiteral,
    Literal,
    Missing,
    OrderTerm,
    Parameter,
    Scalar,
    Select,
    Source,
    Statement,
    TupleLiteral,
    Update,
)
from kumoi.wire.errors import AwsError

MOST_DEPTH = 64
MOST_OPERATORS = 300
MOST_OPTIONS = 100
"""Ours, so that no statement exhausts the stack: parentheses within one another, operators of a condition."""

COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
TESTS = {"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}
ASSIGNED = ("list_append", "set_add", "set_delete")
TYPE_NAMES = {"BOOLEAN": "BOOL", "BOOL": "BOOL", "BLOB": "B", "STRING": "S", "NUMERIC": "N"} | {
    "STRUCT": "M",
    "TUPLE": "M",
    "LIST": "L",
    "NULL": "NULL",
}
_OPERATOR_WORDS = ("IS", "LIKE", "IN", "BETWEEN", "AND", "OR")
_LARGEST_SCALE = 2**31
_CONDITIONS = (ComparisonNode, BetweenNode, InNode, AndNode, OrNode, NotNode)
_MISSING = ValueNode(":missing")


@lru_cache(1024)
def parse_statement(text: str) -> Statement:
    """A statement; ValidationException where it is none."""
    return _Parser(text).statement()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0
        self._operators = 0
        self._parameters = 0
        self._names: dict[str, str] = {}
        self._values: dict[str, Literal] = {}

    def statement(self) -> Statement:
        """The whole text."""
        body = self._body()
        self._accept_sign(";")
        if self._token.kind != "end":
            raise malformed("Unexpected token after expression")
        return Statement(body, self._names, self._values, self._parameters)

    def _body(self) -> Select | Insert | Update | Delete | Exists:
        if self._token.is_word("EXISTS"):
            self._at += 1
            self._expect("(")
            if not self._token.is_word("SELECT"):
                raise self._unexpected()
            select = self._select()
            self._expect(")")
            return Exists(select)
        for word, read in (
            ("SELECT", self._select),
            ("INSERT", self._insert),
            ("UPDATE", self._update),
            ("DELETE", self._delete),
            ("FROM", self._from_first),
        ):
            if self._token.is_word(word):
                return read()
        raise malformed("Expected data manipulation")

    # Statements

    def _select(self) -> Select:
        self._at += 1
        paths: list[tuple[str, PathNode]] = []
        if self._accept_sign("*"):
            if self._token.is_sign(","):
                raise invalid("Other attributes should not be present in the projection when '*' is used.")
        else:
            paths.append(self._projected(1))
            while self._accept_sign(","):
                paths.append(self._projected(len(paths) + 1))
            names = [name for name, _ in paths]
            doubled = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            if doubled:
                raise invalid(f"Duplicate identifiers in select clause: {', '.join(doubled)}")
        if not self._accept_word("FROM"):
            raise malformed("Expected FROM after SELECT list")
        if self._token.kind not in ("word", "quoted"):
            raise self._unexpected()
        source = self._source()
        self._refuse_alias()
        where = self._where()
        order: list[OrderTerm] = []
        if self._token.is_word("ORDER"):
            self._at += 1
            if not self._accept_word("BY"):
                raise malformed("Expected BY")
            order.append(self._order_term())
            while self._accept_sign(","):
                order.append(self._order_term())
        if self._token.is_word("GROUP", "HAVING", "LIMIT"):
            raise invalid(f"Unsupported clause: {self._token.text}")
        return Select(source, tuple(paths), where, tuple(order))

    def _projected(self, position: int) -> tuple[str, PathNode]:
        begin = self._token
        if begin.kind in ("word", "quoted", "keyword") and self._tokens[self._at + 1].is_sign("("):
            raise self._unexpected_path(begin)
        path = self._path()
        if self._token.is_word("AS"):
            raise invalid("Aliasing is not supported")
        last = path.elements[-1]
        return self._names[last] if isinstance(last, str) else f"_{position}", path

    def _order_term(self) -> OrderTerm:
        path = self._path()
        if len(path.elements) > 1:
            raise invalid("Argument to ORDER BY must be of type VariableReference. Type: Path")
        name = self._names[str(path.elements[0])]
        if self._accept_word("DESC"):
            return OrderTerm(name, descending=True)
        self._accept_word("ASC")
        return OrderTerm(name, descending=False)

    def _insert(self) -> Insert:
        self._at += 1
        if not self._accept_word("INTO"):
            raise malformed("Expected INTO")
        source = self._written()
        if not self._accept_word("VALUE"):
            if self._token.kind in ("word", "quoted"):
                raise malformed("Unexpected token after expression")
            raise self._unexpected()
        item = self._literal()
        if self._token.is_word("RETURNING"):
            raise invalid("RETURNING is not supported in INSERT")
        return Insert(source, item)

    def _update(self) -> Update:
        self._at += 1
        source = self._written()
        self._refuse_alias()
        actions = self._actions()
        return Update(source, actions, self._where(), self._returning())

    def _from_first(self) -> Update:
        self._at += 1
        source = self._written()
        self._refuse_alias()
        where = self._where()
        return Update(source, self._actions(), where, self._returning())

    def _delete(self) -> Delete:
        self._at += 1
        if not self._accept_word("FROM"):
            raise malformed("Expected FROM")
        source = self._written()
        self._refuse_alias()
        where, returning = self._where(), self._returning()
        if returning not in ("NONE", "ALL_OLD"):
            told = returning.replace("UPDATED", "MODIFIED").replace("_", " ")
            raise invalid(
                f"Invalid returning clause: RETURNING {told} *. "
                "Only RETURNING ALL OLD * is allowed in DELETE statements."
            )
        return Delete(source, where, returning)

    def _actions(self) -> tuple[ActionNode, ...]:
        actions: list[ActionNode] = []
        while self._token.is_word("SET", "REMOVE"):
            section = self._token.text
            self._at += 1
            if section == "REMOVE":
                actions.append(ActionNode(section, self._path(), None))
                continue
            actions.append(self._assignment())
            while self._accept_sign(","):
                actions.append(self._assignment())
        if not actions:
            raise malformed("Expected data manipulation")
        return tuple(actions)

    def _assignment(self) -> ActionNode:
        path = self._path()
        self._expect("=")
        node = self._sum()
        if node is _MISSING:
            return ActionNode("REMOVE", path, None)
        if not isinstance(node, FunctionNode) or node.name not in ("set_add", "set_delete"):
            return ActionNode("SET", path, node)
        function = node.name.upper().removeprefix("SET_")
        if len(node.operands) != 2 or self._named(node.operands[0]) != self._named(path):
            raise invalid(f"The first argument to SET_{function} must equal the assignment value")
        if not isinstance(node.operands[1], ValueNode):
            raise invalid(f"The second argument to SET_{function} must be a value with type SET")
        return ActionNode(function, path, node.operands[1])

    def _named(self, node: Node) -> tuple[Element, ...]:
        """A path with its names in place of their placeholders."""
        elements = node.elements if isinstance(node, PathNode) else ()
        return tuple(self._names[one] if isinstance(one, str) else one for one in elements)

    def _returning(self) -> str:
        if not self._accept_word("RETURNING"):
            return "NONE"
        for which, image in (("ALL", "OLD"), ("ALL", "NEW"), ("MODIFIED", "OLD"), ("MODIFIED", "NEW")):
            if self._token.is_word(which) and self._tokens[self._at + 1].is_word(image):
                self._at += 2
                self._expect("*")
                return f"{'UPDATED' if which == 'MODIFIED' else which}_{image}"
        raise malformed("Expected ALL or MODIFIED with OLD or NEW in RETURNING")

    def _where(self) -> Node | None:
        return self._must_be_condition(self._either()) if self._accept_word("WHERE") else None

    # Tables

    def _written(self) -> Source:
        """The table that is written."""
        if self._token.kind not in ("word", "quoted"):
            raise malformed("Expected identifier for simple path")
        return self._source()

    def _source(self) -> Source:
        parts = [self._component()]
        while self._accept_sign("."):
            parts.append(self._component())
        if len(parts) > 2:
            raise invalid("A path may contain at most 2 components in the FROM clause")
        if not all(parts):
            raise invalid("Path component cannot be an empty string")
        return Source(*parts)

    def _component(self) -> str:
        if self._token.kind not in ("word", "quoted"):
            raise self._unexpected()
        self._at += 1
        return self._tokens[self._at - 1].text

    def _refuse_alias(self) -> None:
        """Refuse another name for the table."""
        if self._token.kind in ("word", "quoted") or self._token.is_word("AS"):
            raise invalid("Aliasing is not supported")

    # Conditions

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
        if left is _MISSING or right is _MISSING:
            if operator not in ("=", "<>"):
                raise invalid("Unsupported operation: only equality and inequality can be used with MISSING")
            path = right if left is _MISSING else left
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
        if isinstance(node, _CONDITIONS) or node is _MISSING:
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
            return _MISSING
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

    def _path(self) -> PathNode:
        if self._token.kind not in ("word", "quoted"):
            raise self._unexpected()
        elements: list[Element] = [self._name()]
        while True:
            if self._accept_sign("."):
                if self._token.kind not in ("word", "quoted"):
                    raise invalid(
                        "Invalid path dot component in this operation, expecting either an IDENTIFIER or STAR."
                    )
                elements.append(self._name())
            elif self._accept_sign("["):
                token = self._token
                if token.kind == "number" and token.text.isdecimal() and len(token.text.lstrip("0")) <= 9:
                    elements.append(int(token.text))
                    self._at += 1
                elif token.kind == "text":
                    elements.append(self._name())
                else:
                    raise self._unexpected_path(token)
                self._expect("]")
            else:
                return PathNode(tuple(elements))

    def _name(self) -> str:
        """The placeholder for the name that stands here."""
        placeholder = f"#{len(self._names)}"
        self._names[placeholder] = self._token.text
        if not self._token.text:
            raise invalid("Path component cannot be an empty string")
        self._at += 1
        return placeholder

    def _value(self, literal: Literal) -> ValueNode:
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = literal
        return ValueNode(placeholder)

    # Literals

    def _literal(self) -> Literal:
        token = self._token
        if token.kind == "text":
            self._at += 1
            return Scalar("S", token.text)
        if token.kind == "number" or token.is_sign("+", "-"):
            return self._number()
        if token.is_word("TRUE", "FALSE", "NULL", "MISSING"):
            self._at += 1
            if token.text == "MISSING":
                return Missing()
            return Scalar("NULL" if token.text == "NULL" else "BOOL", token.text != "FALSE")
        if token.is_sign("?"):
            self._at += 1
            self._parameters += 1
            return Parameter(self._parameters - 1)
        if token.is_sign("[", "<<"):
            self._at += 1
            self._enter()
            elements = self._elements("]" if token.text == "[" else ">>")
            self._depth -= 1
            return ListLiteral(elements) if token.text == "[" else BagLiteral(elements)
        if token.is_sign("{"):
            self._at += 1
            self._enter()
            members = self._members()
            self._depth -= 1
            return TupleLiteral(members)
        raise self._unexpected()

    def _elements(self, closing: str) -> tuple[Literal, ...]:
        if self._accept_sign(closing):
            return ()
        elements = [self._literal()]
        while self._accept_sign(","):
            elements.append(self._literal())
        self._expect(closing)
        return tuple(elements)

    def _members(self) -> tuple[tuple[str, Literal], ...]:
        members: list[tuple[str, Literal]] = []
        while not self._accept_sign("}"):
            if members:
                self._expect(",")
            name = self._token
            if name.kind not in ("text", "quoted"):
                raise self._unexpected()
            self._at += 1
            self._expect(":")
            members.append((name.text, self._literal()))
        return tuple(members)

    def _number(self) -> Scalar:
        sign = ""
        if self._token.kind == "sign":
            sign = "-" if self._token.text == "-" else ""
            self._at += 1
        token = self._token
        if token.kind != "number":
            raise self._unexpected()
        self._at += 1
        mantissa, _, exponent = token.text.lower().partition("e")
        shift = int(exponent) if exponent and len(exponent) < 12 else 0
        scale = len(mantissa.partition(".")[2]) - shift
        if len(exponent) >= 12 or not -_LARGEST_SCALE <= shift < _LARGEST_SCALE or scale >= _LARGEST_SCALE:
            raise malformed("")
        return Scalar("N", sign + token.text)

    # What all have

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _accept_word(self, word: str) -> bool:
        found = self._token.is_word(word)
        self._at += found
        return found

    def _accept_sign(self, sign: str) -> bool:
        found = self._token.is_sign(sign)
        self._at += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._accept_sign(sign):
            raise self._unexpected()

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise malformed("The statement is nested too deeply")

    def _count(self) -> None:
        self._operators += 1
        if self._operators > MOST_OPERATORS:
            raise invalid("The expression contains an excessive number of operators")

    def _unexpected(self) -> AwsError:
        """The mistake of the current token standing where something else must."""
        token = self._token
        if token.is_word(*_OPERATOR_WORDS) or (token.kind == "sign" and token.text in COMPARATORS):
            return malformed("Unexpected operator")
        return malformed("Unexpected keyword" if token.kind == "keyword" else "Unexpected term")

    def _unexpected_path(self, token: Token) -> AwsError:
        line = self._text.count("\n", 0, token.start) + 1
        column = token.start - (self._text.rfind("\n", 0, token.start) + 1) + 1
        return invalid(f"Unexpected path component at {line}:{column}:{len(token.text)}")
