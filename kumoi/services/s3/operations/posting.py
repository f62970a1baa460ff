"""Form uploads: what a browser posts to a bucket becomes the PutObject that it means.

The fields are the PUT's headers, the file its body. With `--auth verify` and `enforce` the policy's signature has to
hold. Rules: "Browser-based uploads using POST" in the S3 API reference, and recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from kumoi.doorway import Call, Principal
from kumoi.doorway.identity import InvalidToken, UnknownKey
from kumoi.services.s3 import s3
from kumoi.services.s3.access import visitor
from kumoi.services.s3.operations.objects import store_object
from kumoi.services.s3.operations.preflight import actual_headers
from kumoi.services.s3.planes import failure, split_path
from kumoi.services.s3.post_form import PostForm
from kumoi.services.s3.post_policy import read_policy
from kumoi.services.s3.tags import object_tags
from kumoi.wire import AwsError, Request, Response, Wire
from kumoi.wire.credential import Credential, SignatureProblem, parse_form_credential
from kumoi.wire.errors import aws_error
from kumoi.wire.http import Body, HeaderList, Headers
from kumoi.wire.payload import payload
from kumoi.wire.sigv4 import Verifier, signature_error
from kumoi.wire.xml_shapes import DECLARATION, parse, text_of

_HEADERS = ("cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires")
_SIGNED = ("x-amz-signature", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-security-token")
_V4 = {"X-Amz-Signature", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date"}
_V2 = {"AWSAccessKeyId", "Signature"}
_URL = re.compile(r"https?://[!-~]+")


@s3.data_plane("s3-post")
async def post(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Take in a form."""
    assert call.http is not None
    request = call.http
    bucket, _ = split_path(path.rstrip("/"))
    call.node = f"s3:{bucket}"
    try:
        response = await _post(call, request, bucket, "/" if "bucket" in attributes else f"/{bucket}/")
    except AwsError as error:
        response = failure(call, error)
    origin = request.headers.get("origin")
    if origin is not None:
        response.headers += await actual_headers(call.state, bucket, origin, "POST")
    return response


async def _post(call: Call, request: Request, bucket: str, folder: str) -> Response:
    form = await PostForm.read_of(request)
    fields = form.fields
    key = fields.get("key")
    if key is None:
        raise _missing("key")
    if form.filename:
        key = fields["key"] = key.replace("${filename}", form.filename)
    if not key:
        raise aws_error("InvalidArgument", "User key must have a length greater than 0.", ArgumentName="key")
    await _admit(call, form, bucket, key)
    put = _as_put(request, form, bucket, key)
    call.http, call.operation = put, "PutObject"
    exchange = call.part(Wire).codec("s3").match(put)
    params = exchange.decode(put, payload(put, signed_hash=False))
    if (tagging := fields.get("tagging")) is not None:
        params["Tagging"] = _tagging(tagging)
    call.params = params
    await call.doorway.identity.authorise(call, s3)
    members = {name: value for name, value in params.items() if name not in ("Bucket", "Key", "Body")}
    answer = await store_object(call, bucket, key, params["Body"], members, "ObjectCreated:Post")
    location = f"{request.scheme}://{request.host}{folder}{quote(key, safe='')}"
    response = exchange.encode(answer, call.request_id)
    return _answer(response.headers, fields, {"Location": location, "Bucket": bucket, "Key": key, **answer})


async def _admit(call: Call, form: PostForm, bucket: str, key: str) -> None:
    """Find out who posts, and whether their policy lets them; raises AccessDenied, SignatureDoesNotMatch, …"""
    fields = form.fields
    encoded = fields.get("policy")
    credential = _credential(fields)
    if encoded is None:
        if credential is not None:
            raise _missing("policy")
        call.caller = visitor(call)
        return
    if credential is None:
        raise aws_error("AccessDenied", "Access Denied")
    call.caller = await _signer(call, credential, encoded)
    call.account = call.caller.account
    policy = read_policy(encoded)
    policy.check({**fields, "bucket": bucket}, call.now)
    form.bounds = policy.bounds()


def _credential(fields: Mapping[str, str]) -> Credential | None:
    """The claim of a form, in either version of signatures; raises InvalidArgument for half of one."""
    for names in (_V4, _V2):
        sent = {name for name in names if name.lower() in fields}
        if sent and sent != names:
            raise _missing(min(names - sent))
        if sent:
            found = parse_form_credential(fields)
            return None if found is None else found._replace(session_token=fields.get("x-amz-security-token"))
    return None


async def _signer(call: Call, credential: Credential, policy: str) -> Principal:
    """Whoever signed the policy; where signatures are verified, theirs has to hold."""
    identity, token = call.doorway.identity, credential.session_token
    if identity.verifies:
        try:
            secret = await identity.secret(
                credential.access_key, token, local=call.http is not None and call.http.local
            )
            Verifier().verify_policy(credential, secret, policy)
            if token is not None and identity.claims(token, credential.access_key).expires < call.now:
                raise SignatureProblem("expired-token")
        except UnknownKey:
            raise signature_error(SignatureProblem("unknown-key"), "s3") from None
        except InvalidToken:
            raise signature_error(SignatureProblem("invalid-token"), "s3") from None
        except SignatureProblem as problem:
            raise signature_error(problem, "s3") from None
    return await identity.principal(credential.access_key, token)


def _as_put(request: Request, form: PostForm, bucket: str, key: str) -> Request:
    """The PUT that a form means."""
    headers: HeaderList = [("Host", request.host)]
    for name, value in form.fields.items():
        if name in _HEADERS or (name.startswith("x-amz-") and name not in _SIGNED):
            headers.append((name, value.encode().decode("latin-1")))
        elif name == "acl":
            headers.append(("x-amz-acl", value))
    file: Body = form
    return Request(
        "PUT",
        f"/{bucket}/{quote(key, safe='')}",
        headers=Headers(headers),
        body=file,
        scheme=request.scheme,
        client=request.client,
    )


def _tagging(document: str) -> str:
    """The field `tagging`, an XML document, as the header x-amz-tagging has tags."""
    root = parse(document.encode())
    tags = [
        {child.tag.rpartition("}")[2]: child.text or "" for child in tag}
        for tag in root.iter()
        if tag.tag.rpartition("}")[2] == "Tag"
    ]
    return urlencode(object_tags(tags))


def _answer(headers: HeaderList, fields: Mapping[str, str], told: Mapping[str, Any]) -> Response:
    """What a browser is told: a redirection, or a status that the form asks for."""
    target = fields.get("success_action_redirect") or fields.get("redirect") or ""
    if _URL.fullmatch(target):
        query = urlencode({"bucket": told["Bucket"], "key": told["Key"], "etag": told["ETag"]})
        return Response(303, [*headers, ("Location", f"{target}{'&' if '?' in target else '?'}{query}")])
    headers = [*headers, ("Location", told["Location"])]
    status = fields.get("success_action_status")
    if status != "201":
        return Response(200 if status == "200" else 204, headers)
    elements = "".join(f"<{name}>{text_of(told[name])}</{name}>" for name in ("Location", "Bucket", "Key", "ETag"))
    body = f"{DECLARATION}<PostResponse>{elements}</PostResponse>"
    return Response(201, [*headers, ("Content-Type", "application/xml")], body.encode())


def _missing(field: str) -> AwsError:
    return aws_error(
        "InvalidArgument",
        f"Bucket POST must contain a field named '{field}'.  If it is specified, please check the order of the fields.",
        ArgumentName=field,
        ArgumentValue="",
    )
