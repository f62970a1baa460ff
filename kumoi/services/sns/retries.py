"""When a notification is tried again: delivery policies of HTTP endpoints, and the schedules of everything else.

Pure. Source: "Amazon SNS message delivery retries" and "Creating an HTTP/S delivery policy" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from kumoi.delivery import RetryPolicy
from kumoi.services.sns.naming import invalid

AWS_MANAGED = RetryPolicy(100_014, 23 * 86_400)
"""Queues and functions: 100,015 tries in 23 days."""
HTTP_SECONDS = 3600

_BACKOFF = ("linear", "arithmetic", "geometric", "exponential")
_CONTENT_TYPE = "text/plain; charset=UTF-8"


class HttpRetries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A healthyRetryPolicy, with AWS's members; delays in seconds."""

    minDelayTarget: int = 20  # noqa: N815
    maxDelayTarget: int = 20  # noqa: N815
    numRetries: int = 3  # noqa: N815
    numMaxDelayRetries: int = 0  # noqa: N815
    numNoDelayRetries: int = 0  # noqa: N815
    numMinDelayRetries: int = 0  # noqa: N815
    backoffFunction: str = "linear"  # noqa: N815

    def problem(self) -> str | None:
        """What is wrong with it, if anything is."""
        if not 1 <= self.minDelayTarget <= self.maxDelayTarget <= HTTP_SECONDS:
            return "minDelayTarget and maxDelayTarget must be 1 to 3600 seconds, in this order"
        phases = (self.numNoDelayRetries, self.numMinDelayRetries, self.numMaxDelayRetries)
        if not 0 <= self.numRetries <= 100:
            return "numRetries must be 0 to 100"
        if min(phases) < 0 or sum(phases) > self.numRetries:
            return "numNoDelayRetries, numMinDelayRetries and numMaxDelayRetries must add up to numRetries at most"
        if self.backoffFunction not in _BACKOFF:
            return f"backoffFunction must be one of {', '.join(_BACKOFF)}"
        return None


def pause_http(policy: HttpRetries, attempts: int) -> float:
    """Seconds before the next try of an HTTP endpoint after `attempts` of them."""
    low, high = float(policy.minDelayTarget), float(policy.maxDelayTarget)
    step = attempts - policy.numNoDelayRetries
    if step <= 0:
        return 0.0
    step -= policy.numMinDelayRetries
    if step <= 0:
        return low
    steps = policy.numRetries - policy.numNoDelayRetries - policy.numMinDelayRetries - policy.numMaxDelayRetries
    if step > steps:
        return high
    return _between(policy.backoffFunction, low, high, (step - 1) / (steps - 1) if steps > 1 else 0.0)


def _between(function: str, low: float, high: float, part: float) -> float:
    if function == "exponential":
        return float(low * (high / low) ** part)
    if function == "geometric":
        return low + (high - low) * (2**part - 1)
    if function == "arithmetic":
        return low + (high - low) * part * (part + 1) / 2
    return low + (high - low) * part


def pause_managed(attempts: int) -> float:
    """Seconds before the next try of a queue or a function after `attempts` of them."""
    if attempts <= 3:
        return 0.0
    if attempts <= 5:
        return 1.0
    return float(20 ** ((attempts - 6) / 9)) if attempts <= 15 else 20.0


def _read(text: str, prefix: str) -> dict[str, Any]:
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        policy = None
    if not isinstance(policy, dict):
        raise invalid(f"{prefix}DeliveryPolicy: failed to parse JSON.")
    return policy


def check_topic_policy(text: str, prefix: str) -> None:
    """Refuse a topic's delivery policy that is none; an empty text takes it away."""
    if not text:
        return
    policy = _read(text, prefix)
    http = policy.get("http")
    if set(policy) != {"http"} or not isinstance(http, dict):
        raise invalid(f"{prefix}DeliveryPolicy: a topic's policy has one member, http.")
    known = (
        "defaultHealthyRetryPolicy",
        "disableSubscriptionOverrides",
        "defaultThrottlePolicy",
        "defaultRequestPolicy",
    )
    _check(http, known, "defaultHealthyRetryPolicy", prefix)


def check_subscription_policy(text: str, prefix: str) -> None:
    """Refuse a subscription's delivery policy that is none."""
    if not text:
        return
    known = ("healthyRetryPolicy", "sicklyRetryPolicy", "throttlePolicy", "requestPolicy", "guaranteed")
    _check(_read(text, prefix), known, "healthyRetryPolicy", prefix)


def _check(policy: dict[str, Any], known: tuple[str, ...], retries: str, prefix: str) -> None:
    unknown = policy.keys() - set(known)
    if unknown:
        raise invalid(f"{prefix}DeliveryPolicy: unknown member {min(unknown)}.")
    for name in known:
        if name.lower().endswith("policy") and not isinstance(policy.get(name) or {}, dict):
            raise invalid(f"{prefix}DeliveryPolicy: {name} must be an object.")
    content_type = (policy.get(known[3]) or {}).get("headerContentType", _CONTENT_TYPE)
    if not isinstance(content_type, str) or not content_type.isprintable() or not content_type.isascii():
        raise invalid(f"{prefix}DeliveryPolicy: headerContentType must be a media type.")
    try:
        problem = msgspec.convert(policy.get(retries) or {}, HttpRetries).problem()
    except msgspec.ValidationError as error:
        problem = str(error)
    if problem is not None:
        raise invalid(f"{prefix}DeliveryPolicy: {problem}.")


def effective_topic_policy(text: str | None) -> dict[str, Any]:
    """A topic's delivery policy with what it leaves out."""
    http = orjson.loads(text)["http"] if text else {}
    retries = msgspec.to_builtins(msgspec.convert(http.get("defaultHealthyRetryPolicy") or {}, HttpRetries))
    return {
        "http": {
            **http,
            "defaultHealthyRetryPolicy": retries,
            "disableSubscriptionOverrides": http.get("disableSubscriptionOverrides", False),
            "defaultRequestPolicy": http.get("defaultRequestPolicy") or {"headerContentType": _CONTENT_TYPE},
        }
    }


def effective_subscription_policy(topic: Mapping[str, str], subscription: Mapping[str, str]) -> dict[str, Any]:
    """The delivery policy that holds for a subscription, from its attributes and the topic's."""
    http = effective_topic_policy(topic.get("DeliveryPolicy"))["http"]
    text = subscription.get("DeliveryPolicy")
    own = orjson.loads(text) if text and not http["disableSubscriptionOverrides"] else {}
    retries = msgspec.convert(own.get("healthyRetryPolicy") or http["defaultHealthyRetryPolicy"], HttpRetries)
    return {
        "healthyRetryPolicy": msgspec.to_builtins(retries),
        "sicklyRetryPolicy": own.get("sicklyRetryPolicy"),
        "throttlePolicy": own.get("throttlePolicy") or http.get("defaultThrottlePolicy"),
        "requestPolicy": own.get("requestPolicy") or http["defaultRequestPolicy"],
        "guaranteed": own.get("guaranteed", False),
    }
