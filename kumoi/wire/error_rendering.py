"""Errors as their protocol writes them: status, headers and body.

The status is the model's, or the overlay's where the model has none. A message stands under the name that the error's
shape has for it; further members go where the shape binds them. Sources: the error sections of the Smithy protocols,
and of the services' API references.
"""

from __future__ import annotations

import zlib
from typing import Any

from kumoi.names import host_id
from kumoi.wire import cbor
from kumoi.wire.errors import AwsError
from kumoi.wire.http import HeaderList, Request, Response
from kumoi.wire.json_shapes import dumps
from kumoi.wire.model import ServiceModel, Shape
from kumoi.wire.xml_shapes import DECLARATION, namespace, text_of

CBOR = "smithy-rpc-v2-cbor"
AMZ_CBOR = "json in cbor"
"""The JSON protocol with bodies of `application/x-amz-cbor-1.1`."""
_JSON_VERSIONS = ("application/x-amz-json-1.0", "application/x-amz-json-1.1")


def render_error(model: ServiceModel, protocol: str, request: Request, error: AwsError, request_id: str) -> Response:
    """An error in a protocol's form."""
    response = _rendered(model, protocol, request, error, request_id)
    response.headers += error.headers
    return response


def _rendered(model: ServiceModel, protocol: str, request: Request, error: AwsError, request_id: str) -> Response:
    shape = model.errors.get(error.code)
    status = _status(model, shape, error)
    if protocol in ("query", "ec2", "rest-xml"):
        return _xml(model, request, error, shape, status, request_id)
    name = shape.name if shape is not None else error.code
    headers, members = _members(shape, error, status, protocol)
    if protocol == "rest-json":
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", name), *headers]
        return Response(status, [*headers, *request_ids(model, request_id)], dumps(members))
    headers = _query_error(model, shape, error, status)
    content = {"__type": model.overlay.error_prefix + name, **members}
    if protocol == CBOR:
        return Response(status, [*cbor_headers(request_id), *headers], cbor.encode(content))
    if protocol == AMZ_CBOR:
        return Response(status, [*amz_cbor_headers(request_id), *headers], cbor.encode(content, milliseconds=True))
    body = dumps(content)
    return Response(status, [*json_headers(model, request, request_id, body), *headers], body)


def json_headers(model: ServiceModel, request: Request, request_id: str, body: bytes | None) -> HeaderList:
    """The headers of a JSON answer, in the version that was asked; DynamoDB's with the checksum of its body."""
    kind = request.headers.index.get("content-type", "")
    if kind not in _JSON_VERSIONS:
        asked = kind.partition(";")[0].strip()
        version = model.metadata.get("jsonVersion", "1.0")
        kind = asked if asked in _JSON_VERSIONS else f"application/x-amz-json-{version}"
    headers = [("Content-Type", kind), ("x-amzn-RequestId", request_id)]
    if model.overlay.checksummed and body is not None:
        headers.append(("x-amz-crc32", str(zlib.crc32(body))))
    return headers


def cbor_headers(request_id: str) -> HeaderList:
    """The headers of a CBOR answer."""
    return [("smithy-protocol", "rpc-v2-cbor"), ("Content-Type", "application/cbor"), ("x-amzn-RequestId", request_id)]


def amz_cbor_headers(request_id: str) -> HeaderList:
    """The headers of an answer of the JSON protocol in CBOR."""
    return [("Content-Type", "application/x-amz-cbor-1.1"), ("x-amzn-RequestId", request_id)]


def request_ids(model: ServiceModel, request_id: str) -> HeaderList:
    """The headers by which a REST answer names its request."""
    if model.name == "s3":
        return [("x-amz-request-id", request_id), ("x-amz-id-2", host_id())]
    return [("x-amzn-RequestId", request_id)]


def _xml(
    model: ServiceModel, request: Request, error: AwsError, shape: Shape | None, status: int, request_id: str
) -> Response:
    headers = [("Content-Type", "application/xml" if model.name == "s3" else "text/xml")]
    headers += request_ids(model, request_id)
    if request.method == "HEAD" or status == 304:
        return Response(status, headers[1:], b"")
    message = model.overlay.query_texts.get(error.message, error.message)
    told = {"Code": _query_code(model, shape, error), "Message": message} | error.members
    elements = "".join(
        f"<{name}>{text_of(value)}</{name}>"
        for name, value in told.items()
        if value is not None and not isinstance(value, dict | list)
    )
    if model.name == "s3":
        host_id = headers[-1][1]
        text = f"<Error>{elements}<RequestId>{request_id}</RequestId><HostId>{host_id}</HostId></Error>"
    elif model.protocol == "ec2":
        text = f"<Response><Errors><Error>{elements}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    else:
        kind = "Sender" if status < 500 else "Receiver"
        elements += "<Detail/>" if model.overlay.detailed else ""
        text = (
            f"<ErrorResponse{namespace(model.xml_namespace)}><Error><Type>{kind}</Type>{elements}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return Response(status, headers, (DECLARATION + text if model.name == "s3" else text).encode())


def _status(model: ServiceModel, shape: Shape | None, error: AwsError) -> int:
    if error.status:
        return error.status
    if error.code in model.overlay.statuses:
        return model.overlay.statuses[error.code]
    if shape is not None:
        stated = shape.traits.get("error", {}).get("httpStatusCode")
        if stated:
            return int(stated)
        if shape.traits.get("fault"):
            return 500
    return error.default_status


def _members(shape: Shape | None, error: AwsError, status: int, protocol: str) -> tuple[HeaderList, dict[str, Any]]:
    """(what of an error's members is bound to headers, what stands in the body)."""
    if shape is None:
        return [], {"message": error.message} | {name: one for name, one in error.members.items() if one is not None}
    message = next((name for name in shape.members if name.lower() == "message"), "message")
    given = {message: error.message} | error.members
    if protocol == "rest-json" and "Type" in shape.members:
        given.setdefault("Type", "User" if status < 500 else "Service")
    headers: HeaderList = []
    body: dict[str, Any] = {}
    for name, value in given.items():
        member = shape.members.get(name)
        if value is None or (member is None and name != message):
            continue
        where = member.traits.get("location") if member is not None and protocol == "rest-json" else None
        wire = (member.location_name if member is not None else None) or name
        if where == "header":
            headers.append((wire, str(value)))
        elif where is None:
            body[wire if protocol == "rest-json" else name] = value
    return headers, body


def _query_code(model: ServiceModel, shape: Shape | None, error: AwsError) -> str:
    """What the query protocol calls an error."""
    stated = shape.traits.get("error", {}).get("code") if shape is not None else None
    code: str = model.overlay.query_codes.get(error.code) or stated or error.code
    return code


def _query_error(model: ServiceModel, shape: Shape | None, error: AwsError, status: int) -> HeaderList:
    """For clients that know a service's errors by their names in its query protocol of old."""
    if not model.query_compatible:
        return []
    code = _query_code(model, shape, error)
    return [("x-amzn-query-error", f"{code};{'Sender' if status < 500 else 'Receiver'}")]
