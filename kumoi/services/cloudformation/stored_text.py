"""Texts that lie in S3: templates, parts of templates, stack policies; read by their URLs, never over the network."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

from kumoi.doorway import Call
from kumoi.services.cloudformation.template.bounds import MOST_BYTES_FROM_S3, template_error
from kumoi.wire.errors import AwsError, aws_error


async def read_stored(call: Call, url: str) -> str:
    """The text at a URL of S3; ValidationError when there is none, or it is too long."""
    bucket, key = bucket_and_key(url)
    try:
        answer = await call.to("s3", "GetObject", Bucket=bucket, Key=key)
    except AwsError as error:
        raise aws_error("ValidationError", f"S3 error: {error.message}") from None
    content = b"".join([piece async for piece in _pieces(answer["Body"])])
    return content.decode("utf-8", "replace")


async def _pieces(body: Any) -> AsyncIterator[bytes]:
    size = 0
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        size += len(piece)
        if size > MOST_BYTES_FROM_S3:
            raise template_error(f"the template is larger than {MOST_BYTES_FROM_S3} bytes.")
        yield piece


def bucket_and_key(url: str) -> tuple[str, str]:
    """What a URL names, in any of the forms that clients write."""
    parts = urlsplit(url)
    path = unquote(parts.path).lstrip("/")
    host = parts.hostname or ""
    if parts.scheme == "s3":
        return host, path
    virtual = re.match(r"(.+?)\.s3[.-]", host)
    if virtual:
        return virtual[1], path
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise aws_error("ValidationError", "TemplateURL must be a supported URL.")
    return bucket, key
