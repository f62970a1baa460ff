"""One viewer's request while it is being answered: what is known of it, and what has been found out."""

from __future__ import annotations

from dataclasses import dataclass, field

from kumoi.doorway import Call
from kumoi.services.cloudfront.edge.compiled import Behaviour, Served
from kumoi.services.cloudfront.edge.invalidated import Rules
from kumoi.services.cloudfront.edge.messages import EdgeRequest
from kumoi.services.cloudfront.edge.origin import Origin
from kumoi.services.cloudfront.edge.pops import Pop


@dataclass(slots=True)
class Visit:
    """`viewer` is the request as it came; `scheme` how it counts as having come. `result` and `detail` are for logs.

    `chosen_origin` and `chosen_group` are what a viewer-request function has chosen instead of the behaviour's own.
    """

    call: Call
    served: Served
    pop: Pop
    viewer: EdgeRequest
    behaviour: Behaviour
    scheme: str
    host: str
    port: int
    version: str
    request_id: str
    via: str
    result: str = "Miss"
    detail: str = "Miss"
    cache: str = "Miss from cloudfront"
    rules: Rules | None = None
    chosen_origin: Origin | None = None
    chosen_group: tuple[tuple[Origin, ...], frozenset[int]] | None = None
    origin_seconds: float | None = None
    seconds: float = 0.0
    ran: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def epoch(self) -> int:
        """How many invalidations the distribution has had."""
        return 0 if self.rules is None else self.rules.epoch

    @property
    def now(self) -> float:
        """The platform's time."""
        return self.call.now
