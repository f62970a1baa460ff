"""What SES stores, for both of its APIs. Times are epoch seconds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kumoi.names import arn
from kumoi.state.space import Space

COUNTS = "ses.count"
"""Counters, by quarter of an hour and by what happened."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """An address or a domain that mails may come from.

    `topics` are the topics of its notifications by kind, `with_headers` the kinds that tell headers; `signing` holds
    what was set of its DKIM signatures.
    """

    name: str
    account: str
    region: str
    created: float
    token: str
    dkim_tokens: tuple[str, ...]
    dkim_enabled: bool = True
    dkim_asked: bool = True
    signing: dict[str, str] = {}
    mail_from: str = ""
    mail_from_behavior: str = "USE_DEFAULT_VALUE"
    forwarding: bool = True
    topics: dict[str, str] = {}
    with_headers: tuple[str, ...] = ()
    policies: dict[str, str] = {}
    configuration_set: str = ""
    tags: dict[str, str] = {}

    @property
    def is_domain(self) -> bool:
        """Whether it is a domain, with all the addresses in it."""
        return "@" not in self.name

    @property
    def arn(self) -> str:
        """The ARN."""
        return identity_arn(self.region, self.account, self.name)


def identity_arn(region: str, account: str, name: str) -> str:
    """The ARN of an identity."""
    return arn("ses", region, account, f"identity/{name}")


class EventDestination(msgspec.Struct, frozen=True, kw_only=True):
    """Where events of a configuration set go: `types` as the v2 API calls them, `target` as it describes it."""

    name: str
    enabled: bool
    types: tuple[str, ...]
    target: dict[str, Any]


class ConfigurationSet(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration set. `options` are its settings by the v2 API's names; `sending` whether it may send."""

    name: str
    created: float
    sending: bool = True
    options: dict[str, dict[str, Any]] = {}
    destinations: tuple[EventDestination, ...] = ()
    tags: dict[str, str] = {}


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A mail template. A part that is None is not in it."""

    name: str
    created: float
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    tags: dict[str, str] = {}


class Suppressed(msgspec.Struct, frozen=True, kw_only=True):
    """An address that nothing is delivered to; in lower case."""

    address: str
    reason: Literal["BOUNCE", "COMPLAINT"]
    updated: float
    message: str = ""
    feedback: str = ""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A topic of a contact list."""

    name: str
    display: str
    default: str
    description: str = ""


class ContactList(msgspec.Struct, frozen=True, kw_only=True):
    """A list of contacts, and what they can subscribe to."""

    name: str
    created: float
    updated: float
    description: str = ""
    topics: tuple[Topic, ...] = ()
    tags: dict[str, str] = {}


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on a list: `preferences` say by topic whether they opted in or out."""

    list: str
    address: str
    created: float
    updated: float
    preferences: dict[str, str] = {}
    unsubscribed: bool = False
    attributes: str | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account's settings in a region."""

    sending: bool = True
    suppresses: tuple[str, ...] = ("BOUNCE", "COMPLAINT")
    warmup: bool = False
    details: dict[str, Any] = {}
    vdm: dict[str, Any] = {}


identities: Space[Identity] = Space("ses.identity", Identity, lambda one: (one.name,), remembered=True)
configuration_sets: Space[ConfigurationSet] = Space(
    "ses.configuration-set", ConfigurationSet, lambda one: (one.name,), remembered=True
)
templates: Space[Template] = Space("ses.template", Template, lambda one: (one.name,), remembered=True)
suppressed: Space[Suppressed] = Space("ses.suppressed", Suppressed, lambda one: (one.address,))
contact_lists: Space[ContactList] = Space("ses.contact-list", ContactList, lambda one: (one.name,))
contacts: Space[Contact] = Space("ses.contact", Contact, lambda one: (one.list, one.address))
accounts: Space[Account] = Space("ses.account", Account, lambda _: (), remembered=True)
