"""Binary media types: which bodies travel as bytes, and which as text; pure.

Source: "Working with binary media types for REST APIs" and its tables of content type conversions.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence


class NotBase64(ValueError):
    """A text that should become bytes is not base64."""


def is_binary(media_type: str, types: Sequence[str]) -> bool:
    """Whether a media type is among an API's binary ones; `*/*` stands for all, `image/*` for a group."""
    media = media_type.partition(";")[0].strip().lower()
    if not types:
        return False
    if "*/*" in types:
        return True
    return any(media == one.lower() or (one.endswith("/*") and media.startswith(one[:-1].lower())) for one in types)


def accepts_binary(accept: str, types: Sequence[str]) -> bool:
    """Whether a client wants bytes: the first of the media types that it accepts is a binary one."""
    return is_binary(accept.partition(",")[0], types)


def as_event_body(body: bytes, content_type: str, types: Sequence[str]) -> tuple[str | None, bool]:
    """`body` and `isBase64Encoded` of an event."""
    if not body:
        return None, False
    if is_binary(content_type or "application/json", types):
        return base64.b64encode(body).decode(), True
    return body.decode("utf-8", "replace"), False


def converted(body: bytes, handling: str | None, binary: bool) -> bytes:
    """A body as `contentHandling` wants it: as it is, from text to bytes, or from bytes to text; raises NotBase64."""
    if handling == "CONVERT_TO_TEXT" and binary:
        return base64.b64encode(body)
    if handling == "CONVERT_TO_BINARY" and not binary:
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise NotBase64(f"the body is not base64: {error}") from None
    return body
