"""What runs for Application Auto Scaling while the platform does: scaling, and the timers of scheduled actions."""

from __future__ import annotations

from kumoi.doorway import Doorway, Parts
from kumoi.services.application_autoscaling.scaling import Scaling
from kumoi.services.application_autoscaling.schedule import TOPIC, Scheduling
from kumoi.state.timers import TimerRunner


def register(parts: Parts) -> None:
    """Build the parts and register the handler of timers."""
    doorway = parts[Doorway]
    scaling = parts.add(Scaling, Scaling(doorway))
    parts[TimerRunner].on(TOPIC, Scheduling(doorway.state, scaling).fire)
