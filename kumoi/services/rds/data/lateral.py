"""LATERAL subqueries, which SQLite has not: `json_each` gives their rows; its argument may name what is left of it."""

from __future__ import annotations

from sqlglot import exp

from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.scopes import Known, block_of, columns_of, owner, qualify

_ROWS = "kumoi_rows"


def unfold(tree: Tree, known: Known) -> bool:
    """Replace each lateral join of a statement by one that SQLite has; whether there was any."""
    found = [one for one in tree.find_all(exp.Lateral) if isinstance(one.this, exp.Subquery)]
    for lateral in reversed(found):
        _unfold(lateral, known)
    return bool(found)


def _unfold(lateral: exp.Lateral, known: Known) -> None:
    alias, query, around = lateral.alias, lateral.this.this, block_of(lateral)
    if not alias:
        raise Refused("ERROR: subquery in FROM must have an alias; SQLState: 42601")
    qualify(around, lateral, known)
    names = columns_of(lateral, known)
    used = [one for one in around.find_all(exp.Column) if one.table == alias]
    mine = [one for one in used if (owner(alias, block_of(one)) or (None,))[0] is lateral]
    for one in mine:
        if one.name not in names:
            if not known:
                continue  # of a star; it is asked again once the columns are known
            raise Refused(f"ERROR: column {alias}.{one.name} does not exist; SQLState: 42703")
        path = exp.Literal.string(f"$[{names.index(one.name)}]")
        place = exp.Column(this=exp.to_identifier("value"), table=exp.to_identifier(alias, quoted=True))
        value: Tree = exp.Anonymous(this="json_extract", expressions=[place, path])
        if isinstance(one.parent, exp.Select) and one.arg_key == "expressions":
            value = exp.alias_(value, one.name, quoted=True)
        one.replace(value)
    packed = [exp.Column(this=exp.to_identifier(name, quoted=True), table=exp.to_identifier(_ROWS)) for name in names]
    row = exp.Anonymous(this="json_array", expressions=packed)
    rows = exp.select(exp.Anonymous(this="json_group_array", expressions=[row]))
    rows = rows.from_(exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(_ROWS))))
    each = exp.Anonymous(this="json_each", expressions=[exp.Subquery(this=rows)])
    lateral.replace(exp.Table(this=each, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))))
