"""The schema of an API is the one that Amplify makes of the same models.

`amplify.json` has, for `models.graphql`, what @aws-amplify/graphql-transformer 2.5.1 makes: the members of each type,
and those that are others when items have versions. What differs on purpose is listed here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, print_ast

from kumoi.amplify_schema import compiled

HERE = Path(__file__).parent
OURS = {
    # Amplify's filters have an id where the model has none; ours do not.
    ("ModelInventoryFilterInput", "id"),
    ("ModelMultiFilterInput", "id"),
    ("ModelSubscriptionInventoryFilterInput", "id"),
    ("ModelSubscriptionMultiFilterInput", "id"),
    # Amplify adds the foreign key to the filter of the other model.
    ("ModelSubscriptionBlogFilterInput", "blogPostsId"),
    ("ModelSubscriptionPostFilterInput", "blogPostsId"),
    # Nobody may delete: Amplify leaves it to the default way of authorization, ours to those of the model.
    ("Mutation", "deletePerson"),
}


def members(sdl: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for node in parse(sdl).definitions:
        made: Any = node
        found[made.name.value] = listed = {}
        for one in getattr(made, "fields", None) or getattr(made, "values", None) or ():
            arguments = ", ".join(sorted(print_ast(each) for each in getattr(one, "arguments", None) or ()))
            kind = print_ast(one.type) if getattr(one, "type", None) else ""
            directives = " ".join(sorted(print_ast(each) for each in one.directives or ()))
            listed[one.name.value] = " ".join(
                text for text in (f"({arguments})" if arguments else "", kind, directives) if text
            )
    return found


@pytest.mark.parametrize("conflicts", [None, "AUTOMERGE"])
def test_types_and_their_members(conflicts: str | None) -> None:
    recorded = json.loads((HERE / "amplify.json").read_text())
    theirs: dict[str, dict[str, str]] = recorded["plain"]
    if conflicts is not None:
        theirs = {**theirs, **recorded["versioned"]}
    ours = members(compiled((HERE / "models.graphql").read_text(), "app", conflicts).sdl)
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        made = ours[name]
        unlike = {one for one in made.keys() | expected.keys() if made.get(one) != expected.get(one)}
        assert {one for one in unlike if (name, one) not in OURS} == set(), name
