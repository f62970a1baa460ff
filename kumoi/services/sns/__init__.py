"""Amazon SNS: topics, subscriptions, and the delivery of what is published.

Publish checks the message (`message.py`), decides which subscriptions let it pass (`filter_policy.py`) and stores one
delivery for each of them in the transaction that accepts it (`publishing.py`, `dispatcher.py`); only then it answers.
Deliveries go to queues, functions and HTTP endpoints (`hand_over.py`) in the forms of
`notification.py`, signed (`signing.py`) with a certificate that the platform serves; what fails is tried again as
`retries.py` says, then goes to the subscription's dead-letter queue. A FIFO topic's groups are delivered one message
after the other. Email, text messages and mobile pushes leave the platform nowhere: they are logged and kept in the
mailbox (`letters.py`).

Rules: the SNS API reference and developer guide, and recorded answers of the service.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service
from kumoi.state import State

sns = Service(
    "sns",
    __name__,
    modules=(
        "operations.confirmation",
        "operations.data_protection",
        "operations.permissions",
        "operations.planes",
        "operations.platform_applications",
        "operations.platform_endpoints",
        "operations.publish",
        "operations.sms",
        "operations.subscription_attributes",
        "operations.subscriptions",
        "operations.tags",
        "operations.topics",
    ),
    resource=("TopicArn", "TargetArn", "Name", "SubscriptionArn", "ResourceArn", "EndpointArn", "PhoneNumber"),
    data_planes=("sns-certificate", "sns-outbox"),
    authorization="authorization",
    directories=("sns",),
    tagged="tagged",
)


@sns.resource_name
def topic_node(value: str) -> str:
    """The topic's name, out of its ARN or that of a subscription."""
    parts = value.split(":")
    return parts[5] if len(parts) > 5 else value


@sns.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep deliveries going while the platform runs."""
    from kumoi.services.sns.lifespan import running

    async with running(parts):
        yield


@sns.on_reset
async def reset(parts: Parts, _state: State, account: str | None) -> None:
    """Drop the deliveries of what is being forgotten."""
    from kumoi.services.sns.dispatcher import Dispatcher

    await parts[Dispatcher].outbox.forget(account)
