"""Requests to load balancers: a listener, the first rule that matches, its action.

One port serves every listener: the port of the Host header chooses it (or of the path form, `ID:PORT`), else the
scheme. Errors are the load balancer's own pages; why stands in the header `x-kumoi-reason` and in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kumoi.doorway import Call
from kumoi.names import trace_id
from kumoi.services.elbv2 import (
    actions,
    attributes,
    authentication,
    choosing,
    elbv2,
    function_target,
    http_target,
    websocket_target,
)
from kumoi.services.elbv2.answers import SERVER, fixed, page
from kumoi.services.elbv2.conditions import Asked, matches
from kumoi.services.elbv2.health import Health
from kumoi.services.elbv2.invoking import Invoker, NoAnswer
from kumoi.services.elbv2.lookup import find_group
from kumoi.services.elbv2.records import (
    Listener,
    LoadBalancer,
    Place,
    Rule,
    Target,
    TargetGroup,
    balancers,
    listeners,
    places,
)
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.http import BodyTooLarge, HeaderList, Request, Response

logger = logging.getLogger(__name__)

_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
    | {"x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id"}
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request on its way through a load balancer; `fields` are what targets get, `given` what the answer gets."""

    call: Call
    request: Request
    path: str
    balancer: LoadBalancer
    listener: Listener
    fields: HeaderList
    given: HeaderList = field(default_factory=list)

    def option(self, key: str) -> str:
        """An attribute of the load balancer."""
        return attributes.value(attributes.BALANCER, self.balancer.attributes, key)

    @property
    def seconds(self) -> float:
        """How long a target may be silent."""
        return float(self.option("idle_timeout.timeout_seconds"))


