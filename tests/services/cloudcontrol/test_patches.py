"""JSON patches as RFC 6902 has them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi.services.cloudcontrol.patches import PatchError, patched


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/0", "value": 5}], {"a": [5, 2]}),
        ({"a": {"b": 1}}, [{"op": "move", "from": "/a/b", "path": "/c"}], {"a": {}, "c": 1}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}),
        ({"m~/n": 1}, [{"op": "replace", "path": "/m~0~1n", "value": 2}], {"m~/n": 2}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 1}}], {"b": 1}),
    ],
)
def test_patches(before: dict[str, Any], patch: list[Any], after: dict[str, Any]) -> None:
    kept = json.dumps(before)
    assert patched(before, json.dumps(patch)) == after
    assert json.dumps(before) == kept


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "[1]",
        '[{"op": "add", "path": "/a"}]',
        '[{"op": "add", "path": "a", "value": 1}]',
        '[{"op": "add", "path": "/x/y", "value": 1}]',
        '[{"op": "add", "path": "/l/9", "value": 1}]',
        '[{"op": "add", "path": "/a/b", "value": 1}]',
        '[{"op": "remove", "path": "/x"}]',
        '[{"op": "remove", "path": ""}]',
        '[{"op": "remove", "path": "/l/-"}]',
        '[{"op": "replace", "path": "/x", "value": 1}]',
        '[{"op": "replace", "path": "", "value": 1}]',
        '[{"op": "test", "path": "/a", "value": 2}]',
        '[{"op": "move", "path": "/a"}]',
        '[{"op": "nonsense", "path": "/a"}]',
    ],
)
def test_what_no_patch_can_be(text: str) -> None:
    with pytest.raises(PatchError):
        patched({"a": 1, "l": [1]}, text)
