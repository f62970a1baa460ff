"""Contact lists, their topics, and who is on them. Mails sent with a list go to nobody who opted out of its topic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.doorway import Call
from kumoi.services.ses import sesv2
from kumoi.services.ses.addresses import BadAddress, checked
from kumoi.services.ses.contacts import default_of, find_contact, find_list
from kumoi.services.ses.pages import page
from kumoi.services.ses.records import Contact, ContactList, Topic, contact_lists, contacts
from kumoi.services.ses.tags import tag_list, tags_of
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_LISTS = 1
MOST_TOPICS = 20


def _topics(given: list[dict[str, str]] | None) -> tuple[Topic, ...]:
    topics = tuple(
        Topic(
            name=one["TopicName"],
            display=one["DisplayName"],
            default=one["DefaultSubscriptionStatus"],
            description=one.get("Description", ""),
        )
        for one in given or ()
    )
    if len(topics) > MOST_TOPICS or len({one.name for one in topics}) < len(topics):
        raise aws_error("BadRequestException", f"A contact list has at most {MOST_TOPICS} topics, each once.")
    return topics


def _told_topic(one: Topic) -> dict[str, Any]:
    described = {"Description": one.description} if one.description else {}
    return {"TopicName": one.name, "DisplayName": one.display, "DefaultSubscriptionStatus": one.default, **described}


@transactional
async def _create_list(tx: Transaction, made: ContactList) -> None:
    known = await contact_lists.list(tx)
    if any(one.name == made.name for one in known):
        raise aws_error("AlreadyExistsException", f"List with name: {made.name} already exists.")
    if len(known) >= MOST_LISTS:
        raise aws_error("LimitExceededException", "This account has reached the maximum number of allowed lists.")
    await contact_lists.put(tx, made)


@sesv2.operation
async def create_contact_list(
    call: Call,
    ContactListName: str,
    Topics: list[dict[str, str]] | None = None,
    Description: str = "",
    Tags: list[dict[str, str]] | None = None,
) -> None:
    """Make the account's contact list; as at AWS, it can have one."""
    made = ContactList(
        name=ContactListName,
        created=call.now,
        updated=call.now,
        description=Description,
        topics=_topics(Topics),
        tags=tags_of(Tags),
    )
    await _create_list(call.state, made)


@sesv2.operation
async def get_contact_list(call: Call, ContactListName: str) -> dict[str, Any]:
    """A contact list."""
    found = await find_list(call.state, ContactListName)
    return {
        "ContactListName": found.name,
        "Topics": list(map(_told_topic, found.topics)),
        "Description": found.description or None,
        "CreatedTimestamp": datetime.fromtimestamp(found.created, UTC),
        "LastUpdatedTimestamp": datetime.fromtimestamp(found.updated, UTC),
        "Tags": tag_list(found.tags),
    }


@sesv2.operation
async def list_contact_lists(call: Call, PageSize: int | None = None, NextToken: str | None = None) -> dict[str, Any]:
    """The contact lists."""
    found, more = page(call, await call.state.run(contact_lists.list), NextToken, PageSize, 1000)
    told = [
        {"ContactListName": one.name, "LastUpdatedTimestamp": datetime.fromtimestamp(one.updated, UTC)} for one in found
    ]
    return {"ContactLists": told, "NextToken": more}


@transactional
async def _update_list(tx: Transaction, name: str, topics: tuple[Topic, ...] | None, description: str | None) -> None:
    found = await find_list(tx, name)
    changed = msgspec.structs.replace(
        found,
        updated=tx.now,
        topics=found.topics if topics is None else topics,
        description=found.description if description is None else description,
    )
    await contact_lists.put(tx, changed)


@sesv2.operation
async def update_contact_list(
    call: Call, ContactListName: str, Topics: list[dict[str, str]] | None = None, Description: str | None = None
) -> None:
    """Give a contact list other topics, or another description."""
    topics = None if Topics is None else _topics(Topics)
    await _update_list(call.state, ContactListName, topics, Description)


@transactional
async def _delete_list(tx: Transaction, name: str) -> None:
    await find_list(tx, name)
    await contact_lists.delete(tx, name)
    await contacts.delete_all(tx, name)


@sesv2.operation
async def delete_contact_list(call: Call, ContactListName: str) -> None:
    """Delete a contact list and the contacts on it."""
    await _delete_list(call.state, ContactListName)


def _address(text: str) -> str:
    try:
        return checked(text)
    except BadAddress as error:
        raise aws_error("BadRequestException", str(error)) from error


