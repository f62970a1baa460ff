"""PostgreSQL's and MySQL's statements as trees, by sqlglot; what no statement here may be is refused by name."""

from __future__ import annotations

import logging
import re
from typing import Any, Literal

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.dialects.postgres import Postgres
from sqlglot.errors import SqlglotError
from sqlglot.parsers.mysql import MySQLParser
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here in words of our own

Engine = Literal["postgres", "mysql"]
Tree = Any
"""A node of sqlglot's; its base class has had two names."""

Kind = Literal["read", "write", "schema", "database", "catalog", "savepoint"]
"""`catalog`: of schemas and types."""


class Refused(Exception):
    """A statement that cannot run here; the text says why, in PostgreSQL's words where it has some."""


class _Postgres(Postgres):
    """PostgreSQL with the Data API's parameters, which may be named by numbers (`:1`)."""

    class Parser(PostgresParser):
        COLON_PLACEHOLDER_TOKENS = PostgresParser.COLON_PLACEHOLDER_TOKENS | {TokenType.NUMBER}

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

    class Parser(MySQLParser):
        COLON_PLACEHOLDER_TOKENS = MySQLParser.COLON_PLACEHOLDER_TOKENS | {TokenType.NUMBER}


_DIALECTS = {"postgres": _Postgres, "mysql": _MySQL}


_SAVEPOINT = re.compile(
    r"\s*(SAVEPOINT|RELEASE(?:\s+SAVEPOINT)?|ROLLBACK(?:\s+WORK|\s+TRANSACTION)?\s+TO(?:\s+SAVEPOINT)?)\s+(\w+|\"[^\"]+\")\s*;?\s*",
    re.IGNORECASE,
)


_REPLACE = re.compile(r"\s*REPLACE\s+(INTO\s+)?(?=[\w`])", re.IGNORECASE)


def savepoint(sql: str) -> str:
    """A statement about a savepoint as SQLite has it; empty for any other."""
    found = _SAVEPOINT.fullmatch(sql)
    if found is None:
        return ""
    word = found[1].split()[0].upper()
    name = found[2].strip('"') if found[2].startswith('"') else found[2].lower()
    return f'{"ROLLBACK TO" if word == "ROLLBACK" else word} "{name}"'


def parse(sql: str, engine: Engine) -> Tree:
    """The tree of a statement; raises Refused."""
    if len(sql) > 65_536:
        raise Refused("The SQL statement is longer than 64 KB.")
    replaced = _REPLACE.match(sql) if engine == "mysql" else None
    if replaced is not None:
        tree = parse(f"INSERT INTO {sql[replaced.end() :]}", engine)
        tree.set("alternative", "REPLACE")
        return tree
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
        enumerates = isinstance(tree.expression, exp.DataType) and tree.expression.this is exp.DataType.Type.ENUM
        if what == "SCHEMA" or (what == "TYPE" and (isinstance(tree, exp.Drop) or enumerates)):
            return "catalog"
        word = what or tree.key.upper()
        raise Refused(f"Kumoi's SQLite engine has no {word}: tables, indexes, views, schemas and enumerations only.")
    if isinstance(tree, exp.Transaction | exp.Commit | exp.Rollback):
        raise Refused("Transactions are begun and ended with BeginTransaction, CommitTransaction, RollbackTransaction.")
    words = f"{tree.this} {tree.expression}" if isinstance(tree, exp.Command) else ""
    if re.match(r"ALTER\s+TYPE\b", words, re.IGNORECASE):
        return "catalog"
    if re.match(r"CREATE\s+EXTENSION\b", words, re.IGNORECASE):
        return "catalog"
    word = str(tree.this) if isinstance(tree, exp.Command) else tree.key.upper()
    raise Refused(f"Kumoi's SQLite engine does not run {word.upper()} statements.")
