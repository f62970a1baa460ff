"""Hops of traced calls become segments.

A hop that carries what its service told X-Ray (`hop.traced`) is rendered by the kind of its service. The calls that it
made come by as hops before it does; they are gathered by its span and become its subsegments. Whatever is not traced is
looked at for no longer than it takes to see that.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from kumoi.doorway import Hop, Hops, Traced
from kumoi.services.xray.intake import Intake
from kumoi.services.xray.platform_segments import api_gateway, functions, graphql
from kumoi.services.xray.storage import Place
from kumoi.services.xray.traces import Document

Render = Callable[[Hop, Traced, Sequence[Hop]], list[Document]]

_RENDER: Mapping[str, Render] = {
    "lambda": functions.render,
    "apigateway": api_gateway.render,
    "appsync": graphql.render,
}
_GATHERED = 4_096
"""Of how many calls that are under way the calls they made are kept."""


class Emitter:
    """Listens to hops while the platform runs."""

    def __init__(self, hops: Hops, intake: Intake) -> None:
        self._intake = intake
        self._made: OrderedDict[str, list[Hop]] = OrderedDict()
        self._leave = hops.listen(self.see)

    def see(self, hop: Hop) -> None:
        """Take note of a hop."""
        if hop.within:
            self._made.setdefault(hop.parent, []).append(hop)
            if len(self._made) > _GATHERED:
                self._made.popitem(last=False)
        if hop.traced is not None:
            documents = _RENDER[hop.traced.kind](hop, hop.traced, self._made.pop(hop.span, ()))
            self._intake.write_made(Place(hop.account, hop.region), documents)

    def forget(self, account: str | None) -> None:
        """Drop what was gathered for an account, or all."""
        for span in [span for span, hops in self._made.items() if account in (None, hops[0].account)]:
            del self._made[span]

    def stop(self) -> None:
        """Listen no more."""
        self._leave()
