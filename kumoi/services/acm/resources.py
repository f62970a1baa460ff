"""ACM's CloudFormation resource types. Source: "AWS Certificate Manager resource type reference".

A certificate of a template is made once it is issued. Its validation records are made where the template names their
hosted zones, and stay when the certificate is deleted, as they do on AWS; others are for whoever deploys to make.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway.resource_types import Reading, Resource, ResourceCall, ResourceType
from kumoi.wire.errors import AwsError, aws_error

_EACH_SECONDS = 2.0
_OPTIONS = {
    "CertificateTransparencyLoggingPreference": "CertificateTransparencyLoggingPreference",
    "CertificateExport": "Export",
}
_PENDING = "PENDING_VALIDATION"


async def _create(call: ResourceCall) -> Resource:
    call.required("DomainName")
    stated = call.properties.get("DomainValidationOptions") or []
    options = {member: str(call.properties[name]) for name, member in _OPTIONS.items() if name in call.properties}
    answer = await call.ask(
        "acm",
        "RequestCertificate",
        IdempotencyToken="".join(one for one in call.token if one.isalnum())[:32],
        DomainValidationOptions=[
            {"DomainName": one["DomainName"], "ValidationDomain": one["ValidationDomain"]}
            for one in stated
            if "ValidationDomain" in one
        ]
        or None,
        Options=options or None,
        SubjectAlternativeNames=call.properties.get("SubjectAlternativeNames") or None,
        Tags=call.tag_list(),
        **call.given("DomainName", "ValidationMethod", "KeyAlgorithm", "CertificateAuthorityArn"),
    )
    made = call.begin(Resource(answer["CertificateArn"]))
    await _add_records(call, made.physical_id, stated)
    while (told := await _described(call, made.physical_id))["Status"] == _PENDING:
        await call.doorway.clock.sleep(_EACH_SECONDS)
    if told["Status"] != "ISSUED":
        raise aws_error("ValidationError", f"The certificate {made.physical_id} is {told['Status']}.")
    return made


async def _described(call: ResourceCall, arn: str) -> dict[str, Any]:
    certificate: dict[str, Any] = (await call.ask("acm", "DescribeCertificate", CertificateArn=arn))["Certificate"]
    return certificate


async def _add_records(call: ResourceCall, arn: str, stated: list[dict[str, str]]) -> None:
    """Make the validation records of names whose hosted zones are told."""
    zones = {one["DomainName"].lower(): one["HostedZoneId"] for one in stated if "HostedZoneId" in one}
    if not zones:
        return
    changes: dict[str, dict[str, dict[str, Any]]] = {}
    for one in (await _described(call, arn))["DomainValidationOptions"]:
        record, zone = one.get("ResourceRecord"), zones.get(one["DomainName"])
        if record is not None and zone is not None:
            values = [{"Value": record["Value"]}]
            told = {"Name": record["Name"], "Type": record["Type"], "TTL": 300, "ResourceRecords": values}
            changes.setdefault(zone, {})[record["Name"]] = {"Action": "UPSERT", "ResourceRecordSet": told}
    for zone, batch in changes.items():
        await call.ask(
            "route53", "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch={"Changes": list(batch.values())}
        )


async def _update(call: ResourceCall) -> Resource:
    arn = call.physical_id
    name = "CertificateTransparencyLoggingPreference"
    if call.properties.get(name) != call.before.get(name):
        options = {name: call.properties.get(name, "ENABLED")}
        await call.ask("acm", "UpdateCertificateOptions", CertificateArn=arn, Options=options)
    known = {one["Key"]: one for one in (await call.ask("acm", "ListTagsForCertificate", CertificateArn=arn))["Tags"]}
    wanted = call.all_tags()
    gone = [one for key, one in known.items() if key not in wanted]
    if gone:
        await call.ask("acm", "RemoveTagsFromCertificate", CertificateArn=arn, Tags=gone)
    await call.ask("acm", "AddTagsToCertificate", CertificateArn=arn, Tags=call.tag_list())
    return Resource(arn)


async def _delete(call: ResourceCall) -> None:
    try:
        await call.ask("acm", "DeleteCertificate", CertificateArn=call.physical_id)
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise


async def _read(call: ResourceCall) -> Reading:
    told = await _described(call, call.physical_id)
    tags = (await call.ask("acm", "ListTagsForCertificate", CertificateArn=call.physical_id))["Tags"]
    properties = {
        "DomainName": told["DomainName"],
        "KeyAlgorithm": told["KeyAlgorithm"],
        "Tags": [one for one in tags if not one["Key"].startswith("aws:")] or None,
    }
    return Reading(Resource(call.physical_id), properties)


async def _put_account(call: ResourceCall) -> Resource:
    days = (call.properties.get("ExpiryEventsConfiguration") or {}).get("DaysBeforeExpiry")
    events = None if days is None else {"DaysBeforeExpiry": int(days)}
    await call.ask("acm", "PutAccountConfiguration", ExpiryEvents=events, IdempotencyToken="cloudformation")
    return Resource(call.account, {"AccountId": call.account})


async def _leave_account(_call: ResourceCall) -> None:
    """The settings stay, as they do on AWS."""


RESOURCES = (
    ResourceType(
        "AWS::CertificateManager::Certificate",
        _create,
        _delete,
        _update,
        replaced_by=frozenset(
            (
                "CertificateAuthorityArn",
                "CertificateExport",
                "DomainName",
                "DomainValidationOptions",
                "KeyAlgorithm",
                "SubjectAlternativeNames",
                "ValidationMethod",
            )
        ),
        read=_read,
        identifier="Id",
    ),
    ResourceType("AWS::CertificateManager::Account", _put_account, _leave_account, _put_account),
)
