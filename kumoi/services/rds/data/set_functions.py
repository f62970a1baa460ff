"""Functions that give rows (`unnest`, `jsonb_array_elements`, `generate_series`), which SQLite has for JSON alone.

Each becomes `json_each` of the values as JSON: it may stand beside the tables whose columns it is called with, as
PostgreSQL has it. Sources: "Set Returning Functions", "JSON Processing Functions", "Array Functions" of its manual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sqlglot import exp

from kumoi.services.rds.data.named_functions import call
from kumoi.services.rds.data.parsing import Engine, Refused, Tree
from kumoi.services.rds.data.result_types import base_of
from kumoi.services.rds.data.scopes import Known, columns_of, expression_type, qualify, sources


class _Rows(NamedTuple):
    """What a function's rows are: the JSON that they are of, their columns, and what each is of json_each's."""

    json: Tree
    columns: dict[str, Callable[[str], Tree]]


def expand(tree: Tree, known: Known, engine: Engine) -> bool:
    """Replace the functions that give rows; whether there was any."""
    if engine != "postgres":
        return False
    found = False
    for select in reversed(list(tree.find_all(exp.Select))):
        for at, one in enumerate(list(select.selects)):
            found = _join(select, at, one.unalias(), one.alias) or found
        for source in list(sources(select)):
            rows = _rows_of(source, known, engine)
            if rows is not None:
                found = True
                _expand(select, source, rows, known)
    return found


def _join(select: exp.Select, at: int, called: Tree, label: str) -> bool:
    """Have a function that stands among the columns of a result stand beside the tables."""
    moved: Tree
    if isinstance(called, exp.Explode):
        name, moved = "unnest", exp.Unnest(expressions=[called.this])
    elif isinstance(called, exp.Anonymous) and called.name.lower() in _OF_JSON:
        name, moved = called.name.lower(), exp.Table(this=called.copy())
    else:
        return False
    alias = f"kumoi_set_{at}"
    moved.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    column = exp.Column(this=exp.to_identifier(alias), table=exp.to_identifier(alias))
    select.selects[at].replace(exp.alias_(column, label if label not in ("", "explode") else name, quoted=True))
    if select.args.get("from_") is None:
        select.set("from_", exp.From(this=moved))
    else:
        select.append("joins", exp.Join(this=moved, kind="CROSS"))
    return True


def _rows_of(source: Tree, known: Known, engine: Engine) -> _Rows | None:
    """The rows that a source is, where it is a function that gives some."""
    called = source.this if isinstance(source, exp.Table | exp.Lateral) else source
    alias = source.alias or (called.name.lower() if isinstance(called, exp.Anonymous) else "unnest")
    if isinstance(called, exp.Unnest) and len(called.expressions) == 1:
        (array,) = called.expressions
        kind = base_of(expression_type(array, known, engine))
        text = exp.Literal.string(kind if kind.startswith("_") else "_text")
        return _Rows(call("kumoi_array_json", array.copy(), text), {alias: _value})
    if isinstance(called, exp.ExplodingGenerateSeries | exp.GenerateSeries):
        given = [
            one.copy() for one in (called.args["start"], called.args["end"], called.args.get("step")) if one is not None
        ]
        if len(given) == 3 and isinstance(given[2], exp.Interval):
            unit = given[2].args.get("unit")
            given[2] = exp.Literal.string(f"{given[2].this.name} {unit.name.lower() if unit else ''}".strip())
        return _Rows(call("kumoi_series", *given), {source.alias or "generate_series": _value})
    if isinstance(called, exp.Anonymous) and called.name.lower() in _OF_JSON and len(called.expressions) == 1:
        columns = _OF_JSON[called.name.lower()]
        named = dict(columns) if "key" in columns else {alias: columns["value"], **columns}
        return _Rows(called.expressions[0].copy(), named)
    return None


def _expand(select: exp.Select, source: Tree, rows: _Rows, known: Known) -> None:
    given = source.args.get("alias")
    alias = source.alias or next(iter(rows.columns))
    names = [one.name for one in given.args.get("columns") or ()] if isinstance(given, exp.TableAlias) else []
    columns = {**rows.columns, **dict(zip(names, dict.fromkeys(rows.columns.values()), strict=False))}
    others = {name for other in sources(select) if other is not source for name in columns_of(other, known)}
    for column in list(select.find_all(exp.Column)):
        ours = column.table == alias if column.table else column.name in columns and column.name not in others
        if not ours or column.find_ancestor(exp.Lateral, exp.Unnest) is source:
            continue
        if column.name not in columns:
            raise Refused(f"ERROR: column {alias}.{column.name} does not exist; SQLState: 42703")
        value = columns[column.name](alias)
        if isinstance(column.parent, exp.Select) and column.arg_key == "expressions":
            value = exp.alias_(value, column.name, quoted=True)
        column.replace(value)
    qualify(select, source, known)
    for star in [one for one in select.selects if isinstance(one, exp.Star)]:
        _replace_star(select, star, [*_other_columns(select, source, known), *_own(columns, names, alias, rows)])
    named = exp.TableAlias(this=exp.to_identifier(alias, quoted=True))
    source.replace(exp.Table(this=call("json_each", rows.json), alias=named))


def _own(columns: dict[str, Callable[[str], Tree]], names: list[str], alias: str, rows: _Rows) -> Iterator[Tree]:
    shown = names or [name for name in rows.columns if name in ("key", "value")] or list(rows.columns)
    for name in shown:
        yield exp.alias_(columns[name](alias), name, quoted=True)


def _other_columns(select: exp.Select, source: Tree, known: Known) -> Iterator[Tree]:
    for other in sources(select):
        if other is not source:
            yield exp.Column(this=exp.Star(), table=exp.to_identifier(other.alias_or_name, quoted=True))


def _replace_star(select: exp.Select, star: Tree, columns: list[Tree]) -> None:
    kept: list[Tree] = []
    for one in select.selects:
        kept += columns if one is star else [one]
    select.set("expressions", kept)


def _value(alias: str) -> Tree:
    return exp.Column(this=exp.to_identifier("value"), table=exp.to_identifier(alias, quoted=True))


def _key(alias: str) -> Tree:
    return exp.Column(this=exp.to_identifier("key"), table=exp.to_identifier(alias, quoted=True))


def _element(alias: str) -> Tree:
    """A value as JSON: json_each tells texts without their quotes."""
    whole, path = (
        exp.Column(this=exp.to_identifier(name), table=exp.to_identifier(alias, quoted=True))
        for name in ("json", "fullkey")
    )
    return exp.Paren(this=exp.JSONExtract(this=whole, expression=path, only_json_types=True))


_JSON_ROWS: dict[str, dict[str, Callable[[str], Tree]]] = {
    "array_elements": {"value": _element},
    "array_elements_text": {"value": _value},
    "object_keys": {"value": _key},
    "each": {"key": _key, "value": _element},
    "each_text": {"key": _key, "value": _value},
}
_OF_JSON = {f"{json}_{name}": columns for json in ("json", "jsonb") for name, columns in _JSON_ROWS.items()}
