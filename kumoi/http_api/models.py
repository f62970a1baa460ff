"""Models: JSON schemas (draft 4) that bodies are validated against; one model may refer to another by its URL.

The library `jsonschema` knows the rules; what a body could make take forever is ours: patterns are matched within a
time (`java_patterns`), and items told apart without comparing each with each. Source: "Data models for
REST APIs", "Request validation for REST APIs".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import orjson

from kumoi import java_patterns
from kumoi.java_patterns import BadPattern

LARGE = 8_192
"""Bytes of a body from which on it is validated in a thread."""

_MOST_ERRORS = 5


class BadSchema(ValueError):
    """A model's schema cannot be used."""


class Schema(NamedTuple):
    """A model ready for use: `wrong` tells what is wrong with a body, in words; `patterned`: it matches patterns."""

    wrong: Callable[[Any], list[str]]
    patterned: bool

    async def problems(self, body: Any, length: int) -> list[str]:
        """What is wrong with a body of so many bytes; empty for a valid one. What may take long is done in a thread."""
        if length > LARGE or self.patterned:
            return await asyncio.to_thread(self.wrong, body)
        return self.wrong(body)


def schema_of(name: str, models: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The schema of a model among those of its API; raises BadSchema."""
    from jsonschema import Draft4Validator, validators
    from jsonschema.exceptions import SchemaError

    document = _resolved(name, models)
    try:
        Draft4Validator.check_schema(document)
    except SchemaError as error:
        raise BadSchema(f"the model {name} is no JSON schema: {error.message}") from None
    usual = Draft4Validator.VALIDATORS["additionalProperties"]
    kind = validators.extend(
        Draft4Validator,
        {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": partial(_additional_properties, usual),
            "uniqueItems": _unique_items,
        },
    )
    validator = kind(document)

    def wrong(body: Any) -> list[str]:
        found = []
        for error in validator.iter_errors(body):
            found.append(error.message)
            if len(found) == _MOST_ERRORS:
                break
        return found

    return Schema(wrong, '"pattern' in orjson.dumps(document).decode())


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


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if not isinstance(instance, dict):
        return
    try:
        for pattern, schema in patterns.items():
            for name, value in instance.items():
                if java_patterns.found(pattern, name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)
    except BadPattern as error:
        yield ValidationError(str(error))


def _additional_properties(usual: Any, validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    patterns = schema.get("patternProperties")
    if not patterns or not isinstance(instance, dict):
        yield from usual(validator, wanted, instance, schema)
        return
    known = schema.get("properties") or {}
    try:
        more = [
            name
            for name in instance
            if name not in known and not any(java_patterns.found(pattern, name) for pattern in patterns)
        ]
    except BadPattern as error:
        yield ValidationError(str(error))
        return
    if isinstance(wanted, dict):
        for name in more:
            yield from validator.descend(instance[name], wanted, path=name)
    elif not wanted and more:
        said, regexes = (", ".join(map(repr, sorted(names))) for names in (more, patterns))
        yield ValidationError(f"{said} do not match any of the regexes: {regexes}")


def _unique_items(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if wanted and isinstance(instance, list):
        different = {orjson.dumps(_canonical(one), option=orjson.OPT_SORT_KEYS) for one in instance}
        if len(different) < len(instance):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _canonical(value: Any) -> Any:
    """A JSON value in which equal numbers are alike."""
    if isinstance(value, dict):
        return {name: _canonical(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_canonical(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value
