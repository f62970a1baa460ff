"""XML as maps: elements and attributes are members, what is repeated a list, numbers and truth values what they say.

Text beside members is under `content`. Source: "XML helpers in util.xml"; the conventions are those of Java's org.json.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?")
_DEEPEST = 100
LONGEST = 1024 * 1024


class BadXml(ValueError):
    """A text that is no XML, or more of it than is read."""


def as_map(text: str) -> dict[str, Any]:
    """The document as a map; raises BadXml. Entities of its own and document types are refused."""
    if len(text) > LONGEST:
        raise BadXml(f"An XML document has up to {LONGEST} characters")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    document: dict[str, Any] = {}
    open_: list[tuple[str, dict[str, Any], list[str]]] = [("", document, [])]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(open_) > _DEEPEST:
            raise BadXml("The XML nests too deep")
        open_.append((name, {key: _scalar(value) for key, value in attributes.items()}, []))

    def end(_name: str) -> None:
        name, members, texts = open_.pop()
        content = "".join(texts).strip()
        if content and members:
            members["content"] = _scalar(content)
        _put(open_[-1][1], name, members or _scalar(content))

    def refuse(*_: Any) -> None:
        raise BadXml("Document types are not read")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = lambda text: open_[-1][2].append(text)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise BadXml(str(error)) from None
    return document


def _put(holder: dict[str, Any], name: str, value: Any) -> None:
    if name not in holder:
        holder[name] = value
    elif isinstance(holder[name], list):
        holder[name].append(value)
    else:
        holder[name] = [holder[name], value]


def _scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text == "null":
        return None
    if _NUMBER.fullmatch(text):
        return float(text) if any(one in text for one in ".eE") else int(text)
    return text