def _attributes(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        raise aws_error("BadRequestException", "AttributesData is not JSON.") from None
    return text


@transactional
async def _put(tx: Transaction, made: Contact, *, new: bool) -> None:
    of = await find_list(tx, made.list)
    known = await contacts.get(tx, made.list, made.address)
    if new and known is not None:
        text = f"Contact with email address {made.address} already exists in list {made.list}."
        raise aws_error("AlreadyExistsException", text)
    if not new:
        known = await find_contact(tx, made.list, made.address)
    if unknown := made.preferences.keys() - {one.name for one in of.topics}:
        raise aws_error("BadRequestException", f"The list has no topics {', '.join(sorted(unknown))}.")
    if known is not None:
        made = msgspec.structs.replace(
            made,
            created=known.created,
            preferences={**known.preferences, **made.preferences},
            attributes=known.attributes if made.attributes is None else made.attributes,
        )
    await contacts.put(tx, made)


def _contact(
    call: Call, name: str, address: str, preferences: list[dict[str, str]] | None, out: bool, attributes: str | None
) -> Contact:
    return Contact(
        list=name,
        address=_address(address),
        created=call.now,
        updated=call.now,
        preferences={one["TopicName"]: one["SubscriptionStatus"] for one in preferences or ()},
        unsubscribed=out,
        attributes=_attributes(attributes),
    )


@sesv2.operation
async def create_contact(
    call: Call,
    ContactListName: str,
    EmailAddress: str,
    TopicPreferences: list[dict[str, str]] | None = None,
    UnsubscribeAll: bool = False,
    AttributesData: str | None = None,
) -> None:
    """Put somebody onto a list."""
    made = _contact(call, ContactListName, EmailAddress, TopicPreferences, UnsubscribeAll, AttributesData)
    await _put(call.state, made, new=True)


@sesv2.operation
async def update_contact(
    call: Call,
    ContactListName: str,
    EmailAddress: str,
    TopicPreferences: list[dict[str, str]] | None = None,
    UnsubscribeAll: bool = False,
    AttributesData: str | None = None,
) -> None:
    """Change what somebody on a list prefers."""
    made = _contact(call, ContactListName, EmailAddress, TopicPreferences, UnsubscribeAll, AttributesData)
    await _put(call.state, made, new=False)


def _told(of: ContactList, one: Contact) -> dict[str, Any]:
    preferences = [{"TopicName": name, "SubscriptionStatus": status} for name, status in one.preferences.items()]
    defaults = [
        {"TopicName": topic.name, "SubscriptionStatus": topic.default}
        for topic in of.topics
        if topic.name not in one.preferences
    ]
    return {
        "EmailAddress": one.address,
        "TopicPreferences": preferences,
        "TopicDefaultPreferences": defaults,
        "UnsubscribeAll": one.unsubscribed,
        "LastUpdatedTimestamp": datetime.fromtimestamp(one.updated, UTC),
    }


@sesv2.operation
async def get_contact(call: Call, ContactListName: str, EmailAddress: str) -> dict[str, Any]:
    """Somebody on a list."""
    of = await find_list(call.state, ContactListName)
    found = await find_contact(call.state, ContactListName, _address(EmailAddress))
    created = datetime.fromtimestamp(found.created, UTC)
    own = {"ContactListName": of.name, "CreatedTimestamp": created, "AttributesData": found.attributes}
    return {**_told(of, found), **own}


@sesv2.operation
async def list_contacts(
    call: Call,
    ContactListName: str,
    Filter: dict[str, Any] | None = None,
    PageSize: int | None = None,
    NextToken: str | None = None,
) -> dict[str, Any]:
    """Who is on a list; with a filter, those of a status (of a topic)."""
    of = await find_list(call.state, ContactListName)
    known = await call.state.run(contacts.list, ContactListName)
    wanted, topic = (Filter or {}).get("FilteredStatus"), (Filter or {}).get("TopicFilter") or {}
    if wanted:
        use_default = bool(topic.get("UseDefaultIfPreferenceUnavailable"))
        known = [one for one in known if default_of(of, one, topic.get("TopicName"), use_default) == wanted]
    found, more = page(call, known, NextToken, PageSize, 1000)
    return {"Contacts": [_told(of, one) for one in found], "NextToken": more}


@transactional
async def _delete(tx: Transaction, name: str, address: str) -> None:
    await find_contact(tx, name, address)
    await contacts.delete(tx, name, address)


@sesv2.operation
async def delete_contact(call: Call, ContactListName: str, EmailAddress: str) -> None:
    """Take somebody off a list."""
    await _delete(call.state, ContactListName, _address(EmailAddress))
