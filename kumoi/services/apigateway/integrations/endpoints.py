"""HTTP endpoints behind methods: HTTP_PROXY passes on what came, HTTP sends what mappings and templates say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from kumoi.http_api.endpoints import send
from kumoi.http_api.functions import IntegrationFailed, with_stage_variables
from kumoi.http_api.load_balancers import balancer_name
from kumoi.http_client import Unreachable
from kumoi.services.apigateway.exchange import Exchange
from kumoi.services.apigateway.integrations.mapping import Answer, Outgoing


async def ask_endpoint(exchange: Exchange, integration: Mapping[str, Any], outgoing: Outgoing) -> Answer:
    """What an endpoint answers; raises IntegrationFailed."""
    method = integration["httpMethod"]
    url = filled(with_stage_variables(integration["uri"], exchange.variables), outgoing.path)
    if not url.startswith(("http://", "https://")):
        raise IntegrationFailed("refused", f"{url} is no HTTP endpoint")
    parts = urlsplit(url)
    target = integration.get("integrationTarget")
    if target:
        port = f":{parts.port}" if parts.port else ""
        parts = parts._replace(netloc=f"{await balancer_name(exchange.call, target)}{port}")
    sent = urlencode([(name, value) for name, values in outgoing.query.items() for value in values])
    url = urlunsplit(parts._replace(query="&".join(text for text in (parts.query, sent) if text)))
    exchange.log(f"Endpoint request URI: {url}")
    try:
        answer = await send(
            exchange.call,
            exchange.incoming.method if method == "ANY" else method,
            url,
            list(outgoing.headers.items()),
            outgoing.body,
            seconds=integration["timeoutInMillis"] / 1000,
        )
    except Unreachable as problem:
        raise IntegrationFailed("timeout" if problem.timeout else "refused", str(problem)) from None
    exchange.log(f"Received response. Status: {answer.status}")
    return Answer(answer.status, answer.headers, answer.body)


def passed_on(exchange: Exchange, outgoing: Outgoing) -> None:
    """What a proxy passes on: the header fields but those of the connection, the query, the body."""
    incoming = exchange.incoming
    for name, value in incoming.fields:
        if name.lower() not in ("host", "content-length", "expect"):
            outgoing.headers[name] = f"{outgoing.headers[name]},{value}" if name in outgoing.headers else value
    outgoing.query = {name: list(values) for name, values in incoming.parameters.items()}
    outgoing.body = incoming.body


def filled(text: str, values: Mapping[str, str]) -> str:
    """A URI with `{name}` and `{name+}` filled in."""
    for name, value in values.items():
        for form in (f"{{{name}}}", f"{{{name}+}}"):
            text = text.replace(form, quote(value, safe="/-._~!$&'()*+,;=:@"))
    return text
