"""Models: JSON schemas (draft 4) that bodies are validated against; one model may refer to another by its URL.

The library `jsonschema` knows the rules; patterns are matched within a time (`java_patterns`). Source: "Data models for
REST APIs", "Request validation for REST APIs".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from kumoi import java_patterns
from kumoi.java_patterns import BadPattern

Schema = Callable[[Any], list[str]]
"""What is wrong with a body, in words; empty for a valid one."""

_MOST_ERRORS = 5


class BadSchema(ValueError):
    """A model's schema cannot be used."""


def schema_of(name: str, models: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The schema of a model among those of its API; raises BadSchema."""
    from jsonschema import Draft4Validator, validators
    from jsonschema.exceptions import SchemaError

    document = _resolved(name, models)
    try:
        Draft4Validator.check_schema(document)
    except SchemaError as error:
        raise BadSchema(f"the model {name} is no JSON schema: {error.message}") from None
    kind = validators.extend(Draft4Validator, {"pattern": _pattern})
    validator = kind(document)

    def wrong(body: Any) -> list[str]:
        found = []
        for error in validator.iter_errors(body):
            found.append(error.message)
            if len(found) == _MOST_ERRORS:
                break
        return found

    return wrong


def _resolved(name: str, models: Mapping[str, Mapping[str, Any]]) -> Any:
    """A model's schema with every model that it can refer to among its definitions."""
    definitions: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in definitions:
            continue
        if one not in models:
            raise BadSchema(f"there is no model {one}")
        try:
            schema = orjson.loads(models[one]["schema"])
        except orjson.JSONDecodeError as error:
            raise BadSchema(f"the schema of the model {one} is no JSON: {error}") from None
        definitions[one] = _with_local_references(schema, one, waiting, 0)
    root = definitions[name]
    if not isinstance(root, dict):
        raise BadSchema(f"the schema of the model {name} is no object")
    return {"$ref": f"#/definitions/{name}", "definitions": definitions}


def _with_local_references(schema: Any, owner: str, waiting: list[str], depth: int) -> Any:
    if depth > 100:
        raise BadSchema(f"the schema of the model {owner} nests too deep")
    if isinstance(schema, list):
        return [_with_local_references(one, owner, waiting, depth + 1) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _with_local_references(one, owner, waiting, depth + 1) for key, one in schema.items()}
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if "/models/" in reference:
            other = reference.rpartition("/models/")[2]
            waiting.append(other)
            made["$ref"] = f"#/definitions/{other}"
        elif reference.startswith("#"):
            made["$ref"] = f"#/definitions/{owner}{reference[1:].rstrip('/')}"
        else:
            raise BadSchema(f"the model {owner} refers to {reference}, which is none of the API's models")
    made.pop("$schema", None)
    return made


def _pattern(_validator: Any, pattern: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(instance, str):
        return
    try:
        if not java_patterns.found(str(pattern), instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")
    except BadPattern as error:
        yield ValidationError(str(error))
