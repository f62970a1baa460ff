"""What IoT Core bills: messages and rules by 5 KB, minutes of connections, actions.

What a client or a caller publishes is metered at its call; what the broker sends, and what follows from a message by
rules, is noted here. Source: "AWS IoT Core additional metering details".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kumoi.doorway import ChargeKey, Charges

if TYPE_CHECKING:
    from kumoi.services.iot.rule_engine import Message

UNIT_BYTES = 5 * 1024


def metered(topic: str, payload: bytes) -> int:
    """Messages that a publish counts for."""
    return max(-(-(len(topic.encode()) + len(payload)) // UNIT_BYTES), 1)


def sent(charges: Charges, account: str, region: str, messages: Sequence[Message], clients: float) -> None:
    """Note messages that go out to so many clients, each."""
    if clients:
        key = ChargeKey(account, region, "", "iot-data", "iot-data", "Deliver")
        charges.add(key, messages=sum(metered(one.topic, one.payload) for one in messages) * clients)


def subscribed(charges: Charges, account: str, region: str) -> None:
    """Note a request to subscribe, which counts as a message."""
    charges.add(ChargeKey(account, region, "", "iot-data", "iot-data", "Subscribe"), messages=1)


def connected(charges: Charges, account: str, region: str, seconds: float) -> None:
    """Note a connection that has ended: its CONNECT, and its minutes."""
    key = ChargeKey(account, region, "", "iot-data", "iot-data", "Connection")
    charges.add(key, messages=1, connection_minutes=max(math.ceil(seconds / 60), 1))


def triggered(charges: Charges, account: str, region: str, rule: str, messages: Sequence[Message]) -> None:
    """Note that messages have triggered a rule."""
    rules = sum(metered(one.topic, one.payload) for one in messages)
    charges.add(ChargeKey(account, region, "", f"iot:{rule}", "iot", "Rule"), rules=rules)


def acted(charges: Charges, account: str, region: str, rule: str, payload: bytes) -> None:
    """Note that an action of a rule was tried."""
    charges.add(ChargeKey(account, region, "", f"iot:{rule}", "iot", "Action"), actions=metered("", payload))
