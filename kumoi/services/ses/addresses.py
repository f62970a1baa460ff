"""Mail addresses: read out of `Name <local@domain>`, checked as SES checks them, written into headers. Pure.

Source: RFC 5322 and 5321; SES takes local parts of ASCII alone, and its errors are those of its mail library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.header import Header
from email.utils import getaddresses, parseaddr
from typing import NamedTuple

LONGEST = 320
"""Characters of an address with its name."""
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*|\"[^\"\r\n]*\"")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")


class BadAddress(ValueError):
    """What is no address; the text says why, as SES does."""


class Address(NamedTuple):
    """An address: the name that stands before it (empty for none), and the address alone, its domain in ASCII."""

    name: str
    mailbox: str

    @property
    def domain(self) -> str:
        """What stands behind the @, in lower case."""
        return self.mailbox.rpartition("@")[2].lower()

    @property
    def header(self) -> str:
        """As it stands in a header: the name encoded where it is not ASCII."""
        if not self.name:
            return self.mailbox
        if self.name.isascii():
            escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
            plain = re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+", self.name)
            return f"{self.name if plain else chr(34) + escaped + chr(34)} <{self.mailbox}>"
        return f"{Header(self.name, 'utf-8').encode(maxlinelen=0)} <{self.mailbox}>"

    @property
    def text(self) -> str:
        """As people read it."""
        return f"{self.name} <{self.mailbox}>" if self.name else self.mailbox


def parse(text: str) -> Address:
    """The address that a member of a request holds; BadAddress."""
    if _CONTROLS.search(text):
        raise BadAddress("Control characters are not allowed in addresses.")
    if len(text) > LONGEST:
        raise BadAddress("Address is too long.")
    name, mailbox = parseaddr(text.strip())
    if not mailbox or (not name and mailbox != text.strip().strip("<>")):
        raise BadAddress("Missing final '@domain'" if "@" not in text else "Illegal address")
    return Address(name, checked(mailbox))


def checked(mailbox: str) -> str:
    """An address alone, its domain in ASCII; BadAddress."""
    local, at, domain = mailbox.rpartition("@")
    if not at or not domain:
        raise BadAddress("Missing final '@domain'")
    if not local:
        raise BadAddress("Missing local name")
    if not local.isascii():
        raise BadAddress("Local address contains non-ASCII characters")
    if not _LOCAL.fullmatch(local):
        raise BadAddress("Local address contains control or whitespace" if " " in local else "Illegal address")
    return f"{local}@{domain_of(domain)}"


def domain_of(domain: str) -> str:
    """A domain in ASCII; BadAddress."""
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        ascii_domain = ""
    if not _DOMAIN.fullmatch(ascii_domain) or len(ascii_domain) > 253:
        raise BadAddress("Domain contains illegal character" if ".." not in domain else "Domain contains dot-dot")
    return ascii_domain


def in_headers(values: Iterable[str]) -> list[Address]:
    """The addresses of header values, each as far as it is one."""
    found = []
    for name, mailbox in getaddresses(list(values)):
        if mailbox:
            found.append(Address(name, checked(mailbox)))
    return found
