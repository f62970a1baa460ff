"""The credentials provider: what devices ask with their certificates for, at `/role-aliases/{alias}/credentials`.

Source: "Authorizing direct calls to AWS services using AWS IoT Core credential provider" of the developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.mqtt.admission import Admission
from kumoi.services.iot.naming import given
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Response

_PATH = re.compile(r"/role-aliases/([^/]+)/credentials")
_STATUS = {"ResourceNotFoundException": 404}


@iot.data_plane("iot-credentials")
async def give_credentials(call: Call, path: str, attributes: Mapping[str, str]) -> Response:
    """Credentials of the role of an alias, for the device whose certificate the connection has shown."""
    match, request = _PATH.fullmatch(path), call.http
    assert request is not None, "a data plane's call is a request"
    if match is None or request.method != "GET":
        return _refused(404, "ResourceNotFoundException", "Not Found")
    if request.certificate is None:
        return _refused(403, "AccessDeniedException", "A client certificate is required")
    params = {"roleAlias": unquote(match[1]), **given(thingName=request.headers.get("x-amzn-iot-thingname"))}
    try:
        device = await call.part(Admission).over_https(request)
        assert device is not None, "a certificate is shown"
        answer = await call.doorway.ask(
            "iot", "AssumeRoleWithCertificate", params, device, device.region, call.onward, call.request_id
        )
    except AwsError as error:
        call.outcome = error.code
        return _refused(_STATUS.get(error.code, error.default_status), error.code, error.message)
    return Response(200, [("Content-Type", "application/json")], orjson.dumps({"credentials": _told(answer)}))


def _told(answer: dict[str, Any]) -> dict[str, str]:
    found = answer["Credentials"]
    return {
        "accessKeyId": found["AccessKeyId"],
        "secretAccessKey": found["SecretAccessKey"],
        "sessionToken": found["SessionToken"],
        "expiration": found["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _refused(status: int, kind: str, message: str) -> Response:
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", kind)]
    return Response(status, headers, orjson.dumps({"message": message}))
