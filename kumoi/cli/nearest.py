"""The one thing that a part of a name, or a pattern with `*`, means: deployed names carry what nobody types."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import click

_MOST_TOLD = 8


def like(said: str, names: Iterable[str]) -> list[str]:
    """The names that `said` may mean: itself, else those that it matches or is a part of, whatever their case."""
    known = list(names)
    if said in known:
        return [said]
    pattern = said if "*" in said or "?" in said else f"*{said}*"
    return [name for name in known if fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]"))]


def the_one(kind: str, said: str, names: Iterable[str]) -> str:
    """The only name that `said` matches or is a part of; ClickException where there is none, or more than one."""
    found = like(said, names)
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.ClickException(f"there is no {kind} {said} (yet).")
    more = "" if len(found) <= _MOST_TOLD else f" and {len(found) - _MOST_TOLD} more"
    raise click.ClickException(f"{said} may be any of {', '.join(sorted(found)[:_MOST_TOLD])}{more}.")
