"""OpenAPI and Swagger documents as text: read from JSON or YAML, references followed, written again."""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from kumoi.plain_yaml import PlainLoader

MAX_DOCUMENT = 6_291_456


class BadDocument(ValueError):
    """The text is no OpenAPI document."""


def loaded(text: str | bytes) -> dict[str, Any]:
    """Read a document; raises BadDocument."""
    content = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if len(content) > MAX_DOCUMENT:
        raise BadDocument("the document is larger than 6 MB")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        try:
            document = yaml.load(content, Loader=PlainLoader)  # noqa: S506  (a safe loader)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise BadDocument(f"the document is neither JSON nor YAML: {error}") from None
    if not isinstance(document, dict):
        raise BadDocument("the document is no object")
    return document


def dumped(document: dict[str, Any], kind: str) -> bytes:
    """Write a document as `JSON` or `YAML`."""
    if kind == "JSON":
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text.encode()


def followed(document: dict[str, Any], value: Any) -> Any:
    """What a value is, where it is a reference within the document; raises BadDocument for one that leads nowhere."""
    for _ in range(16):
        if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
            return value
        reference = value["$ref"]
        if not reference.startswith("#/"):
            raise BadDocument(f"the reference {reference} leads out of the document")
        found: Any = document
        for part in reference[2:].split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or part not in found:
                raise BadDocument(f"the reference {reference} leads nowhere")
            found = found[part]
        value = found
    raise BadDocument("references lead in a circle")
