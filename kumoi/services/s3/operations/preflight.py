"""CORS: preflight requests, and the headers of answers to pages of other origins.

Whether a request is signed does not matter. Rules: "How does Amazon S3 evaluate the CORS configuration on a bucket?".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import cors, s3
from kumoi.services.s3.lookup import home
from kumoi.services.s3.planes import failure
from kumoi.services.s3.records import buckets
from kumoi.services.s3.settings import settings_of
from kumoi.state import State, Transaction, transactional
from kumoi.wire import AwsError, Response, Wire
from kumoi.wire.error_rendering import request_ids
from kumoi.wire.errors import aws_error
from kumoi.wire.http import HeaderList


@s3.data_plane("s3-preflight")
async def preflight(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer OPTIONS for a bucket or an object."""
    assert call.http is not None
    try:
        headers = await _preflight(call, path)
    except AwsError as error:
        return failure(call, error)
    return Response(200, [*request_ids(call.part(Wire).codec("s3").model, call.request_id), *headers])


async def _preflight(call: Call, path: str) -> HeaderList:
    assert call.http is not None
    sent = call.http.headers
    origin, method = sent.get("origin"), sent.get("access-control-request-method")
    if origin is None:
        raise aws_error("BadRequest", "Insufficient information. Origin request header needed.")
    bucket = path.removeprefix("/").partition("/")[0]
    found = await rules_of(call.state, bucket)
    if found is None:
        raise cors.forbidden("CORSResponse: Bucket not found", method or "OPTIONS", "BUCKET")
    if not found:
        raise cors.forbidden("CORSResponse: CORS is not enabled for this bucket.", method or "OPTIONS", "BUCKET")
    if method is None:
        raise aws_error("BadRequest", "Invalid Access-Control-Request-Method: null")
    asked = cors.requested_headers(sent.get("access-control-request-headers"))
    headers = cors.answer(found, origin, method, asked)
    if headers is None:
        raise cors.forbidden(cors.NOT_ALLOWED, method, "OBJECT")
    return headers


async def actual_headers(state: State, bucket: str, origin: str, method: str) -> HeaderList:
    """The headers of an answer to a request of `origin`: none where no rule of the bucket allows it."""
    found = await rules_of(state, bucket) if bucket else None
    return (cors.answer(found, origin, method) or []) if found else []


@transactional
async def rules_of(tx: Transaction, name: str) -> list[dict[str, Any]] | None:
    """A bucket's CORS rules, none where it has no configuration; None without such a bucket."""
    bucket = await buckets.get(tx, name)
    if bucket is None:
        return None
    content = (await settings_of(home(tx, bucket), bucket)).get("Cors")
    return content["CORSRules"] if content is not None else []
