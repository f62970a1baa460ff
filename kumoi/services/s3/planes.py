"""What the data planes of S3 share: answers that no operation makes, with S3's headers and errors."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from kumoi.doorway import Call
from kumoi.wire import AwsError, Response, Wire
from kumoi.wire.errors import aws_error


def failure(call: Call, error: AwsError) -> Response:
    """An error as S3's API answers it."""
    assert call.http is not None
    return call.part(Wire).codec("s3").error_response(call.http, error, call.request_id)


def split_path(path: str) -> tuple[str, str]:
    """(bucket, key) of a raw path; raises InvalidURI for a key that is not UTF-8."""
    bucket, _, key = path.removeprefix("/").partition("/")
    return bucket, decoded(key)


def decoded(key: str) -> str:
    """A key out of a raw path; raises InvalidURI."""
    try:
        return unquote_to_bytes(key).decode()
    except UnicodeDecodeError:
        raise aws_error("InvalidURI", "Couldn't parse the specified URI.") from None
