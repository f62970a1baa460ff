"""Answers on their way out: gateway responses with their templates and fields, and compression.

Source: "Gateway responses in API Gateway", "Payload compression for REST APIs in API Gateway".
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from kumoi.http_api.incoming import Incoming
from kumoi.http_api.mapping_templates import rendered
from kumoi.http_api.results import HttpResult
from kumoi.services.apigateway.compiled import CompiledDeployments
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.gateway_responses import Refused, customised
from kumoi.services.apigateway.integrations.mapping import one_line, request_value
from kumoi.services.apigateway.integrations.templates import response_template
from kumoi.vtl import VtlError
from kumoi.wire.http import BodyTooLarge


async def gateway_result(exchange: Exchange, own: Mapping[str, Mapping[str, Any]], refused: Refused) -> HttpResult:
    """What clients get where the gateway answers itself."""
    said = customised(refused.case, own) or {}
    status = int(said.get("statusCode") or refused.status)
    media, body = "application/json", orjson.dumps({refused.member: refused.message})
    found = response_template(said.get("responseTemplates") or {}, exchange.incoming.headers.get("accept", ""))
    if found is not None:
        media = found[0]
        body = await _rendered(exchange, found[1], body)
    fields = [("x-amzn-ErrorType", refused.error), *refused.fields]
    for target, expression in (said.get("responseParameters") or {}).items():
        values = request_value(expression, exchange)
        name = target.removeprefix("gatewayresponse.header.")
        if values is not None:
            fields = [field for field in fields if field[0].lower() != name.lower()]
            fields += [(name, one_line(value)) for value in values]
    if not any(name.lower() == "content-type" for name, _ in fields):
        fields.insert(0, ("Content-Type", media))
    fields.append(("x-kumoi-reason", one_line(str(refused))[:500].encode("ascii", "replace").decode()))
    return HttpResult(status, fields, body)


async def _rendered(exchange: Exchange, source: str, usual: bytes) -> bytes:
    """A gateway response's template, which knows the context and stage variables only."""

    def known() -> dict[str, Any]:
        return {"context": exchange.template_context(), "stageVariables": dict(exchange.variables)}

    try:
        return (await rendered(exchange.call.part(CompiledDeployments).template(source), known)).encode()
    except VtlError as error:
        exchange.log(f"the template of the gateway response failed: {error}")
        return usual


async def compressed(result: HttpResult, incoming: Incoming, properties: Mapping[str, Any]) -> HttpResult:
    """An answer compressed, where the API wants that, the client accepts it, and nobody has done it."""
    least = properties.get("minimumCompressionSize")
    if least is None or len(result.body) < least or not result.body:
        return result
    if any(name.lower() == "content-encoding" for name, _ in result.headers):
        return result
    accepted = [one.partition(";")[0].strip() for one in incoming.headers.get("accept-encoding", "").split(",")]
    encoding = next((one for one in ("gzip", "deflate") if one in accepted), None)
    if encoding is None:
        return result
    body = await asyncio.to_thread(gzip.compress if encoding == "gzip" else zlib.compress, result.body)
    return result._replace(headers=[*result.headers, ("Content-Encoding", encoding)], body=body)


async def uncompressed(incoming: Incoming, properties: Mapping[str, Any], most: int) -> Incoming:
    """A request whose body is uncompressed where the API compresses; raises BodyTooLarge, Refused for nonsense."""
    encoding = incoming.headers.get("content-encoding", "").strip().lower()
    if properties.get("minimumCompressionSize") is None or encoding not in ("gzip", "deflate") or not incoming.body:
        return incoming
    reader = zlib.decompressobj(wbits=31 if encoding == "gzip" else 15)
    try:
        body = await asyncio.to_thread(reader.decompress, incoming.body, most + 1)
    except zlib.error as error:
        raise Refused("BAD_REQUEST_BODY", f"the body is not {encoding}: {error}", message="Bad Request") from None
    if len(body) > most:
        raise BodyTooLarge(most)
    fields = [field for field in incoming.fields if field[0].lower() != "content-encoding"]
    return Incoming(incoming.method, incoming.path, incoming.query, fields, body, incoming.source, incoming.host)
