"""Topics that begin with `$` are AWS's own: clients publish to those of them alone where a service is asked something.

What services answer and tell (`…/shadow/update/accepted`, `$aws/events/…`) can be believed, since no client can say it.
Source: developer guide, "Reserved topics"; "MQTT topics" of commands, and of device location.
"""

from __future__ import annotations

import re

_ASKED = re.compile(
    r"""\$aws/(?:
        rules/.+
        | things/[^/]+/(?:
            shadow(?:/name/[^/]+)?/(?:get|update|delete)
            | jobs/(?:get|start-next|[^/]+/(?:get|update))
            | defender/metrics/(?:json|cbor)
            | streams/[^/]+/(?:get|describe)/(?:json|cbor)
        )
        | commands/(?:things|clients)/[^/]+/executions/[^/]+/response(?:/(?:json|cbor))?
        | certificates/(?:create|create-from-csr)/(?:json|cbor)
        | provisioning-templates/[^/]+/provision/(?:json|cbor)
        | device_location/[^/]+/get_position_estimate
    )""",
    re.VERBOSE | re.DOTALL,
)


def publishable(topic: str) -> bool:
    """Whether clients may publish to a topic, as far as the topic decides."""
    return not topic.startswith("$") or _ASKED.fullmatch(topic) is not None
