"""What every part of a statement is made of: tokens one after another, names, paths, literal values and parameters."""

from __future__ import annotations

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.syntax import (
    Element,
    PathNode,
    ValueNode,
)
from kumoi.services.dynamodb.partiql.lexer import Token, malformed, tokens_of
from kumoi.services.dynamodb.partiql.syntax import (
    BagLiteral,
    ListLiteral,
    Literal,
    Missing,
    Parameter,
    Scalar,
    TupleLiteral,
)
from kumoi.wire.errors import AwsError

MOST_DEPTH = 64
MOST_OPERATORS = 300
"""Ours, so that no statement exhausts the stack: parentheses within one another, operators of a condition."""

COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OPERATOR_WORDS = ("IS", "LIKE", "IN", "BETWEEN", "AND", "OR")
_LARGEST_SCALE = 2**31


class Reader:
    """Reads tokens; names and values become placeholders, as in expressions of the API."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0
        self._operators = 0
        self._parameters = 0
        self._names: dict[str, str] = {}
        self._values: dict[str, Literal] = {}

    # Tokens

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

    # Names and paths

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
