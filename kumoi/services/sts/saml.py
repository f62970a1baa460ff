"""SAML assertions as AWS takes them: which roles, for how long, with which tags.

What they say and whether the provider said it is `kumoi.saml`'s. Source: "Configure SAML assertions for the
authentication response" of the IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kumoi import saml
from kumoi.wire.errors import AwsError, aws_error

_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_SECONDS = re.compile(r"[0-9]{1,9}")


class Assertion(NamedTuple):
    """What is said. `roles` are (role, provider) pairs of ARNs, times are epoch seconds.

    `expires` is the earliest limit of the assertion, `ends` when the session is over at the provider, endless where it
    does not say; `audiences` whom the assertion is for, a set for each restriction.
    """

    issuer: str
    subject: str
    subject_type: str
    recipient: str
    audiences: tuple[frozenset[str], ...]
    starts: float
    expires: float
    ends: float
    roles: tuple[tuple[str, str], ...]
    session_name: str
    seconds: int | None
    tags: dict[str, str]
    transitive: tuple[str, ...]
    source_identity: str


def invalid_token(text: str) -> AwsError:
    """InvalidIdentityToken."""
    return aws_error("InvalidIdentityToken", text)


def decoded(text: str) -> bytes:
    """The XML of a response; InvalidIdentityToken where it is none, or declares entities."""
    with _told():
        return saml.decoded(text)


def signed_part(response: bytes, metadata: str) -> bytes:
    """What of a response the provider's key has signed; raises InvalidIdentityToken, or NotImplemented."""
    with _told():
        return saml.signed_part(response, metadata)


def read(content: bytes) -> Assertion:
    """The assertion of a response, or of what of it was signed; InvalidIdentityToken where something is missing."""
    with _told():
        said = saml.read(content)
    attributes = said.attributes
    seconds = (attributes.get(f"{_ATTRIBUTES}SessionDuration") or [""])[0]
    prefix = f"{_ATTRIBUTES}PrincipalTag:"
    return Assertion(
        issuer=said.issuer,
        subject=said.subject,
        subject_type=said.subject_type,
        recipient=said.recipient,
        audiences=said.audiences,
        starts=said.starts,
        expires=said.expires,
        ends=said.ends,
        roles=tuple(_pair(one) for one in attributes.get(f"{_ATTRIBUTES}Role", ())),
        session_name=(attributes.get(f"{_ATTRIBUTES}RoleSessionName") or [""])[0],
        seconds=int(seconds) if _SECONDS.fullmatch(seconds) else None,
        tags={name[len(prefix) :]: values[0] for name, values in attributes.items() if name.startswith(prefix)},
        transitive=tuple(attributes.get(f"{_ATTRIBUTES}TransitiveTagKeys", ())),
        source_identity=(attributes.get(f"{_ATTRIBUTES}SourceIdentity") or [""])[0],
    )


def _pair(text: str) -> tuple[str, str]:
    """A role and its provider, which stand in either order."""
    one, _, other = (part.strip() for part in text.partition(","))
    return (other, one) if ":saml-provider/" in one else (one, other)


@contextmanager
def _told() -> Iterator[None]:
    """Tell of what cannot be taken in STS's words."""
    try:
        yield
    except saml.InvalidSaml as problem:
        raise invalid_token(str(problem)) from None
    except saml.NotInstalled as problem:
        raise aws_error("NotImplemented", f"{problem} (or run with --auth audit).") from None
