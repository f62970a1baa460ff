"""Batches: a function that is called once for a field and its siblings. Source: "Batching" of the developer guide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.services.appsync.records import DataSource
from kumoi.services.appsync.resolving import sources
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.siblings import Siblings

USUAL = 5
"""Fields in a batch where no size is given."""


def size(source: DataSource, properties: Mapping[str, Any]) -> int:
    """How many fields a step may call its data source for at once."""
    if source.properties["type"] != "AWS_LAMBDA":
        return 1
    programmed = properties.get("code") or properties.get("requestMappingTemplate")
    return int(properties.get("maxBatchSize") or (USUAL if programmed else 1))


async def invoke(field: Field, source: DataSource, payload: Any, properties: Mapping[str, Any]) -> Any:
    """What a function answers for this field, called once for it and its siblings; raises FieldError."""

    async def call(payloads: list[Any]) -> list[Any]:
        answer = await sources.invoke(field, source, payloads)
        if not isinstance(answer, list):
            raise FieldError("The function's answer to a batch is no list.", "Lambda:IllegalArgument")
        return answer

    siblings = field.siblings or Siblings(1)
    return await siblings.together(id(properties), size(source, properties), payload, call)


def item(answer: Any) -> Any:
    """The value in an item of the answer to a batch, which may say that it failed; raises FieldError."""
    if not isinstance(answer, dict) or not ("data" in answer or "errorMessage" in answer):
        return answer
    if answer.get("errorMessage"):
        kind, told = answer.get("errorType"), str(answer["errorMessage"])
        raise FieldError(told, None if kind is None else str(kind), answer.get("data"), answer.get("errorInfo"))
    return answer.get("data")
