"""Statements by recursive descent: text to the nodes of `syntax.py`, remembered by text.

Grammar: "PartiQL select / insert / update / delete statements for DynamoDB" and "PartiQL functions" of the developer
guide. An UPDATE may also be written FROM first. A mistake is told in the words of the service where they are known.
"""

from __future__ import annotations

from functools import lru_cache

from kumoi.services.dynamodb.errors import invalid
from kumoi.services.dynamodb.language.syntax import (
    ActionNode,
    Element,
    FunctionNode,
    Node,
    PathNode,
    ValueNode,
)
from kumoi.services.dynamodb.partiql.conditions import MISSING, ConditionParser
from kumoi.services.dynamodb.partiql.lexer import malformed
from kumoi.services.dynamodb.partiql.syntax import (
    Delete,
    Exists,
    Insert,
    OrderTerm,
    Select,
    Source,
    Statement,
    Update,
)


@lru_cache(1024)
def parse_statement(text: str) -> Statement:
    """A statement; ValidationException where it is none."""
    return _Parser(text).statement()


class _Parser(ConditionParser):
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
        if node is MISSING:
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
