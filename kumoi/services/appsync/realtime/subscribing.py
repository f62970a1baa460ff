"""The messages of a connection to a GraphQL API: start and stop; and deliveries to those who started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.appsync import appsync
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.conversation import Conversation
from kumoi.services.appsync.realtime.hub import Hub, Subscription
from kumoi.services.appsync.realtime.session import Session

MAX_SUBSCRIPTIONS = 200


class GraphqlConversation(Conversation):
    """What a client of a GraphQL API says. A stop ends a start that is still under way."""

    acknowledged = messages.ACKNOWLEDGED

    def handle(self, kind: str, id: str, message: Mapping[str, Any]) -> None:
        """Do what a message says."""
        session = self.session
        if kind == "stop":
            self._stop(id)
        elif kind != "start":
            self.fail(id, "UnsupportedOperation", "unknown not supported through the realtime channel")
        elif id in self.pending or id in session.subscriptions:
            self.fail(id, "BadRequestException", f"There is a subscription with the id {id} already.")
        elif len(self.pending) + len(session.subscriptions) >= MAX_SUBSCRIPTIONS:
            text = f"Max number of {MAX_SUBSCRIPTIONS} subscriptions reached"
            self.fail(id, "MaxSubscriptionsReachedError", text)
        else:
            self.begin(id, "StartSubscription", kind, message)

    def fail(self, id: str | None, kind: str, text: str) -> None:
        """An error, of a subscription or of the connection."""
        self.session.post(messages.failed(id, [messages.error_entry(kind, text)]))

    def refuse(self, kind: str, id: str, error: str, text: str) -> None:
        """A subscription's error."""
        self.fail(id, error, text)

    def _stop(self, id: str) -> None:
        task = self.pending.pop(id, None)
        if task is not None:
            task.cancel()
        subscription = self.session.subscriptions.get(id)
        if subscription is not None:
            self.hub.remove(subscription)
        self.session.post(messages.about("complete", id))


@appsync.operation(name="StartSubscription")
async def start_subscription(call: Call, apiId: str, Session: Session, Id: str, Message: Mapping[str, Any]) -> None:
    """Start a subscription of a session, or tell its client why not."""
    from kumoi.services.appsync.realtime.starting import CannotStart, begin

    call.node = f"appsync:{apiId}"
    try:
        feed, wants = await begin(call, Session, Message.get("payload"))
    except CannotStart as refusal:
        call.outcome = str(refusal.errors[0].get("errorType") or "ValidationError")
        Session.post(messages.failed(Id, refusal.errors))
        return
    call.part(Hub).add(Subscription(Session, Id, feed, wants))
    Session.post(messages.about("start_ack", Id))


@appsync.operation(name="DeliverToSubscribers")
async def deliver_to_subscribers(call: Call, apiId: str, Publication: Any) -> dict[str, int]:
    """Send what a mutation came to to those who want it."""
    from kumoi.services.appsync.realtime.publishing import deliver

    return {"Count": await deliver(call, apiId, Publication)}
