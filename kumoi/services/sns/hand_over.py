"""Handing a notification to its endpoint by its protocol, and writing the dead letter of one that was given up.

A subscription that has ended meanwhile gets nothing any more; its attributes count as they are when a try is made.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from kumoi.delivery import Delivery, DeliveryFailed, Failure, Payload, make_calls, target_calls
from kumoi.delivery.retry import failure_of
from kumoi.doorway import NO_TRACE, CallDropped, Doorway, Principal, Trace
from kumoi.http_client import HttpClient, Unreachable
from kumoi.names import Arn
from kumoi.services.sns.letters import store
from kumoi.services.sns.notification import (
    Handover,
    Signed,
    archived,
    envelope,
    function_event,
    signed_text,
    subscribe_url,
)
from kumoi.services.sns.records import Subscription, subscriptions
from kumoi.services.sns.retries import pause_managed
from kumoi.services.sns.signing import Signer
from kumoi.services.sns.subscription_attributes import dead_letter_queue, is_raw
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

MOST_RAW_ATTRIBUTES = 10
SERVICE = "sns.amazonaws.com"
SECONDS = 15.0
"""Real seconds that an HTTP endpoint has to answer; 5xx, 429 and no answer are tried again, the rest is final."""

_decode = msgspec.msgpack.Decoder(Handover).decode


class HandOver:
    """Hands deliveries over, as SNS."""

    def __init__(self, doorway: Doorway, signer: Signer, http: HttpClient) -> None:
        self._doorway = doorway
        self._signer = signer
        self._http = http

    async def attempt(self, delivery: Delivery) -> None:
        """Hand a delivery over; raises what its endpoint answers."""
        one = _decode(delivery.content)
        found = await self._subscription(delivery, one)
        if found is None and one.kind != "UnsubscribeConfirmation":
            return
        attributes = found.attributes if found is not None else {}
        if one.protocol == "sqs":
            await self._to_queue(one, one.endpoint, attributes)
        elif one.protocol == "lambda":
            event = function_event(one, await self._signed(one), self._doorway.endpoint)
            await self._ask(Arn.parse(one.endpoint), "Invoke", _invocation(one, event), one)
        elif one.protocol in ("http", "https"):
            await self._to_http(one, attributes)
        elif one.protocol == "firehose":
            arn = Arn.parse(one.endpoint)
            text = one.text if is_raw(attributes) else archived(one, self._doorway.endpoint)
            calls = target_calls(arn, Payload(text, delivery.id, self._doorway.clock.now()))
            role = attributes.get("SubscriptionRoleArn")
            caller = Principal.of_role(arn.account, role, "SNS", _node(one)) if role else _caller(arn, one)
            await make_calls(self._doorway, calls, caller, arn.region, _trace(one))
        else:
            place = self._doorway.state.at(delivery.account, delivery.region)
            await store(place, one, await self._letter(one))

    async def give_up(self, delivery: Delivery, failure: Failure) -> None:
        """Send what the endpoint did not take to the subscription's dead-letter queue, where it has one.

        While the queue fails itself, the delivery stays stored and this goes on trying.
        """
        one = _decode(delivery.content)
        found = await self._subscription(delivery, one)
        queue = dead_letter_queue(found.attributes) if found is not None else None
        if found is None or queue is None or one.kind != "Notification":
            return
        tries = 0
        while (problem := await self._problem(one, queue, found.attributes)) is not None:
            if not problem.retry:
                logger.warning(
                    "the dead letter of %s (%s) is lost: %s: %s", one.subscription, failure.code, queue, problem.message
                )
                return
            tries += 1
            await self._doorway.clock.sleep(pause_managed(tries))

    async def _problem(self, one: Handover, queue: str, attributes: dict[str, str]) -> Failure | None:
        """Send a dead letter; why it could not be sent, if it could not."""
        try:
            await self._to_queue(one, queue, attributes)
        except (AwsError, CallDropped) as error:
            return failure_of(error)
        return None

    async def _subscription(self, delivery: Delivery, one: Handover) -> Subscription | None:
        topic, _, identifier = Arn.parse(one.subscription).resource.partition(":")
        return await subscriptions.look(self._doorway.state.at(delivery.account, delivery.region), topic, identifier)

    async def _to_queue(self, one: Handover, queue: str, attributes: dict[str, str]) -> None:
        arn = Arn.parse(queue)
        message: dict[str, Any] = {"QueueUrl": queue, "MessageBody": await self._body(one, attributes)}
        if is_raw(attributes) and one.attributes:
            if len(one.attributes) > MOST_RAW_ATTRIBUTES and queue == one.endpoint:
                text = f"raw delivery to a queue takes {MOST_RAW_ATTRIBUTES} message attributes at most"
                raise DeliveryFailed("INVALID_PARAMETER", text, retry=False)
            message["MessageAttributes"] = dict(list(one.attributes.items())[:MOST_RAW_ATTRIBUTES])
        if one.group is not None:
            message["MessageGroupId"] = one.group
        if arn.resource.endswith(".fifo") and one.deduplication is not None:
            message["MessageDeduplicationId"] = one.deduplication
        if one.trace:
            message["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": one.trace}}
        await self._ask(arn, "SendMessage", message, one)

    async def _to_http(self, one: Handover, attributes: dict[str, str]) -> None:
        raw = is_raw(attributes) and one.kind == "Notification"
        request = one.policy.get("requestPolicy") or {}
        headers = {
            "Content-Type": str(request.get("headerContentType", "text/plain; charset=UTF-8")),
            "User-Agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": one.kind,
            "x-amz-sns-message-id": one.message_id,
            "x-amz-sns-topic-arn": one.topic,
        }
        if one.kind != "SubscriptionConfirmation":
            headers["x-amz-sns-subscription-arn"] = one.subscription
        if raw:
            headers["x-amz-sns-rawdelivery"] = "true"
        body = one.text if raw else envelope(one, await self._signed(one), self._doorway.endpoint)
        content = body.encode("utf-8", "surrogatepass")
        try:
            answer = await self._http.send("POST", one.endpoint, headers.items(), content, seconds=SECONDS)
        except Unreachable as error:
            raise DeliveryFailed("CONNECTION_FAILURE", str(error), retry=True) from None
        if not 200 <= answer.status < 300:
            retry = answer.status >= 500 or answer.status == 429
            raise DeliveryFailed("ERROR_FROM_TARGET", f"{one.endpoint} answered {answer.status}", retry=retry)

    async def _letter(self, one: Handover) -> str:
        """What a person reads: the text, with the link where something is to be confirmed."""
        if one.protocol == "email-json":
            return envelope(one, await self._signed(one), self._doorway.endpoint)
        return one.text if one.kind == "Notification" else f"{one.text}\n{subscribe_url(self._doorway.endpoint, one)}"

    async def _body(self, one: Handover, attributes: dict[str, str]) -> str:
        if is_raw(attributes):
            return one.text
        return envelope(one, None if one.fifo else await self._signed(one), self._doorway.endpoint)

    async def _signed(self, one: Handover) -> Signed:
        signature = await self._signer.sign(one.signature_version, signed_text(one, self._doorway.endpoint))
        return Signed(signature, f"{self._doorway.endpoint}/{await self._signer.certificate_name()}")

    async def _ask(self, arn: Arn, operation: str, params: dict[str, Any], one: Handover) -> None:
        await self._doorway.ask(arn.service, operation, params, _caller(arn, one), arn.region, _trace(one))


def _invocation(one: Handover, event: bytes) -> dict[str, Any]:
    return {"FunctionName": one.endpoint, "InvocationType": "Event", "Payload": event}


def _caller(arn: Arn, one: Handover) -> Principal:
    return Principal.of_service(arn.account, SERVICE, _node(one), one.topic)


def _node(one: Handover) -> str:
    return f"sns:{one.topic.rpartition(':')[2]}"


def _trace(one: Handover) -> Trace:
    return Trace.parse(one.trace, one.time) if one.trace else NO_TRACE
