"""The one doorway: every call is authorised, broken (if a fault is declared), traced, metered and dispatched here.

A call comes from the gateway or from a service (`call.to`). Its handler runs between the guards, and what happened
is left behind as one hop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from kumoi.blobs import Blobs
from kumoi.clock import Clock
from kumoi.doorway.call import NO_TRACE, Call, Trace
from kumoi.doorway.charges import Charges
from kumoi.doorway.faults import CallDropped, Fault, Faults
from kumoi.doorway.hops import Hop, Hops
from kumoi.doorway.identity import Identity
from kumoi.doorway.parts import Parts
from kumoi.doorway.payloads import Payloads
from kumoi.doorway.principal import Principal
from kumoi.doorway.registry import Registry
from kumoi.doorway.service import Operation, Service
from kumoi.doorway.tracing import Tracing
from kumoi.lake import Lake
from kumoi.state import State
from kumoi.wire.errors import AwsError, aws_error

logger = logging.getLogger(__name__)


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

    async def dispatch(self, call: Call) -> Any:
        """Pass a call; answers the handler's plain result.

        Raises AwsError (a handler's own, or InternalFailure for what it did not foresee) and CallDropped.
        """
        service = self.registry[call.service]
        if not service.loaded:
            await service.load()
        operation = service.find(call.operation)
        call.node = service.node(call.params)
        began, arrived = perf_counter(), self.clock.now()
        call.units["requests"] = 1
        fault = self._fault(call)
        outcome = "ok"
        try:
            result = await self._pass(call, service, operation, fault)
            outcome = call.outcome
            if self.payloads.on:
                self.payloads.record(call, result)
            return result
        except AwsError as error:
            outcome = error.code
            if self.payloads.on:
                self.payloads.record(call, {"error": error.code, "message": error.message})
            raise
        except CallDropped:
            outcome = "Dropped"
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
                    fault.id if fault else call.fault,
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
        call.account, call.region = place
        call.service, call.node = service, node
        return await self.registry[service].find(operation).handler(call, **params)

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

    def _fault(self, call: Call) -> Fault | None:
        if not self.faults.active:
            return None
        return self.faults.choose(
            call.account,
            call.source,
            call.service,
            call.operation,
            call.node,
            caller=call.caller.arn,
            region=call.region,
        )

    async def _pass(self, call: Call, service: Service, operation: Operation, fault: Fault | None) -> Any:
        if self.limit is not None:
            self.limit(call)
        await self.identity.authorise(call, service)
        operation.check(call.service, call.params)
        if fault is not None and fault.phase == "before":
            await self.faults.strike(fault)
        result = await operation.handler(call, **call.params)
        if fault is not None and fault.phase == "after":
            await self.faults.strike(fault)
        return result
