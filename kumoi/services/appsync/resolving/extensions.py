"""What programs ask of subscriptions: `extensions.setSubscriptionFilter` and its like, in VTL and JavaScript.

Filters are for resolvers of subscriptions, invalidations for those of mutations. Source: "Extensions" of the developer
guide.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.services.appsync.realtime.filters import parsed
from kumoi.services.appsync.resolving.field import Field
from kumoi.services.appsync.resolving.outcomes import FieldError

FILTERS = ("setSubscriptionFilter", "setSubscriptionInvalidationFilter")
INVALIDATE = "invalidateSubscriptions"
MAX_INVALIDATIONS = 5


def called(field: Field, name: str, given: Any = None) -> str:
    """A program called an extension; raises FieldError. Answers nothing, as text."""
    wanted = "Subscription" if name in FILTERS else "Mutation"
    if field.type_name != wanted:
        raise FieldError(f"{name} can be called by resolvers of type {wanted} only.", "BadRequestException")
    if name in FILTERS:
        field.asked.filters[name] = parsed(given)
        return ""
    if isinstance(given, str):
        try:
            given = orjson.loads(given)
        except orjson.JSONDecodeError:
            given = None
    if not isinstance(given, dict) or not isinstance(given.get("subscriptionField"), str):
        raise FieldError("invalidateSubscriptions needs a subscriptionField and a payload.", "BadRequestException")
    if given in field.asked.invalidations:
        return ""
    if len(field.asked.invalidations) >= MAX_INVALIDATIONS:
        text = f"invalidateSubscriptions can be called {MAX_INVALIDATIONS} times in a request."
        raise FieldError(text, "BadRequestException")
    field.asked.invalidations.append(given)
    return ""
