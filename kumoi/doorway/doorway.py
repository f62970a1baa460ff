"""The one doorway: every call is authorised, broken (if a fault is declared), traced, metered and dispatched here.

A call comes from the gateway or from a service (`call.to`). Its handler runs between the guards, and what happened
is left behind as one hop.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from msgspec.structs import replace

from kumoi.blobs import Blobs
from kumoi.clock import Clock
from kumoi.doorway.beginnings import Beginnings
from kumoi.doorway.call import NO_TRACE, Call, Trace
from kumoi.doorway.charges import Charges
from kumoi.doorway.fault import STALE_SECONDS, Fault, Point
from kumoi.doorway.faults import CallDropped, Faults
from kumoi.doorway.hop import Hop
from kumoi.doorway.hops import Hops
from kumoi.doorway.identity import Identity
from kumoi.doorway.parts import Parts
from kumoi.doorway.payloads import Payloads
from kumoi.doorway.principal import Principal
from kumoi.doorway.registry import Registry
from kumoi.doorway.tracing import Tracing
from kumoi.lake import Lake
from kumoi.names import span_id, uuid
from kumoi.state import State
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import BodyTooLarge, BufferedBody, ClientDisconnected

logger = logging.getLogger(__name__)

MOST_REPEATED = 64 << 20
"""Bytes that a call may carry which a fault repeats."""


class Doorway:
    """The guards in their order, around the registry of services.

    `directory` answers a private directory by name, for what a service keeps in files. `endpoint` is the platform's
    URL once it listens. `limit` raises for calls that would cost more than they may.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        state: State,
        blobs: Blobs,
        lake: Lake,
        clock: Clock,
        identity: Identity,
        faults: Faults,
        hops: Hops,
        parts: Parts,
        directory: Callable[[str], Path],
        tracing: Tracing | None = None,
        payloads: Payloads | None = None,
    ) -> None:
        self.registry = registry
        self.state = state
        self.blobs = blobs
        self.lake = lake
        self.clock = clock
        self.identity = identity
        self.faults = faults
        self.hops = hops
        self.charges = Charges(lake, clock)
        self.limit: Callable[[Call], None] | None = None
        self.payloads = payloads or Payloads(on=False)
        self.parts = parts
        self.directory = directory
        self.tracing = tracing or Tracing()
        self.endpoint = ""
        self._under_way: dict[str, Call] = {}
        self._beginnings = Beginnings()
        faults.listen(self._faults_changed)

    @property
    def under_way(self) -> list[Call]:
        """The calls that are being answered, the oldest first."""
        return list(self._under_way.values())

    async def dispatch(self, call: Call) -> Any:
        """Pass a call; answers the handler's plain result.

        Raises AwsError (a handler's own, or InternalFailure for what it did not foresee), CallDropped, and
        ClientDisconnected where the rest of its body never came.
        """
        service = self.registry[call.service]
        if not service.loaded:
            await service.load()
        operation = service.find(call.operation)
        call.node = service.node(call.params)
        began, arrived = perf_counter(), self.clock.now()
        call.units["requests"] = 1
        fault = self._fault(call) if self.faults.active else None
        outcome = "ok"
        self._under_way[call.span] = call
        try:
            if self.limit is not None:
                self.limit(call)
            if (asking := self.identity.asking(call, service)) is not None:
                await asking
            operation.check(call.service, call.params)
            if fault is None:
                result = await operation.handler(call, **call.params)
            else:
                call.fault = fault.id
                result = await self._broken(call, fault, lambda: operation.handler(call, **call.params), call)
            outcome = call.outcome
            if self.payloads.on:
                self.payloads.record(call, result)
            return result
        except AwsError as error:
            outcome = error.code
            if self.payloads.on:
                self.payloads.record(call, {"error": error.code, "message": error.message}, failed=True)
            raise
        except CallDropped:
            outcome = "Dropped"
            raise
        except ClientDisconnected:
            outcome = "Cancelled"
            raise
        except Exception as error:
            outcome = "InternalFailure"
            logger.exception("%s %s failed (request %s)", call.service, call.operation, call.request_id)
            raise aws_error(
                "InternalFailure",
                f"Kumoi failed at {call.service} {call.operation} ({type(error).__name__});"
                f" its log has the details under request {call.request_id}.",
            ) from error
        except BaseException:
            outcome = "Cancelled"
            raise
        finally:
            self._under_way.pop(call.span, None)
            if self.faults.active:
                self.faults.passed(_edge(call))
            self.hops.record(
                Hop(
                    int(arrived * 1000),
                    call.account,
                    call.region,
                    call.trace.root,
                    call.span,
                    call.trace.parent,
                    call.source,
                    call.node,
                    call.service,
                    call.operation,
                    outcome,
                    int((perf_counter() - began) * 1e6),
                    call.request_bytes,
                    call.response_bytes,
                    call.request_id,
                    call.fault,
                    call.units,
                    call.caller.arn if call.asked else "",
                    call.asked,
                    call.denied,
                    call.warning,
                    call.traced,
                    call.trace.traced and not call.caller.looks_up(call.service),
                )
            )

    async def hand_on(
        self, call: Call, service: str, operation: str, place: tuple[str, str], node: str, **params: Any
    ) -> Any:
        """Let another service go on with a call that has passed the doorway: the same hop, now as that service's.

        `place` is the account and region of what is called. For data planes that only find out whose a request is.
        """
        target = self.registry[service]
        if not target.loaded:
            await target.load()
        as_it_came = replace(call) if self.faults.active else call
        call.account, call.region = place
        call.service, call.node = service, node
        handler = target.find(operation).handler
        fault = self._fault(call)
        if fault is None:
            return await handler(call, **params)
        call.fault = fault.id
        return await self._broken(call, fault, lambda: handler(call, **params), as_it_came)

    async def ask(
        self,
        service: str,
        operation: str,
        params: dict[str, Any],
        caller: Principal,
        region: str,
        trace: Trace = NO_TRACE,
        request_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> Any:
        """Call an operation on a service's own initiative: a timer, a poller, a delivery that nobody waits for.

        `caller` is who acts (`Principal.of_service`), in its account; without a `trace` a new one begins.
        """
        call = Call(self, service, operation, params, caller, caller.account, region, trace, caller.source)
        if attributes is not None:
            call.attributes = attributes
        if not trace.root:
            call.trace = Trace.new(self.clock.now())
        if request_id is not None:
            call.request_id = request_id
        return await self.dispatch(call)

    def fault_at(self, call: Call, point: Point, node: str) -> Fault | None:
        """The fault that strikes a call beyond the doorway, at a point where it has come to `node`; counts it."""
        if not self.faults.active:
            return None
        found = self.faults.matching(
            call.account, call.source, call.service, call.operation, node, call.caller.arn, call.region, point
        )
        edge = f"{call.source}>{node}#{call.operation}"
        return self.faults.choose_of(found, edge, partial(self._fits, call)) if found else None

    def _fault(self, call: Call) -> Fault | None:
        if not self.faults.active or call.fault:  # a duplicate is not struck again
            return None
        if self._beginnings.asked:
            self._beginnings.of(call)  # of calls that nothing strikes, too: what comes of them may be struck
        found = self.faults.matching(
            call.account,
            call.source,
            call.service,
            call.operation,
            call.node,
            call.caller.arn,
            call.region,
        )
        return self.faults.choose_of(found, _edge(call), partial(self._fits, call)) if found else None

    def _fits(self, call: Call, fault: Fault) -> bool:
        """Whether a fault that matches a call can strike it: whose it is, and whether a read of its can be stale."""
        attributes = self._beginnings.of(call) if fault.attributes else {}
        if not fault.belongs(call.source, call.node, attributes):
            return False
        if fault.action != "stale":
            return True
        reads = self.registry[call.service].eventual
        return reads is not None and reads.includes(call.operation, call.params)

    def _faults_changed(self) -> None:
        """Have noted what faults ask of traces' beginnings, and kept of the state what stale reads look back to."""
        self._beginnings.ask(frozenset(name for fault, _ in self.faults.list() for name in fault.attributes))
        seconds = max((fault.age for fault, _ in self.faults.list()), default=0.0)
        rows = [service.eventual.rows for service in self.registry if service.eventual is not None]
        self.state.keep_past(frozenset[str]().union(*rows) if seconds else frozenset(), seconds)

    async def _broken(self, call: Call, fault: Fault, run: Callable[[], Awaitable[Any]], repeated: Call) -> Any:
        """Answer a call as a fault has it; `repeated` is what comes again where it has a call come again."""
        if fault.action == "duplicate":
            await _hold_bodies(call)
            result = await run()
            self.hops.had_effect(call.service, call.operation)
            await self._repeat(repeated, fault)
            return result
        if fault.action == "stale":
            call.as_of = self.clock.now() - (fault.delay_ms / 1000 or STALE_SECONDS)
            return await run()
        if fault.action == "truncate" or fault.action == "corrupt":
            result = await run()
            if call.damage is None:
                raise CallDropped
            call.damage = fault.action
            return result
        if fault.phase == "before":
            await self.faults.strike(fault, call.service, _edge(call))
            return await run()
        result = await run()
        self.hops.had_effect(call.service, call.operation)
        await self.faults.strike(fault, call.service, _edge(call))
        return result

    async def _repeat(self, call: Call, fault: Fault) -> None:
        """Let a call come again, as at-least-once delivery may: hops of their own, and nobody sees their answers."""
        for _ in range(fault.copies):
            copy = replace(call, request_id=uuid(), span=span_id(), units={}, outcome="ok", warning="", fault=fault.id)
            try:
                await self.dispatch(copy)
            except (AwsError, CallDropped) as error:
                logger.info("a duplicate of %s %s ended with %s", call.service, call.operation, error)


def _edge(call: Call) -> str:
    return f"{call.source}>{call.node}#{call.operation}"


async def _hold_bodies(call: Call) -> None:
    """Have what arrives as a stream in memory, so that it can be read again; refused past MOST_REPEATED bytes."""
    try:
        streams = [name for name, value in call.params.items() if hasattr(value, "stream")]
        for name in streams:
            body = call.params[name]
            call.params[name] = BufferedBody(await body.read(MOST_REPEATED), body.trailers)
        if not streams and call.http is not None and not isinstance(call.http.body, BufferedBody):
            call.http.body = BufferedBody(await call.http.body.read(MOST_REPEATED), call.http.body.trailers)
    except BodyTooLarge:
        text = f"A declared fault repeats this call; its body is longer than {MOST_REPEATED} bytes."
        raise aws_error("RequestEntityTooLargeException", text, status=413) from None
