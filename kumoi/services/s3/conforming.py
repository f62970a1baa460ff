"""Whether a document says what the model asks: required members, and values out of those an enumeration has.

S3 answers MalformedXML to a document that does not, whatever is wrong. Rules: the S3 service model.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from kumoi.wire.model import Shape
from kumoi.wire.xml_shapes import malformed


def conform(shape: Shape, value: Any, own_words: Collection[str] = ()) -> None:
    """Raise MalformedXML where `value` is not of the shape; enumerations in `own_words` check themselves."""
    if shape.type == "structure":
        if any(value.get(name) is None for name in shape.required):
            raise malformed()
        for name, member in shape.members.items():
            if value.get(name) is not None:
                conform(member, value[name], own_words)
    elif shape.type == "list":
        for item in value:
            conform(shape.item, item, own_words)
    elif shape.type == "string" and shape.name not in own_words:
        allowed = shape.traits.get("enum")
        if allowed and value not in allowed:
            raise malformed()
