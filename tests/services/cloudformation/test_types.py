"""Which resource types there are: the page that errors refer to lists them all."""

from __future__ import annotations

import re
from pathlib import Path

from kumoi.doorway.registry import Registry

PAGE = Path(__file__).parents[3] / "docs" / "cloudformation.md"


def test_the_page_lists_every_resource_type() -> None:
    listed = {
        prefix + name
        for prefix, names in re.findall(r"^\| `(AWS::\w+::)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
        for name in names.split(", ")
    }
    assert listed == set(Registry.discover("kumoi.services").resource_types)
