"""YAML of people's own files: texts, numbers, booleans, lists and dicts, and nothing that is guessed beyond them.

Dates, octal numbers, base 60 (which takes time by the square of its length) and `yes` stay texts; tags for sets, dates
and bytes are unknown. How much aliases may make of it is for those to bound who write it out.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_LONGEST_INTEGER = 19
"""Characters of an integer that has room in 64 bits in any case."""


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The loader; give it to `yaml.load`, which raises YAMLError or, for what is nested too deeply, RecursionError."""


def _scalar(loader: PlainLoader, node: yaml.ScalarNode) -> Any:
    """A number or a boolean; a number too long for JSON stays a text, what is tagged as one and is none is refused."""
    kind, text = node.tag.rpartition(":")[2], str(loader.construct_scalar(node))
    try:
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        if kind == "float":
            return float(text)
        return text if len(text) > _LONGEST_INTEGER else int(text)
    except (KeyError, ValueError):
        raise yaml.constructor.ConstructorError(None, None, f"{text} is no {kind}", node.start_mark) from None


PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-+0123456789."),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
for _tag in ("binary", "omap", "pairs", "set", "timestamp"):
    PlainLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", yaml.constructor.SafeConstructor.construct_undefined)
for _tag in ("bool", "float", "int"):
    PlainLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _scalar)
