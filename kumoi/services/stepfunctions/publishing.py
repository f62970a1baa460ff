"""What others are told of executions: log lines, and status changes for EventBridge."""

from __future__ import annotations

from kumoi.services.stepfunctions.driver import Driver
from kumoi.services.stepfunctions.records import Event


class Publishing:
    """Tells of events once they are committed."""

    def told(self, driver: Driver, events: list[Event]) -> None:
        """Events of an execution were committed."""
