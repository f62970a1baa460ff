"""Bodies of integrations that are no proxies: which template makes them, and what it may override.

Source: "Mapping template transformations for REST APIs", "Method request behavior for payloads without mapping
templates", "Override your API's request and response parameters and status codes".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kumoi.http_api.mapping_templates import rendered
from kumoi.http_api.results import HttpResult
from kumoi.java_patterns import BadPattern, matches
from kumoi.services.apigateway.binary import NotBase64, converted, is_binary
from kumoi.services.apigateway.compiled import CompiledDeployments
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused
from kumoi.services.apigateway.integrations.mapping import Answer, Outgoing, one_line, response_fields
from kumoi.services.apigateway.template_variables import variables
from kumoi.vtl import VtlError
from kumoi.vtl.values import text_of

_LONGEST_FIELD = 10_240
"""Characters of a header field or parameter that a template overrides: API Gateway's quota for all header fields."""


async def render(exchange: Exchange, source: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """What a template makes of a body, and the context with what it overrides; Refused where it fails."""
    text, context = body.decode("utf-8", "replace"), dict[str, Any]()

    def known() -> dict[str, Any]:
        nonlocal context
        context = exchange.template_context()
        return variables(exchange, text, context)

    try:
        template = exchange.call.part(CompiledDeployments).template(source)
        return await rendered(template, known, len(text)), context
    except VtlError as error:
        exchange.log(f"Execution failed due to configuration error: Unable to transform: {error}")
        raise Refused("API_CONFIGURATION_ERROR", f"a mapping template failed: {error}") from None


async def apply_request_template(exchange: Exchange, integration: Mapping[str, Any], outgoing: Outgoing) -> None:
    """Make the body of the request to an integration, and override what its template says."""
    incoming = exchange.incoming
    media = incoming.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    binary = is_binary(media, exchange.binary_types)
    try:
        body = converted(incoming.body, integration.get("contentHandling"), binary)
    except NotBase64 as problem:
        raise Refused("BAD_REQUEST_BODY", str(problem), message="Bad Request") from None
    source = request_template(integration, media)
    if source is None:
        outgoing.body = body
        return
    made, context = await render(exchange, source, body)
    outgoing.body = made.encode()
    exchange.log_body("Endpoint request", outgoing.body)
    overridden = context.get("requestOverride") or {}
    for name, value in _texts(overridden.get("header")).items():
        outgoing.headers = {key: one for key, one in outgoing.headers.items() if key.lower() != name.lower()}
        outgoing.headers[name] = one_line(value)
    for name, value in _texts(overridden.get("querystring")).items():
        outgoing.query[name] = [value]
    outgoing.path |= _texts(overridden.get("path"))


def request_template(integration: Mapping[str, Any], media: str) -> str | None:
    """The template for a media type; None where the body passes through, Refused (415) where it may not."""
    templates = {
        name.partition(";")[0].strip().lower(): one for name, one in (integration.get("requestTemplates") or {}).items()
    }
    found = templates.get(media, templates.get("$default"))
    if found is not None:
        return found or None
    behaviour = integration.get("passthroughBehavior", "WHEN_NO_MATCH")
    if behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates):
        raise Refused("UNSUPPORTED_MEDIA_TYPE", f"the integration has no template for {media}")
    return None


async def respond(exchange: Exchange, integration: Mapping[str, Any], answer: Answer) -> HttpResult:
    """The response that an integration's answer becomes."""
    responses = integration.get("integrationResponses") or {}
    if answer.failed_with is None:
        selected = selected_response(responses, answer)
    else:  # an error's message may be long, and patterns slow on it
        selected = await asyncio.to_thread(selected_response, responses, answer)
    if selected is None:
        exchange.log(
            "Execution failed due to configuration error: "
            "No match for output mapping and no default output mapping configured. "
            f"Endpoint Response Status Code: {answer.status}"
        )
        raise Refused("API_CONFIGURATION_ERROR", "no integration response is selected, and none is the default")
    fields = response_fields(exchange, selected.get("responseParameters") or {}, answer)
    media = next((value for name, value in answer.headers if name.lower() == "content-type"), "application/json")
    try:
        body = converted(answer.body, selected.get("contentHandling"), is_binary(media, exchange.binary_types))
    except NotBase64 as problem:
        raise Refused("API_CONFIGURATION_ERROR", str(problem)) from None
    status = int(selected["statusCode"])
    found = response_template(selected.get("responseTemplates") or {}, exchange.incoming.headers.get("accept", ""))
    if found is not None:
        media, source = found
        if source:
            made, context = await render(exchange, source, body)
            body = made.encode()
            status, fields = _overridden(context, status, fields)
    elif not is_binary(media, exchange.binary_types):
        media = "application/json"
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.append(("Content-Type", media))
    return HttpResult(status, fields, body)


def selected_response(responses: Mapping[str, Mapping[str, Any]], answer: Answer) -> Mapping[str, Any] | None:
    """The integration response whose pattern matches the status, or a function's error message; else the default."""
    subject = answer.failed_with if answer.failed_with is not None else str(answer.status)
    default = None
    for response in responses.values():
        pattern = response.get("selectionPattern")
        if not pattern:
            default = default or response
            continue
        try:
            if matches(pattern, subject):
                return response
        except BadPattern as error:
            raise Refused("API_CONFIGURATION_ERROR", str(error)) from None
    return default


def response_template(templates: Mapping[str, str], accept: str) -> tuple[str, str] | None:
    """The media type and template that a client accepts; JSON's else, or the first; None without any."""
    if not templates:
        return None
    for one in accept.split(","):
        media = one.partition(";")[0].strip()
        if media in templates:
            return media, templates[media]
    return next(((name, one) for name, one in templates.items() if name == "application/json"), None) or next(
        iter(templates.items())
    )


def _overridden(
    context: dict[str, Any], status: int, fields: list[tuple[str, str]]
) -> tuple[int, list[tuple[str, str]]]:
    override = context.get("responseOverride") or {}
    wanted = override.get("status")
    if isinstance(wanted, str) and wanted.isdigit():
        wanted = int(wanted)
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 100 <= wanted <= 599:
        status = wanted
    for name, value in _texts(override.get("header")).items():
        fields = [field for field in fields if field[0].lower() != name.lower()]
        fields.append((name, one_line(value)))
    return status, fields


def _texts(given: Any) -> dict[str, str]:
    if not isinstance(given, dict):
        return {}
    try:
        return {str(name): text_of(value, _LONGEST_FIELD) for name, value in given.items() if value is not None}
    except VtlError as error:
        raise Refused("API_CONFIGURATION_ERROR", f"an override is too long: {error}") from None
