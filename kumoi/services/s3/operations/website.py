"""The website of a bucket: GET and HEAD at `{bucket}.s3-website…`, and at `/_kumoi/s3-website/{bucket}/…`.

Objects are read by GetObject, as a browser that nobody knows: with `--auth verify` and `enforce` the bucket has to be
public, as at AWS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import Call
from kumoi.services.s3 import s3
from kumoi.services.s3.access import check, visitor
from kumoi.services.s3.lookup import find_bucket, home
from kumoi.services.s3.operations.preflight import actual_headers
from kumoi.services.s3.operations.reading import get_object
from kumoi.services.s3.planes import decoded
from kumoi.services.s3.settings import settings_of
from kumoi.services.s3.website import Redirection, document, page, redirect, redirect_all
from kumoi.state import Transaction, transactional
from kumoi.wire import AwsError, Response, Wire
from kumoi.wire.error_rendering import request_ids
from kumoi.wire.errors import aws_error
from kumoi.wire.http import FileBody, HeaderList
from kumoi.wire.timestamps import rfc822

_PATH_FORM = "/_kumoi/s3-website/"
_TOLD = {
    "CacheControl": "Cache-Control",
    "ContentDisposition": "Content-Disposition",
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "ContentType": "Content-Type",
    "ETag": "ETag",
    "Expires": "Expires",
}


@s3.data_plane("s3-website")
async def website(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Answer a browser."""
    assert call.http is not None
    name = attributes["bucket"]
    call.caller = visitor(call)
    ids = request_ids(call.part(Wire).codec("s3").model, call.request_id)
    visit = _Visit(call, name, path, ids)
    try:
        response = await visit.answer()
    except AwsError as error:
        response = visit.failed(error)
    origin = call.http.headers.get("origin")
    if origin is not None:
        response.headers += await actual_headers(call.state, name, origin, call.http.method)
    return response


@transactional
async def _configuration(tx: Transaction, name: str) -> dict[str, Any]:
    bucket = await find_bucket(tx, name)
    content = (await settings_of(home(tx, bucket), bucket)).get("Website")
    if content is None:
        raise aws_error(
            "NoSuchWebsiteConfiguration",
            "The specified bucket does not have a website configuration",
            status=404,
            BucketName=name,
        )
    return dict(content)


class _Visit:
    """One request on its way through a website's steps."""

    def __init__(self, call: Call, bucket: str, path: str, ids: HeaderList) -> None:
        assert call.http is not None
        self._call = call
        self._request = call.http
        self._bucket = bucket
        self._path = path
        self._ids = ids
        given = call.http.path
        self._prefix = f"{_PATH_FORM}{bucket}" if given.startswith(_PATH_FORM) else ""

    async def answer(self) -> Response:
        """The object, a redirection, or an error's document; raises what has no document."""
        if self._request.method not in ("GET", "HEAD"):
            raise aws_error(
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
                status=405,
                Method=self._request.method,
                ResourceType="OBJECT",
            )
        configuration = await _configuration(self._call.state, self._bucket)
        query = f"?{self._request.query}" if self._request.query else ""
        if (everything := configuration.get("RedirectAllRequestsTo")) is not None:
            return self._redirected(redirect_all(everything, self._path + query, self._request.scheme))
        key = decoded(self._path.removeprefix("/"))
        rules = configuration.get("RoutingRules") or ()
        if (early := self._by_rule(rules, key, None)) is not None:
            return early
        suffix = configuration["IndexDocument"]["Suffix"]
        try:
            return await self._object(document(key, suffix), conditional=True)
        except AwsError as error:
            status = error.default_status if error.status or error.code == "AccessDenied" else 404
            if error.code not in ("NoSuchKey", "AccessDenied", "MethodNotAllowed"):
                raise
            if status == 404 and key and not key.endswith("/") and await self._exists(f"{key}/{suffix}"):
                return self._redirected(Redirection(302, f"{self._prefix}{self._path}/"))
            late = self._by_rule(rules, key, status)
            if late is not None:
                return late
            missing = error
        return await self._error_document(configuration, missing, status)

    def failed(self, error: AwsError) -> Response:
        """S3's own page of an error."""
        statuses = self._call.part(Wire).codec("s3").model.overlay.statuses
        return self._page(error, error.status or statuses.get(error.code) or error.default_status)

    def _by_rule(self, rules: Any, key: str, status: int | None) -> Response | None:
        found = redirect(rules, key, status, self._request.scheme, self._request.host, self._prefix)
        return None if found is None else self._redirected(found)

    def _redirected(self, to: Redirection) -> Response:
        location = "".join(character for character in to.location if character.isprintable())
        return Response(to.status, [*self._ids, ("Location", location)])

    async def _object(self, key: str, *, conditional: bool) -> Response:
        answer = await self._read(key, conditional=conditional)
        location = answer.get("WebsiteRedirectLocation")
        if location is not None:
            return self._redirected(Redirection(301, location))
        headers: HeaderList = list(self._ids)
        headers += [(header, str(answer[member])) for member, header in _TOLD.items() if answer.get(member) is not None]
        headers.append(("Last-Modified", rfc822(answer["LastModified"])))
        headers += [(f"x-amz-meta-{name}", value) for name, value in (answer.get("Metadata") or {}).items()]
        headers.append(("Content-Length", str(answer["ContentLength"])))
        status = 200
        if answer.get("ContentRange") is not None:
            headers.append(("Content-Range", answer["ContentRange"]))
            status = 206
        body = answer["Body"]
        if self._request.method == "HEAD" and not isinstance(body, bytes | FileBody):
            body = b""
        return Response(status, headers, body)

    async def _read(self, key: str, *, conditional: bool) -> dict[str, Any]:
        await check(self._call, "GetObject", Bucket=self._bucket, Key=key)
        members: dict[str, Any] = {}
        if conditional:
            sent = self._request.headers
            asked = {"IfNoneMatch": sent.get("if-none-match"), "Range": sent.get("range")}
            members = {name: value for name, value in asked.items() if value is not None}
        return await get_object(self._call, self._bucket, key, **members)

    async def _exists(self, key: str) -> bool:
        try:
            await self._read(key, conditional=False)
        except AwsError:
            return False
        return True

    async def _error_document(self, configuration: dict[str, Any], error: AwsError, status: int) -> Response:
        """The error document with the error's status; S3's own page where there is none, or it cannot be read."""
        key = (configuration.get("ErrorDocument") or {}).get("Key")
        if key is None:
            return self._page(error, status)
        try:
            response = await self._object(key, conditional=False)
        except AwsError as failed:
            return self._page(error, status, _facts(failed))
        response.status = status
        return response

    def _page(self, error: AwsError, status: int, also: list[tuple[str, str]] | None = None) -> Response:
        if status == 304:
            return Response(304, [*self._ids, *error.headers])
        ids = {"RequestId": self._call.request_id, "HostId": self._ids[-1][1]}
        content = page(status, [*_facts(error), *ids.items()], also or ())
        headers = [
            *self._ids,
            ("x-amz-error-code", error.code),
            ("x-amz-error-message", error.message),
            *error.headers,
            ("Content-Type", "text/html; charset=utf-8"),
        ]
        return Response(status, headers, b"" if self._request.method == "HEAD" else content)


def _facts(error: AwsError) -> list[tuple[str, str]]:
    told = {"Code": error.code, "Message": error.message, **error.members}
    return [(name, str(value)) for name, value in told.items() if value is not None]
