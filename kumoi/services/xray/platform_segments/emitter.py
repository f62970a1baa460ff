"""Hops of traced calls become segments.

A hop that carries what its service told X-Ray (`hop.traced`) is rendered by the kind of its service. The calls that it
made come by as hops before it does; they are gathered by its span and become its subsegments. Whatever is not traced is
looked at for no longer than it takes to see that.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from kumoi.doorway import Hop, Hops, Traced
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.platform_segments import api_gateway, functions, graphql
from kumoi.services.xray.platform_segments.parts import call_made
from kumoi.services.xray.storage import Place
from kumoi.services.xray.traces import Document

logger = logging.getLogger(__name__)

Render = Callable[[Hop, Traced, Sequence[Hop]], list[Document]]

_RENDER: Mapping[str, Render] = {
    "lambda": functions.render,
    "apigateway": api_gateway.render,
    "appsync": graphql.render,
}
FAULT = "kumoi_fault"
"""The annotation that names the declared fault that struck a call."""
_GATHERED = 4_096
"""Of how many calls that are under way the calls they made are kept."""
_INSIDE = 100
"""How many subsegments a segment holds itself, as with the SDKs."""


class Emitter:
    """Listens to hops while the platform runs."""

    def __init__(self, hops: Hops, intake: Intake) -> None:
        self._intake = intake
        self._made: OrderedDict[str, list[Hop]] = OrderedDict()
        self._leave = hops.listen_by_kind(lambda hop: self.see if hop.within or hop.traced is not None else None)

    def see(self, hop: Hop) -> None:
        """Take note of a hop."""
        try:
            if hop.within:
                self._gather(hop)
            if hop.traced is not None:
                self._emit(hop, hop.traced)
        except Exception:
            logger.exception("no segments could be made of %s %s", hop.target, hop.operation)

    def _gather(self, hop: Hop) -> None:
        """Keep a call for its caller's segment; past the first hundred it is sent alone: none grows too large."""
        made = self._made.setdefault(hop.parent, [])
        if len(made) < _INSIDE:
            made.append(hop)
        else:
            alone = {"type": "subsegment", "trace_id": hop.trace, "parent_id": hop.parent}
            self._intake.write_made(Place(hop.account, hop.region), [{**call_made(hop), **alone}])
        if len(self._made) > _GATHERED:
            self._made.popitem(last=False)

    def _emit(self, hop: Hop, traced: Traced) -> None:
        documents = _RENDER[traced.kind](hop, traced, self._made.pop(hop.span, ()))
        if hop.fault:
            documents[0]["annotations"] = {FAULT: hop.fault}
        self._intake.write_made(Place(hop.account, hop.region), documents)

    def forget(self, account: str | None) -> None:
        """Drop what was gathered for an account, or all."""
        for span in [span for span, hops in self._made.items() if account in (None, hops[0].account)]:
            del self._made[span]

    def stop(self) -> None:
        """Listen no more."""
        self._leave()
