"""Delivery: what a service hands over on its own initiative, durably, to targets named by their ARNs.

`Outbox` keeps each delivery as a row until the target has taken it or it was given up; `target_calls` says which calls
hand a payload to a target; `retry` holds the rules of trying again. Used by services whose answer must not wait for
their targets (EventBridge, Scheduler).
"""

from kumoi.delivery.outbox import Delivery, Outbox
from kumoi.delivery.retry import DeliveryFailed, Failure, RetryPolicy
from kumoi.delivery.targets import Payload, TargetCall, make_calls, target_calls

__all__ = [
    "Delivery",
    "DeliveryFailed",
    "Failure",
    "Outbox",
    "Payload",
    "RetryPolicy",
    "TargetCall",
    "make_calls",
    "target_calls",
]
