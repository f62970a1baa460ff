"""Where a viewer arrives while locations are broken on purpose: at its own, or at the nearest that is not out."""

from __future__ import annotations

from kumoi.doorway import Call, CallDropped
from kumoi.services.cloudfront.edge.error_page import Failure
from kumoi.services.cloudfront.edge.pops import Pop, nearest
from kumoi.wire.errors import AwsError


async def arrived(call: Call, distribution: str, wanted: Pop) -> Pop:
    """The location that answers a viewer who comes to `wanted`, as declared faults at the edge have it.

    Raises Failure and CallDropped as they say, and where every location is out.
    """
    for pop in nearest(wanted):
        fault = call.doorway.fault_at(call, "edge", f"cloudfront:{distribution}:{pop.code}")
        if fault is None:
            return pop
        call.fault = fault.id
        if fault.action != "out":
            try:
                await call.doorway.faults.strike(fault, "cloudfront")
            except AwsError as error:
                raise Failure(error.default_status, error.message) from None
            return pop
    raise CallDropped