@elbv2.data_plane("elb")
async def serve(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer one request; `attributes` has the `id`, the first label of the DNS name."""
    request = call.http
    assert request is not None, "data planes are reached by requests only"
    label, _, port = attributes.get("id", "").lower().partition(":")
    place = await _place(call.doorway.state.at("", ""), label)
    if place is None:
        return page(503, reason="no load balancer has this name")
    call.account, call.region, call.node = place.account, place.region, f"elbv2:{place.name}"
    found = await _balancer(call.state, place)
    listener = _chosen(found[1], port or _port_of(request.host), request.scheme) if found else None
    if found is None or listener is None:
        return page(503, reason="the load balancer has no listener")
    path = path or "/"
    fields = _passed_on(call, request, found[0], listener)
    exchange = Exchange(call, request, path, found[0], listener, fields)
    response = await _answer(exchange)
    return _finished(exchange, response)


async def _answer(exchange: Exchange) -> Response:
    request = exchange.request
    headers: dict[str, list[str]] = {}
    for name, content in request.headers.items:
        headers.setdefault(name.lower(), []).append(content)
    host = _bare(request.host)
    asked = Asked(host, exchange.path, request.method, request.query, request.client[0], headers)
    if (signed_in := await authentication.answered(exchange)) is not None:
        return signed_in
    rule = next(one for one in exchange.listener.in_order if matches(one.conditions, asked))
    known = await authentication.authenticate(exchange, rule)
    if isinstance(known, Response):
        return known
    named = [one for one in exchange.fields if not one[0].lower().startswith("x-amzn-oidc-")]
    response = await _acted(replace(exchange, fields=[*named, *known]), rule, host)
    response.headers += exchange.given
    return response


async def _acted(exchange: Exchange, rule: Rule, host: str) -> Response:
    """What the action of a rule that ends it answers."""
    request = exchange.request
    action = rule.actions[-1]
    if action["Type"] == "fixed-response":
        config = action["FixedResponseConfig"]
        return fixed(int(config["StatusCode"]), config.get("ContentType"), config.get("MessageBody") or "")
    if action["Type"] == "redirect":
        config = action["RedirectConfig"]
        listener = exchange.listener.properties
        where = actions.location(
            config,
            protocol=listener["Protocol"],
            host=host,
            port=listener["Port"],
            path=exchange.path,
            query=request.query,
        )
        return page(int(config["StatusCode"].removeprefix("HTTP_")), ("Location", where))
    return await _forward(exchange, rule, action["ForwardConfig"])


async def _forward(exchange: Exchange, rule: Rule, config: Mapping[str, Any]) -> Response:
    call, now = exchange.call, exchange.call.now
    cookies = choosing.cookies_of(exchange.request.headers.items)
    turns = call.part(choosing.Turns)
    arn = choosing.group_of(config, exchange.listener.rule_arn(rule), cookies, turns)
    group = None if arn is None else await _group(call.state, arn)
    if arn is None or group is None:
        return page(503, reason="the rule forwards to no target group")
    target = choosing.target_of(group, call.part(Health).usable(group), cookies, turns)
    if target is None:
        return page(503, reason=f"the target group {group.name} has no registered target")
    if group.kind == "lambda":
        response = await _function(exchange, group, target)
    elif exchange.request.websocket:
        response = await websocket_target.connect(exchange, group, target)
    else:
        response = await http_target.ask(exchange, group, target)
    response.headers += choosing.target_cookies(group, target, response.headers, now)
    response.headers += choosing.group_cookies(config, arn, now)
    return response


async def _function(exchange: Exchange, group: TargetGroup, target: Target) -> Response:
    call, request = exchange.call, exchange.request
    if request.websocket:
        return page(400, reason="functions take no WebSockets: load balancers refuse the handshake")
    try:
        body = await request.body.read(function_target.MAX_REQUEST)
    except BodyTooLarge:
        return page(413, reason="functions get requests with bodies of at most 1 MB from load balancers")
    call.request_bytes = len(body)
    event = function_target.event(group, request, exchange.path, exchange.fields, body)
    try:
        payload = await call.part(Invoker).invoke(call, group, target, event, exchange.seconds)
        return function_target.response(group, payload)
    except NoAnswer as failure:
        logger.warning("load balancer %s: %s", exchange.balancer.name, failure)
        return page(504 if failure.late else 502, reason=str(failure))
    except function_target.Malformed as problem:
        logger.warning("load balancer %s answered 502 for %s: %s", exchange.balancer.name, target.id, problem)
        return page(502, reason=str(problem))


def _finished(exchange: Exchange, response: Response) -> Response:
    """The response with the header fields that listener attributes put into it."""
    given = exchange.listener.attributes
    if attributes.value(attributes.LISTENER, given, "routing.http.response.server.enabled") != "true":
        response.headers = [field for field in response.headers if field[0].lower() != "server"]
    elif not any(name.lower() == "server" for name, _ in response.headers):
        response.headers = [*response.headers, SERVER]
    for key, name in attributes.RESPONSE_FIELDS.items():
        if content := given.get(key):
            kept = [field for field in response.headers if field[0].lower() != name.lower()]
            response.headers = [*kept, (name, content)]
    if isinstance(response.body, bytes):
        exchange.call.response_bytes = len(response.body)
    return response


def _passed_on(call: Call, request: Request, balancer: LoadBalancer, listener: Listener) -> HeaderList:
    """The header fields that targets get: those sent, without the connection's own, and the load balancer's."""
    mode = attributes.value(attributes.BALANCER, balancer.attributes, "routing.http.xff_header_processing.mode")
    source, forwarded = request.client[0], ""
    if attributes.value(attributes.BALANCER, balancer.attributes, "routing.http.xff_client_port.enabled") == "true":
        source = f"[{source}]:{request.client[1]}" if ":" in source else f"{source}:{request.client[1]}"
    kept: HeaderList = []
    trace = ""
    for name, content in request.headers.items:
        lower = name.lower()
        if lower == "x-forwarded-for":
            forwarded = f"{forwarded}, {content}" if forwarded else content
        elif lower == "x-amzn-trace-id":
            trace = content
        elif lower not in _HOP:
            kept.append((name, content))
    if mode == "append":
        forwarded = f"{forwarded}, {source}" if forwarded else source
    if forwarded and mode != "remove":
        kept.append(("X-Forwarded-For", forwarded))
    traced = f"Self={trace_id(call.now)};{trace}" if "Root=" in trace else f"Root={call.trace.root}"
    properties = listener.properties
    return [
        *kept,
        ("X-Forwarded-Proto", properties["Protocol"].lower()),
        ("X-Forwarded-Port", str(properties["Port"])),
        ("X-Amzn-Trace-Id", traced),
    ]


def _chosen(found: list[Listener], port: str, scheme: str) -> Listener | None:
    """The listener that a request is for: by the port that it names, else by its scheme and the usual port."""
    by_port = {str(one.properties["Port"]): one for one in found}
    if port in by_port:
        return by_port[port]
    alike = [one for one in found if one.properties["Protocol"].lower() == scheme] or found
    usual = 443 if scheme == "https" else 80
    return min(alike, key=lambda one: (one.properties["Port"] != usual, one.properties["Port"]), default=None)


def _port_of(host: str) -> str:
    _, colon, port = host.rpartition(":")
    return port if colon and port.isdigit() else ""


def _bare(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


@transactional
async def _place(tx: Transaction, label: str) -> Place | None:
    return await places.get(tx, label)


@transactional
async def _balancer(tx: Transaction, place: Place) -> tuple[LoadBalancer, list[Listener]] | None:
    balancer = await balancers.get(tx, place.name)
    return None if balancer is None else (balancer, await listeners.list(tx, balancer.id))


@transactional
async def _group(tx: Transaction, arn: str) -> TargetGroup | None:
    try:
        return await find_group(tx, arn)
    except AwsError:
        return None
