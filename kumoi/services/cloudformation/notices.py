"""Events of stacks for the topics that NotificationARNs name, in the form that AWS's mails have.

A notice is a timer due at once, set in the transaction that stores its event: it is told after a crash, too, and again
where SNS did not answer. Source: "Setting CloudFormation stack options" of the user guide, whose topics get one message
an event.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from kumoi.delivery.retry import failure_of
from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.names import Arn
from kumoi.services.cloudformation.records import Stack, StackEvent
from kumoi.state import Timer, Transaction
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

TOPIC = "cloudformation.notice"
LONGEST_SECONDS = 86_400.0
"""How long a notice is tried again."""
SUBJECT = "AWS CloudFormation Notification"


class Notice(msgspec.Struct, frozen=True):
    """An event of a stack, and the topic that is told of it."""

    topic: str
    stack_id: str
    stack_name: str
    event: StackEvent


def announce(tx: Transaction, stack: Stack, event: StackEvent) -> None:
    """Have an event told to the stack's topics once this transaction has committed."""
    for topic in stack.notifications:
        notice = Notice(topic, stack.id, stack.name, event)
        tx.timer(event.when, TOPIC, msgspec.msgpack.encode(notice))


class Announcer:
    """Publishes notices."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway

    async def fire(self, timer: Timer) -> None:
        """Tell a topic of an event; what a topic refuses is logged, what it could not be told is tried again."""
        notice = msgspec.msgpack.decode(timer.payload, type=Notice)
        caller = Principal.of_service(
            timer.account, "cloudformation.amazonaws.com", f"cloudformation:{notice.stack_name}", notice.stack_id
        )
        params = {"TopicArn": notice.topic, "Subject": SUBJECT, "Message": message(notice, timer.account)}
        try:
            region = Arn.parse(notice.topic).region
            await self._doorway.ask("sns", "Publish", params, caller, region)
        except (AwsError, CallDropped, ValueError) as error:
            if failure_of(error).retry and self._doorway.clock.now() < notice.event.when + LONGEST_SECONDS:
                raise
            logger.warning("stack %s cannot tell %s of its events: %s", notice.stack_name, notice.topic, error)


def message(notice: Notice, account: str) -> str:
    """A notice as its topic gets it: a member a line."""
    event = notice.event
    members = {
        "StackId": notice.stack_id,
        "Timestamp": datetime.fromtimestamp(event.when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "EventId": event.id,
        "LogicalResourceId": event.name,
        "Namespace": account,
        "PhysicalResourceId": event.physical_id,
        "ResourceProperties": event.properties or "null",
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason or "",
        "ResourceType": event.type,
        "StackName": notice.stack_name,
        "ClientRequestToken": "null",
    }
    return "".join(f"{name}='{value}'\n" for name, value in members.items())
