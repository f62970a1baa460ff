"""User metadata, and the system headers an object keeps.

Names of user metadata are lower case; encoded words (RFC 2047) are kept as the text they mean, and written again where
a header could not hold it. Rules: "Working with object metadata" in the S3 user guide, and recorded answers.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from typing import Any

from kumoi.wire.aws_chunked import without_aws_chunked
from kumoi.wire.errors import aws_error

MAX_METADATA = 2048
SYSTEM = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires")
"""Members of the system headers that an object keeps beside its Content-Type."""

STATING = frozenset((*SYSTEM, "WebsiteRedirectLocation"))
"""The members of the system headers that an object keeps."""

_WORD = re.compile(r"=\?([^?]+)\?([BbQq])\?([^?]*)\?=")
_PLAIN = re.compile(r"[\x20-\x7e]*")


def user_metadata(given: dict[str, str] | None) -> dict[str, str]:
    """Metadata as it is kept; raises MetadataTooLarge."""
    if not given:
        return {}
    kept = {name.lower(): _WORD.sub(_decoded, value) if "=?" in value else value for name, value in given.items()}
    size = sum(len(name.encode()) + len(value.encode("utf-8", "replace")) for name, value in kept.items())
    if size > MAX_METADATA:
        raise aws_error(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size",
            Size=size,
            MaxSizeAllowed=MAX_METADATA,
        )
    return kept


def told_metadata(kept: dict[str, str]) -> dict[str, str]:
    """Metadata as headers hold it."""
    return {name: value if _PLAIN.fullmatch(value) else _encoded(value) for name, value in kept.items()}


def system_headers(members: dict[str, Any]) -> dict[str, str]:
    """The system headers among a request's members, as they are kept."""
    if STATING.isdisjoint(members):
        return {}
    kept = {name: members[name] for name in SYSTEM if members.get(name) is not None}
    if "ContentEncoding" in kept:
        kept["ContentEncoding"] = without_aws_chunked(kept["ContentEncoding"])
        if not kept["ContentEncoding"]:
            del kept["ContentEncoding"]
    redirect = members.get("WebsiteRedirectLocation")
    if redirect is not None:
        if not redirect.startswith(("/", "http://", "https://")):
            raise aws_error(
                "InvalidRedirectLocation",
                "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
            )
        kept["WebsiteRedirectLocation"] = redirect
    return kept


def _decoded(word: re.Match[str]) -> str:
    charset, kind, text = word[1], word[2].upper(), word[3]
    try:
        raw = base64.b64decode(text) if kind == "B" else quopri.decodestring(text.encode(), header=True)
    except (binascii.Error, ValueError):
        return "�"
    try:
        return raw.decode(charset, "replace")
    except LookupError:
        return word[0]


def _encoded(text: str) -> str:
    raw = text.encode("utf-8", "replace")
    if any(not character.isprintable() or character == "�" for character in text):
        return f"=?UTF-8?B?{base64.b64encode(raw).decode()}?="
    quoted = "".join(
        "_" if byte == 32 else f"={byte:02X}" if byte > 126 or byte in b"_=?" else chr(byte) for byte in raw
    )
    return f"=?UTF-8?Q?{quoted}?="
