"""PostgreSQL's and MySQL's statements as trees, by sqlglot; what no statement here may be is refused by name."""

from __future__ import annotations

import logging
from typing import Any, Literal

import sqlglot
from sqlglot import exp
from sqlglot.dialects import MySQL, Postgres
from sqlglot.errors import SqlglotError
from sqlglot.tokens import TokenType

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here in words of our own

Engine = Literal["postgres", "mysql"]
Tree = Any
"""A node of sqlglot's; its base class has had two names."""

Kind = Literal["read", "write", "schema", "database"]


class Refused(Exception):
    """A statement that cannot run here; the text says why, in PostgreSQL's words where it has some."""


class _Postgres(Postgres):
    """PostgreSQL with the Data API's parameters, which may be named by numbers (`:1`)."""

    class Parser(Postgres.Parser):
        COLON_PLACEHOLDER_TOKENS = Postgres.Parser.COLON_PLACEHOLDER_TOKENS | {TokenType.NUMBER}

        def _parse_generated_as_identity(self) -> Tree:
            """An identity; the options of its sequence, in any order and with a name, tell nothing here."""
            at = self._index
            self._match_text_seq("BY", "DEFAULT") or self._match_text_seq("ALWAYS")
            self._match(TokenType.ALIAS)
            if self._match_text_seq("IDENTITY"):
                if self._match(TokenType.L_PAREN):
                    while self._curr and not self._match(TokenType.R_PAREN):
                        self._advance()
                return exp.GeneratedAsIdentityColumnConstraint(this=True)
            self._retreat(at)
            return super()._parse_generated_as_identity()


class _MySQL(MySQL):
    """MySQL with the Data API's parameters."""

    class Parser(MySQL.Parser):
        COLON_PLACEHOLDER_TOKENS = MySQL.Parser.COLON_PLACEHOLDER_TOKENS | {TokenType.NUMBER}


_DIALECTS = {"postgres": _Postgres, "mysql": _MySQL}


def parse(sql: str, engine: Engine) -> Tree:
    """The tree of a statement; raises Refused."""
    if len(sql) > 65_536:
        raise Refused("The SQL statement is longer than 64 KB.")
    try:
        found = [one for one in sqlglot.parse(sql, read=_DIALECTS[engine]) if one is not None]
    except SqlglotError as problem:
        errors = getattr(problem, "errors", None) or [{}]
        near = errors[0].get("highlight") or sql.strip()[:20]
        raise Refused(f'ERROR: syntax error at or near "{near}"; SQLState: 42601') from None
    except RecursionError:
        raise Refused("ERROR: stack depth limit exceeded; SQLState: 54001") from None
    if not found:
        raise Refused("The SQL statement is empty.")
    if len(found) > 1:
        raise Refused("Multistatements aren't supported.")
    return found[0]


def kind_of(tree: Tree) -> Kind:
    """What a statement does; raises Refused for what none here may do."""
    if isinstance(tree, exp.Query):
        if tree.find(exp.Insert, exp.Update, exp.Delete):
            raise Refused("Kumoi's SQLite engine has no INSERT, UPDATE or DELETE inside of WITH.")
        return "read"
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.TruncateTable):
        return "write"
    if isinstance(tree, exp.Alter):
        return "schema"
    if isinstance(tree, exp.Create | exp.Drop):
        what = str(tree.args.get("kind") or "").upper()
        if what in ("TABLE", "INDEX", "VIEW"):
            return "schema"
        raise Refused(f"Kumoi's SQLite engine has no {what or tree.key.upper()}: tables, indexes, views only.")
    if isinstance(tree, exp.Transaction | exp.Commit | exp.Rollback):
        raise Refused("Transactions are begun and ended with BeginTransaction, CommitTransaction, RollbackTransaction.")
    word = str(tree.this) if isinstance(tree, exp.Command) else tree.key.upper()
    raise Refused(f"Kumoi's SQLite engine does not run {word.upper()} statements.")
