"""Programs tried without an API: a template or a function of code, on a context that the client makes up.

What a program raises is part of the answer, never an error of the operation.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.errors import bad_request
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.records import Api
from kumoi.services.appsync.resolving.field import Asked, Caller, Field, Selection
from kumoi.services.appsync.resolving.outcomes import FieldError, Returned


@appsync.operation
async def evaluate_mapping_template(call: Call, template: str, context: str) -> dict[str, Any]:
    """Render a template."""
    from kumoi.services.appsync.resolving import templates

    field = _field(call, context)
    try:
        value = templates.run(call.part(Kept).templates, field, template)
    except Returned as early:
        value = early.value
    except FieldError as error:
        return _answer(field, error=error)
    return _answer(field, value)


@appsync.operation
async def evaluate_code(
    call: Call, runtime: dict[str, str], code: str, context: str, function: str = "request"
) -> dict[str, Any]:
    """Call a function of code: `request` or `response`."""
    from kumoi.services.appsync.programs import check
    from kumoi.services.appsync.resolving import javascript

    if function not in ("request", "response"):
        raise bad_request("The function has to be request or response.")
    check({"code": code, "runtime": runtime})
    field = _field(call, context)
    try:
        value = await javascript.run(field, hashlib.sha256(code.encode()).hexdigest(), code, function)
    except Returned as early:
        value = early.value
    except FieldError as error:
        return _answer(field, error=error)
    return _answer(field, value)


def _field(call: Call, context: str) -> Field:
    """A field as the context describes it; raises BadRequestException."""
    try:
        given = orjson.loads(context)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise bad_request("The context is not a JSON object.")

    def part(name: str) -> dict[str, Any]:
        value = given.get(name) or {}
        if not isinstance(value, dict):
            raise bad_request(f"{name} in the context is not a JSON object.")
        return value

    info, error = part("info"), part("error")
    identity = part("identity")
    mode = "AMAZON_COGNITO_USER_POOLS" if "claims" in identity else "AWS_IAM" if "userArn" in identity else "API_KEY"
    headers, variables, selections = part("request").get("headers"), info.get("variables"), info.get("selectionSetList")
    asked = Asked(
        call,
        Api(id="", created=call.now, properties={}, environment=part("env")),
        Caller(mode, identity or None),
        headers if isinstance(headers, dict) else {},
        variables if isinstance(variables, dict) else {},
    )
    field = Field(
        asked,
        str(info.get("parentTypeName", "")),
        str(info.get("fieldName", "")),
        part("arguments"),
        given.get("source"),
        Selection(selections if isinstance(selections, list) else [], str(info.get("selectionSetGraphQL", ""))),
    )
    field.stash, field.prev, field.result = part("stash"), part("prev").get("result"), given.get("result")
    if error:
        field.error = FieldError(str(error.get("message")), error.get("type"))
    return field


def _answer(field: Field, value: Any = None, error: FieldError | None = None) -> dict[str, Any]:
    from kumoi.services.appsync.resolving.template_utilities import to_json

    appended = [
        {"message": one.message, "type": one.kind, "data": one.data, "errorInfo": one.info}
        for _, one in field.asked.appended
    ]
    answer: dict[str, Any] = {"stash": to_json(field.stash), "outErrors": to_json(appended), "logs": field.asked.logs}
    if error is not None:
        return {**answer, "error": {"message": error.message}}
    return {**answer, "evaluationResult": to_json(value)}
