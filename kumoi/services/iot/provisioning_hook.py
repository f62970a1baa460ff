"""The function that a provisioning template asks before a device is provisioned: its pre-provisioning hook.

It has five seconds, as the machine counts them, and has to say that it allows the device. Source: developer guide,
"Pre-provisioning hooks".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import orjson

from kumoi.doorway import Call, CallDropped, Principal
from kumoi.services.iot.functions import FunctionFailed, said
from kumoi.services.iot.records import Certificate, ProvisioningTemplate
from kumoi.wire.errors import AwsError, aws_error

SECONDS = 5.0


async def allowed(
    call: Call,
    client: str,
    template: ProvisioningTemplate,
    hook: Mapping[str, str],
    certificate: Certificate,
    parameters: dict[str, str],
) -> dict[str, str]:
    """The parameters, as the template's function has them; AccessDenied where it allows no provisioning, or not yet."""
    arn = call.arn("iot", f"provisioningtemplate/{template.name}")
    told = {
        "claimCertificateId": call.caller.id,
        "certificateId": certificate.id,
        "certificatePem": certificate.pem,
        "templateArn": arn,
        "clientId": client,
        "parameters": parameters,
    }
    caller = Principal.of_service(call.account, "iot.amazonaws.com", f"iot:{template.name}", arn)
    refused = aws_error("AccessDenied", "The pre-provisioning hook does not allow the device.", status=403)
    try:
        async with asyncio.timeout(SECONDS):
            params = {"FunctionName": hook["targetArn"], "Payload": orjson.dumps(told)}
            answer = await said(await call.to_as(caller, "lambda", "Invoke", **params))
    except TimeoutError:
        message = f"The pre-provisioning hook did not answer within {SECONDS:g} seconds."
        raise aws_error("AccessDenied", message, status=403) from None
    except (AwsError, CallDropped, FunctionFailed):
        raise refused from None
    if not isinstance(answer, dict) or answer.get("allowProvisioning") is not True:
        raise refused
    overrides = answer.get("parameterOverrides") or {}
    if not isinstance(overrides, dict) or not all(isinstance(value, str) for value in overrides.values()):
        raise refused
    return {**parameters, **overrides}
