"""A browser's form upload as it arrives: its fields first, then the file, which is read while it is stored.

What follows the file is not looked at. Rules: "POST Object" in the S3 API reference, and RFC 7578.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from kumoi.services.s3.conditions import precondition_failed
from kumoi.services.s3.post_policy import too_large, too_small
from kumoi.services.s3.writing import MAX_PUT
from kumoi.wire.errors import AwsError, aws_error
from kumoi.wire.http import BodyTooLarge, HeaderList, Request

MAX_FIELDS = 20_480
"""Bytes that the fields before the file may have together."""

Event = Any
"""What the parser finds: a MultipartSegment where a field begins, bytes of it, and None at its end."""


class PostForm:
    """A form: `fields` by lower-case name as sent, the file's name (None without one), and the file as a body.

    `bounds` are the fewest and the most bytes that the file may have. Implements `kumoi.wire.http.Body`.
    """

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.bounds: tuple[int, int | None] = (0, None)
        self.trailers: HeaderList = []
        self._events = events

    @classmethod
    async def read_of(cls, request: Request) -> PostForm:
        """The form of a request, read up to its file.

        Raises PreconditionFailed for a body of another kind, MalformedPOSTRequest, MaxPostPreDataLengthExceeded.
        """
        kind, options = parse_options_header(request.headers.get("content-type") or "")
        boundary = options.get("boundary", "")
        if kind != "multipart/form-data" or not boundary:
            raise precondition_failed("Bucket POST must be of the enclosure-type multipart/form-data")
        form = cls(_events(request, boundary))
        await form._read_fields()
        return form

    async def _read_fields(self) -> None:
        size = 0
        name: str | None = None
        value = b""
        async for event in self._events:
            if isinstance(event, MultipartSegment):
                name, value = (event.name or "").lower(), b""
                if name == "file":
                    self.filename = event.filename
                    return
            elif event is not None:
                value += event
                size += len(event)
                if size > MAX_FIELDS:
                    raise aws_error(
                        "MaxPostPreDataLengthExceeded",
                        "Your POST request fields preceding the upload file were too large.",
                        MaxPostPreDataLengthBytes=MAX_FIELDS,
                    )
            elif name:
                try:
                    self.fields.setdefault(name, value.decode())
                except UnicodeDecodeError:
                    raise _malformed() from None
        raise aws_error(
            "InvalidArgument",
            "POST requires exactly one file upload per request.",
            ArgumentName="file",
            ArgumentValue=0,
        )

    async def stream(self) -> AsyncIterator[bytes]:
        """The file piece by piece; raises EntityTooLarge or EntityTooSmall at its end, when its size is known."""
        size = 0
        least, most = self.bounds
        async for event in self._events:
            if event is None:
                break
            assert not isinstance(event, MultipartSegment)
            size += len(event)
            if size <= (MAX_PUT if most is None else most):
                yield bytes(event)
        if size > (MAX_PUT if most is None else most):
            raise too_large(size, MAX_PUT if most is None else most)
        if size < least:
            raise too_small(size, least)

    async def read(self, limit: int | None = None) -> bytes:
        """The whole file; raises BodyTooLarge past `limit` bytes."""
        whole = b"".join([piece async for piece in self.stream()])
        if limit is not None and len(whole) > limit:
            raise BodyTooLarge(limit)
        return whole


def _malformed() -> AwsError:
    return aws_error("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")


async def _events(request: Request, boundary: str) -> AsyncIterator[Event]:
    """What the parser finds in a request's body, as it arrives."""
    try:
        parser = PushMultipartParser(boundary)
        async for piece in request.body.stream():
            for event in parser.parse(piece):
                yield event
        parser.close()
    except MultipartError:
        raise _malformed() from None
