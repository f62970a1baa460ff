"""Contact lists in the key space, and who of a list's contacts gets mails of a topic."""

from __future__ import annotations

from kumoi.services.ses.records import Contact, ContactList, contact_lists, contacts
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error


@transactional
async def find_list(tx: Transaction, name: str) -> ContactList:
    """A contact list; NotFoundException."""
    found = await contact_lists.get(tx, name)
    if found is None:
        raise aws_error("NotFoundException", f"List with name: {name} doesn't exist.")
    return found


@transactional
async def find_contact(tx: Transaction, name: str, address: str) -> Contact:
    """A contact of a list; NotFoundException."""
    await find_list(tx, name)
    found = await contacts.get(tx, name, address)
    if found is None:
        raise aws_error("NotFoundException", f"Contact with email address {address} doesn't exist in list {name}.")
    return found


def default_of(of: ContactList, one: Contact, topic: str | None, use_default: bool = True) -> str | None:
    """Whether a contact is opted in or out, of a topic or at all; None where nothing says so. Pure."""
    if one.unsubscribed:
        return "OPT_OUT"
    if topic is None:
        return "OPT_IN"
    if topic in one.preferences:
        return one.preferences[topic]
    known = {each.name: each.default for each in of.topics}
    return known.get(topic) if use_default else None


@transactional
async def opted_out(tx: Transaction, name: str, topic: str, recipients: list[str]) -> list[str]:
    """Those of some recipients who get no mails of a list (of a topic of it). Who is not on it is put onto it."""
    of = await find_list(tx, name)
    if topic and topic not in {one.name for one in of.topics}:
        raise aws_error("NotFoundException", f"List {name} doesn't contain topic {topic}.")
    found = []
    for address in recipients:
        one = await contacts.get(tx, name, address)
        if one is None:
            one = Contact(list=name, address=address, created=tx.now, updated=tx.now)
            await contacts.put(tx, one)
        if default_of(of, one, topic or None) == "OPT_OUT":
            found.append(address)
    return found
