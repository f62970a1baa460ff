"""What may be set of an identity; pure."""

from __future__ import annotations

import orjson

from kumoi.doorway import Call
from kumoi.services.ses.errors import invalid

POLICY_LIMIT = 20
_LONGEST_POLICY = 4096


def check_policy(text: str) -> None:
    """ValueError for what is no policy document."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"Policy is not valid JSON: {error}") from None
    if not isinstance(document, dict) or not document.get("Statement"):
        raise ValueError("Policy has no statement.")
    if len(text) > _LONGEST_POLICY:
        raise ValueError(f"Policy is longer than {_LONGEST_POLICY} characters.")


def check_mail_from(call: Call, identity: str, domain: str) -> None:
    """A MAIL FROM domain is a subdomain of the identity's."""
    parent = identity.rpartition("@")[2]
    if not domain.lower().endswith(f".{parent}"):
        raise invalid(call, f"Provided MAIL-FROM domain <{domain}> is not subdomain of the domain of the identity.")
