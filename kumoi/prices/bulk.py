"""AWS's bulk price list files, JSON or CSV, read into a list of ours: the figures of the items that it knows.

A file holds one service, for one region or all. Its products are told apart by `usagetype`, which begins with a prefix
of the region outside of us-east-1 (`APN1-Request`), and by their `group` where that does not say enough. Those that
begin with `Global-` are free amounts, which our own list knows. Source: "Reading the service price list file" of the
AWS Billing user guide.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

import orjson

from kumoi.prices.price_list import PricesInvalid

_PREFIX = re.compile(r"^(?:[A-Z]{2,4}\d?-)(?=.)")
_METADATA_ROWS = 5


class _Wanted(NamedTuple):
    """What makes a product one of our items: its service, its usage type without a prefix, and a word of its group."""

    service: str
    usage: str
    group: str = ""


_ITEMS: Mapping[str, _Wanted] = {
    "lambda.requests": _Wanted("AWSLambda", "Request", "AWS-Lambda-Requests"),
    "lambda.gb-seconds-x86": _Wanted("AWSLambda", "Lambda-GB-Second", "AWS-Lambda-Duration"),
    "lambda.gb-seconds-arm": _Wanted("AWSLambda", "Lambda-GB-Second-ARM", "AWS-Lambda-Duration-ARM"),
    "lambda.gb-seconds-provisioned": _Wanted("AWSLambda", "Lambda-Provisioned-GB-Second"),
    "lambda.ephemeral-gb-seconds": _Wanted("AWSLambda", "Lambda-Storage-GB-Second"),
    "lambda.edge-requests": _Wanted("AWSLambda", "Lambda-Edge-Request"),
    "lambda.edge-gb-seconds": _Wanted("AWSLambda", "Lambda-Edge-GB-Second"),
    "apigateway.rest-requests": _Wanted("AmazonApiGateway", "ApiGatewayRequest"),
    "apigateway.http-requests": _Wanted("AmazonApiGateway", "ApiGatewayHttpRequest"),
    "apigateway.websocket-messages": _Wanted("AmazonApiGateway", "ApiGatewayMessage"),
    "apigateway.websocket-minutes": _Wanted("AmazonApiGateway", "ApiGatewayMinute"),
    "stepfunctions.transitions": _Wanted("AmazonStates", "StateTransition"),
    "stepfunctions.express-requests": _Wanted("AmazonStates", "StepFunctions-Request"),
    "stepfunctions.express-gb-seconds": _Wanted("AmazonStates", "StepFunctions-GB-Second"),
    "dynamodb.read-units": _Wanted("AmazonDynamoDB", "ReadRequestUnits"),
    "dynamodb.write-units": _Wanted("AmazonDynamoDB", "WriteRequestUnits"),
    "dynamodb.gb-months": _Wanted("AmazonDynamoDB", "TimedStorage-ByteHrs"),
    "dynamodb.read-capacity-hours": _Wanted("AmazonDynamoDB", "ReadCapacityUnit-Hrs"),
    "dynamodb.write-capacity-hours": _Wanted("AmazonDynamoDB", "WriteCapacityUnit-Hrs"),
    "s3.class-a": _Wanted("AmazonS3", "Requests-Tier1"),
    "s3.class-b": _Wanted("AmazonS3", "Requests-Tier2"),
    "s3.gb-months": _Wanted("AmazonS3", "TimedStorage-ByteHrs"),
    "sqs.standard-requests": _Wanted("AWSQueueService", "Requests-Tier1"),
    "sqs.fifo-requests": _Wanted("AWSQueueService", "Requests-FIFO-Tier1"),
    "sns.publishes": _Wanted("AmazonSNS", "Requests-Tier1"),
    "sns.http-deliveries": _Wanted("AmazonSNS", "DeliveryAttempts-HTTP"),
    "sns.email-deliveries": _Wanted("AmazonSNS", "DeliveryAttempts-SMTP"),
    "events.custom-events": _Wanted("AWSEvents", "Event-64K-Chunks"),
    "logs.ingested-gb": _Wanted("AmazonCloudWatch", "DataProcessing-Bytes"),
    "logs.gb-months": _Wanted("AmazonCloudWatch", "TimedStorage-ByteHrs"),
    "logs.scanned-gb": _Wanted("AmazonCloudWatch", "DataScanned-Bytes"),
    "cloudwatch.metric-months": _Wanted("AmazonCloudWatch", "CW:MetricMonitorUsage"),
    "cloudwatch.alarm-months": _Wanted("AmazonCloudWatch", "CW:AlarmMonitorUsage"),
    "athena.scanned-tb": _Wanted("AmazonAthena", "DataScannedInTB"),
    "xray.traces": _Wanted("AWSXRay", "XRay-TracesStored"),
    "kinesis.put-units": _Wanted("AmazonKinesis", "PutRequestPayloadUnits"),
    "kinesis.shard-hours": _Wanted("AmazonKinesis", "Storage-ShardHour"),
    "iot.messages": _Wanted("AWSIoT", "Messages"),
    "iot.connection-minutes": _Wanted("AWSIoT", "ConnectionMinutes"),
    "cognito.essentials-users": _Wanted("AmazonCognito", "CognitoEssentialsMAU"),
    "transfer.out-gb": _Wanted("AWSDataTransfer", "DataTransfer-Out-Bytes"),
    "secretsmanager.secret-months": _Wanted("AWSSecretsManager", "AWSSecretsManager-Secrets"),
    "secretsmanager.requests": _Wanted("AWSSecretsManager", "AWSSecretsManagerAPIRequest"),
    "ecr.gb-months": _Wanted("AmazonECR", "TimedStorage-ByteHrs"),
}
_BY_PRODUCT: Mapping[tuple[str, str], tuple[str, str]] = {
    (wanted.service, wanted.usage): (name, wanted.group) for name, wanted in _ITEMS.items()
} | {
    ("AWSQueueService", "Requests-RBP"): ("sqs.standard-requests", ""),  # so in us-east-1
    ("AWSQueueService", "Requests-FIFO-RBP"): ("sqs.fifo-requests", ""),
}


class _Row(NamedTuple):
    """One price of one product."""

    service: str
    region: str
    usage: str
    group: str
    begin: float
    end: float
    price: float


def read(content: bytes, source: str = "") -> dict[str, Any]:
    """A price file as a list in the form of `aws.toml`; PricesInvalid when it is none, or holds nothing we bill by.

    `source` says where the file came from.
    """
    text = content.lstrip(b"\xef\xbb\xbf \t\r\n")
    published, rows = _json(text) if text.startswith(b"{") else _csv(text)
    tiers: dict[str, dict[str, dict[float, tuple[float, float]]]] = {}
    for row in rows:
        name, group = _BY_PRODUCT.get((row.service, _PREFIX.sub("", row.usage)), ("", ""))
        if name and row.region and (not group or not row.group or row.group == group):
            tiers.setdefault(name, {}).setdefault(row.region, {})[row.begin] = (row.end, row.price)
    if not tiers:
        raise PricesInvalid("the file holds no price that Kumoi bills by: is it a price list file of AWS?")
    return {
        "items": {
            name: {region: _figure(found, published, source) for region, found in by_region.items()}
            for name, by_region in tiers.items()
        }
    }


def _figure(found: Mapping[float, tuple[float, float]], published: str, source: str) -> dict[str, Any]:
    """A figure out of the tiers of a product. A first tier that is free is left out: pools say what is free."""
    ordered = [found[begin] for begin in sorted(found)]
    while len(ordered) > 1 and ordered[0][1] == 0.0:
        del ordered[0]
    tiers: list[list[float]] = [[end, price] for end, price in ordered[:-1]]
    return {"tiers": [*tiers, [ordered[-1][1]]], "as_of": published, "source": source, "verified": True}


def _json(text: bytes) -> tuple[str, Iterator[_Row]]:
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PricesInvalid(f"the file is not JSON: {error}") from None
    if not isinstance(whole.get("products"), dict) or not isinstance(whole.get("terms"), dict):
        raise PricesInvalid("a price list file of AWS has products and terms")
    try:
        rows = list(_json_rows(whole))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PricesInvalid(f"the file is not of the form of AWS's price list files: {error!r}") from None
    return str(whole.get("publicationDate", ""))[:10], iter(rows)


def _json_rows(whole: Mapping[str, Any]) -> Iterator[_Row]:
    service = str(whole.get("offerCode", ""))
    for sku, offers in whole["terms"].get("OnDemand", {}).items():
        attributes = whole["products"].get(sku, {}).get("attributes", {})
        usage = attributes.get("usagetype")
        if not usage:
            continue
        for offer in offers.values():
            for one in offer["priceDimensions"].values():
                price = one["pricePerUnit"].get("USD")
                if price is not None:
                    yield _Row(
                        service or attributes.get("servicecode", ""),
                        attributes.get("regionCode", ""),
                        usage,
                        attributes.get("group", ""),
                        float(one.get("beginRange", 0)),
                        _end(one.get("endRange", "Inf")),
                        float(price),
                    )


def _csv(text: bytes) -> tuple[str, Iterator[_Row]]:
    try:
        lines = list(csv.reader(io.StringIO(text.decode())))
    except (UnicodeDecodeError, csv.Error) as error:
        raise PricesInvalid(f"the file is neither JSON nor CSV: {error}") from None
    facts = {line[0]: line[1] for line in lines[:_METADATA_ROWS] if len(line) > 1}
    if len(lines) <= _METADATA_ROWS or "SKU" not in lines[_METADATA_ROWS]:
        raise PricesInvalid("a price list file of AWS begins with five lines of metadata and a line of column names")
    header = lines[_METADATA_ROWS]
    rows = (dict(zip(header, line, strict=False)) for line in lines[_METADATA_ROWS + 1 :])
    try:
        return facts.get("Publication Date", "")[:10], iter(list(_csv_rows(rows)))
    except (KeyError, ValueError) as error:
        raise PricesInvalid(f"the file is not of the form of AWS's price list files: {error!r}") from None


def _csv_rows(rows: Iterable[Mapping[str, str]]) -> Iterator[_Row]:
    for row in rows:
        if row.get("TermType") != "OnDemand" or row.get("Currency") != "USD" or not row.get("usageType"):
            continue
        yield _Row(
            row.get("serviceCode", ""),
            row.get("Region Code", ""),
            row["usageType"],
            row.get("Group", ""),
            float(row.get("StartingRange") or 0),
            _end(row.get("EndingRange") or "Inf"),
            float(row["PricePerUnit"]),
        )


def _end(text: str) -> float:
    return inf if text == "Inf" else float(text)
