"""Which permissions Firehose's calls need: on a delivery stream, and to hand it the roles of its configuration.

Source: "Actions, resources, and condition keys for Amazon Data Firehose" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role
from kumoi.services.firehose.destinations import roles_of


def stream(call: Call) -> str:
    """The delivery stream that a call names."""
    name = call.params.get("DeliveryStreamName")
    return call.arn("firehose", f"deliverystream/{name}") if isinstance(name, str) else EVERYTHING


def with_roles(call: Call) -> Iterator[Ask]:
    """The delivery stream, and the roles it is handed."""
    yield from AUTHORIZATION.usual(call)
    for role in sorted(roles_of(call.params)):
        yield from pass_role(call, role, "firehose.amazonaws.com")


AUTHORIZATION = Authorization(
    "firehose",
    resource=stream,
    resources={"ListDeliveryStreams": everything},
    asks={"CreateDeliveryStream": with_roles, "UpdateDestination": with_roles},
)
