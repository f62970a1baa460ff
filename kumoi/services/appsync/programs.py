"""What resolvers and functions are written in: templates or JavaScript; checked before they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kumoi.services.appsync.caching import usable_key
from kumoi.services.appsync.errors import bad_request
from kumoi.wire.errors import AwsError, aws_error

if TYPE_CHECKING:
    from kumoi.sandbox.js import JsContext

TEMPLATES = ("requestMappingTemplate", "responseMappingTemplate")
MAX_CODE = 32_768
MAX_ERRORS = 20
MAX_KEYS = 25
MAX_SECONDS = 3600


def check(properties: Mapping[str, Any]) -> None:
    """Raise for a program that could not run."""
    _check_caching(properties.get("cachingConfig") or {})
    _check_sync(properties.get("syncConfig") or {})
    code = properties.get("code")
    if code is not None:
        _check_code(code, properties)
        return
    if "runtime" in properties:
        raise bad_request("Runtime is specified, but there is no code.")
    for member in TEMPLATES:
        if properties.get(member):
            _check_template(member, properties[member])


def _check_sync(sync: Mapping[str, Any]) -> None:
    """Raise for a conflict handler that could decide nothing."""
    handler = sync.get("conflictHandler", "NONE")
    if handler != "NONE" and sync.get("conflictDetection", "NONE") != "VERSION":
        raise bad_request(f"The conflict handler {handler} needs the conflict detection VERSION.")
    function = (sync.get("lambdaConflictHandlerConfig") or {}).get("lambdaConflictHandlerArn")
    if handler == "LAMBDA" and not function:
        raise bad_request("The conflict handler LAMBDA needs a lambdaConflictHandlerArn.")


def _check_caching(config: Mapping[str, Any]) -> None:
    """Raise for a time or a key that a result could not be cached by."""
    if config and not 1 <= config.get("ttl", 0) <= MAX_SECONDS:
        raise bad_request(f"The caching TTL has to be between 1 and {MAX_SECONDS} seconds.")
    keys = config.get("cachingKeys") or ()
    if len(keys) > MAX_KEYS:
        raise bad_request(f"A resolver can have up to {MAX_KEYS} caching keys.")
    for key in keys:
        if not usable_key(key):
            raise bad_request(
                f"The caching key {key} has to begin with context.arguments, context.source or context.identity."
            )


def _check_code(code: str, properties: Mapping[str, Any]) -> None:
    if "runtime" not in properties:
        raise bad_request("Code is specified, but there is no runtime.")
    if any(member in properties for member in TEMPLATES):
        raise bad_request("Code and mapping templates cannot be specified together.")
    if len(code) > MAX_CODE:
        raise bad_request(f"The code is longer than {MAX_CODE} characters.")
    compiled_code(code)


def compiled_code(code: str) -> JsContext:
    """A context with a program; raises BadRequestException where it does not compile, or says what APPSYNC_JS lacks."""
    from kumoi.sandbox.js import JsError
    from kumoi.services.appsync.resolving.javascript import build
    from kumoi.services.appsync.resolving.restrictions import unsupported

    try:
        made = build(code)
    except JsError as problem:
        raise _code_error({"errorType": "PARSER_ERROR", "value": str(problem)}) from None
    if findings := unsupported(code):
        raise _code_error(
            *(
                {
                    "errorType": "UNSUPPORTED_SYNTAX_TYPE",
                    "value": f"{one.line}:{one.column} {one.text}",
                    "location": {"line": one.line, "column": one.column, "span": one.span},
                }
                for one in findings[:MAX_ERRORS]
            )
        )
    return made


def _code_error(*errors: Mapping[str, Any]) -> AwsError:
    return aws_error(
        "BadRequestException",
        "The code contains one or more errors.",
        reason="CODE_ERROR",
        detail={"codeErrors": list(errors)},
    )


def _check_template(member: str, text: str) -> None:
    from kumoi.vtl import Template, VtlError

    try:
        Template(text)
    except VtlError as problem:
        raise bad_request(f"{member} cannot be read: {problem}") from None
