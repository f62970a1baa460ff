"""Transforms: what macros make of a template. First those inside of it, the deepest first; then those it names.

AWS's own are Serverless (`sam.py`), LanguageExtensions (`template/loops.py`) and Include, which reads a part of the
template from S3; others are functions of users (`macros.py`). Source: "Template macros" of the user guide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.cloudformation.macros import apply_macro
from kumoi.services.cloudformation.sam import SERVERLESS, SamTranslator
from kumoi.services.cloudformation.stored_text import read_stored
from kumoi.services.cloudformation.template.loops import unrolled
from kumoi.services.cloudformation.template.parsing import parse_text
from kumoi.wire.errors import AwsError, aws_error

EXTENSIONS = "AWS::LanguageExtensions"
INCLUDE = "AWS::Include"
_INSIDE = "Fn::Transform"


async def transform(call: Call, template: dict[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The template after its transforms, in their order; ValidationError for what none of them can make use of."""
    sections = {name: section for name, section in template.items() if name != "Transform"}
    result: Any = await _inside(call, sections, parameters)
    for name, params in named_transforms(template):
        if name == SERVERLESS:
            result = await call.part(SamTranslator).translate(result, parameters, call.region)
        elif name == EXTENSIONS:
            result = await asyncio.to_thread(unrolled, result, parameters)
        else:
            result = await _applied(call, name, params, result, parameters)
        if not isinstance(result, dict):
            raise aws_error("ValidationError", f"Transform {name} did not answer a template")
        result.pop("Transform", None)
    return {name: section for name, section in result.items() if name != "Globals"}


def named_transforms(template: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The transforms that a template names, with their parameters."""
    stated = template.get("Transform", [])
    return [_named(one) for one in (stated if isinstance(stated, list) else [stated])]


def _named(stated: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(stated, str):
        return stated, {}
    if isinstance(stated, dict) and isinstance(stated.get("Name"), str):
        params = stated.get("Parameters") or {}
        if isinstance(params, dict):
            return stated["Name"], params
    raise aws_error("ValidationError", "Template format error: a Transform needs a Name, and may have Parameters")


async def _inside(call: Call, value: Any, parameters: Mapping[str, Any], depth: int = 0, included: bool = False) -> Any:
    """A value with the transforms inside of it applied; `included`: it was included itself."""
    if depth > 128:
        raise aws_error("ValidationError", "Template format error: the template is nested too deeply.")
    if isinstance(value, list):
        return [await _inside(call, one, parameters, depth + 1, included) for one in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {
        name: await _inside(call, one, parameters, depth + 1, included)
        for name, one in value.items()
        if name != _INSIDE
    }
    if _INSIDE not in value:
        return result
    stated = value[_INSIDE]
    answer: Any = result
    for one in stated if isinstance(stated, list) else [stated]:
        name, params = _named(one)
        answer = await _applied(call, name, params, answer, parameters, included)
    return answer


async def _applied(
    call: Call,
    name: str,
    params: Mapping[str, Any],
    fragment: Any,
    parameters: Mapping[str, Any],
    included: bool = False,
) -> Any:
    params = {key: _reference(one, parameters) for key, one in params.items()}
    if name == INCLUDE:
        if included:
            raise _not_included("What is included can not include anything itself.")
        return await _included(call, str(params.get("Location", "")), fragment)
    return await apply_macro(call, name, params, fragment, parameters)


def _reference(value: Any, parameters: Mapping[str, Any]) -> Any:
    """A parameter of a transform: it may refer to a parameter of the template."""
    if isinstance(value, dict) and len(value) == 1 and value.get("Ref") in parameters:
        return parameters[value["Ref"]]
    return value


async def _included(call: Call, location: str, fragment: Any) -> Any:
    """What stands around an Include, with what lies at its location."""
    if not location.startswith(("s3://", "https://", "http://")):
        raise _not_included("The location parameter is not a valid S3 uri.")
    try:
        found = parse_text(await read_stored(call, location))
    except AwsError as error:
        raise _not_included(error.message) from None
    if not isinstance(found, dict):
        raise _not_included("The specified S3 object's content should be valid Yaml/JSON")
    found = await _inside(call, found, {}, included=True)
    return {**fragment, **found} if isinstance(fragment, dict) else found


def _not_included(told: str) -> AwsError:
    return aws_error("ValidationError", f"Transform {INCLUDE} failed with: {told}")
