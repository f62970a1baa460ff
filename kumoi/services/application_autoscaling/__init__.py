"""Application Auto Scaling: capacity that follows its metric, or a schedule, between a minimum and a maximum.

A scalable target is one dimension of a resource (`dimensions.py`): its capacity is read and set by calls to the
resource's service (`capacity.py`). A target tracking policy puts alarms into CloudWatch (`tracking.py`), which come
back as ExecutePolicy when they fire; `rules.py` says what capacity follows, `scaling.py` sets it and keeps the
activity. Scheduled actions are timers of the platform's clock (`schedule.py`).

Rules: the Application Auto Scaling API reference and user guide, "Managing throughput capacity automatically with
DynamoDB auto scaling", "Managing provisioned concurrency with Application Auto Scaling" of Lambda.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

application_autoscaling = Service(
    "application-autoscaling",
    __name__,
    modules=(
        "operations.activities",
        "operations.execution",
        "operations.policies",
        "operations.scheduled_actions",
        "operations.tags",
        "operations.targets",
    ),
    resource=("ResourceId",),
    authorization="authorization",
    tagged="tagged",
)


@application_autoscaling.resource_name
def resource_node(value: str) -> str:
    """The resource's id as it is: `table/orders`, `function:pay:live`."""
    return value


@application_autoscaling.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Have scheduled actions carried out, and resources scaled one at a time, while the platform runs."""
    from kumoi.services.application_autoscaling.lifespan import register

    register(parts)
    yield
