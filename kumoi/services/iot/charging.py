"""What IoT Core bills: messages and rules by 5 KB, minutes of connections, actions.

What a client or a caller publishes is metered at its call; what the broker sends, and what follows from a message by
rules, is noted here. Source: "AWS IoT Core additional metering details".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from kumoi.doorway import ChargeKey, Charges

UNIT_BYTES = 5 * 1024


def metered(topic: str, payloads: Sequence[bytes]) -> int:
    """Messages that publishing payloads counts for."""
    head = len(topic.encode())
    if head + max(map(len, payloads), default=0) <= UNIT_BYTES:
        return len(payloads)
    return sum(max(-(-(head + len(payload)) // UNIT_BYTES), 1) for payload in payloads)


def sent(charges: Charges, account: str, region: str, topic: str, payloads: Sequence[bytes], clients: float) -> None:
    """Note messages that go out to so many clients, each."""
    key = ChargeKey(account, region, "", "iot-data", "iot-data", "Deliver")
    charges.add(key, messages=metered(topic, payloads) * clients)


def subscribed(charges: Charges, account: str, region: str) -> None:
    """Note a request to subscribe, which counts as a message."""
    charges.add(ChargeKey(account, region, "", "iot-data", "iot-data", "Subscribe"), messages=1)


def connected(charges: Charges, account: str, region: str, seconds: float) -> None:
    """Note a connection that has ended: its CONNECT, and its minutes."""
    key = ChargeKey(account, region, "", "iot-data", "iot-data", "Connection")
    charges.add(key, messages=1, connection_minutes=max(math.ceil(seconds / 60), 1))


def triggered(charges: Charges, account: str, region: str, rule: str, topic: str, payloads: Sequence[bytes]) -> None:
    """Note that messages have triggered a rule."""
    charges.add(ChargeKey(account, region, "", f"iot:{rule}", "iot", "Rule"), rules=metered(topic, payloads))


def acted(charges: Charges, account: str, region: str, rule: str, payloads: Sequence[bytes]) -> None:
    """Note that an action of a rule was tried."""
    charges.add(ChargeKey(account, region, "", f"iot:{rule}", "iot", "Action"), actions=metered("", payloads))
