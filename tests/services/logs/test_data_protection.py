"""Data protection: what identifiers find, what policies may say, and that nothing shows what they mask."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.logs.data_identifiers import ARN, IDENTIFIERS, Span
from kumoi.services.logs.data_protection import Found, find, masked, policy_of, protect
from kumoi.services.logs.findings import report
from kumoi.wire import AwsError

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----"
KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("EmailAddress", "ann.b+c@mail.example.com, <b@example.org>", ["ann.b+c@mail.example.com", "b@example.org"]),
        ("EmailAddress", "user@host has no top level", []),
        ("IpAddress", "from 10.0.0.1, to 2001:db8::1 and ::1", ["10.0.0.1", "2001:db8::1", "::1"]),
        ("IpAddress", "at 12:30:45 version 1.2.3.4.5 or 999.1.1.1", []),
        ("CreditCardNumber", "card: 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("CreditCardNumber", '{"creditCard":"4111-1111-1111-1111"}', ["4111-1111-1111-1111"]),
        ("CreditCardNumber", "card: 4111 1111 1111 1112", []),
        ("CreditCardNumber", "4111 1111 1111 1111 " + "." * 40 + " card", []),
        ("CreditCardExpiration", "expiry 04/2027", ["04/2027"]),
        ("CreditCardSecurityCode", "cvv=123", ["123"]),
        ("AwsSecretKey", f"aws_secret_access_key = {KEY}", [KEY]),
        ("AwsSecretKey", f"etag {KEY}", []),
        ("PkcsPrivateKey", f"{PEM} ok", [PEM]),
        ("OpenSshPrivateKey", "-----BEGIN OPENSSH PRIVATE KEY-----", ["-----BEGIN OPENSSH PRIVATE KEY-----"]),
        ("Ssn-US", '{"ssn":"123-45-6789"}', ["123-45-6789"]),
        ("Ssn-US", "ssn 000-45-6789", []),
        ("PhoneNumber-US", "phone (555) 234-5678", ["(555) 234-5678"]),
        ("PhoneNumber-DE", "Tel. +49 30 1234567", ["+49 30 1234567"]),
        ("BankAccountNumber-DE", "IBAN DE89 3704 0044 0532 0130 00 please", ["DE89 3704 0044 0532 0130 00"]),
        ("BankAccountNumber-DE", "DE88370400440532013000", []),
        ("BankAccountNumber-GB", "GB29NWBK60161331926819", ["GB29NWBK60161331926819"]),
        ("BankAccountNumber-US", "checking account 123456789", ["123456789"]),
        ("LatLong", "position 48.8566, 2.3522", ["48.8566, 2.3522"]),
        ("ZipCode-US", "zip code 12345-6789", ["12345-6789"]),
        ("VehicleIdentificationNumber", "VIN 1HGCM82633A004352", ["1HGCM82633A004352"]),
        ("NationalProviderId-US", "npi 1234567893", ["1234567893"]),
        ("DrugEnforcementAgencyNumber-US", "DEA number AB1234563", ["AB1234563"]),
        ("NhsNumber-GB", "NHS 943 476 5919", ["943 476 5919"]),
        ("NationalInsuranceNumber-GB", "nino AB 12 34 56 C", ["AB 12 34 56 C"]),
        ("CpfCode-BR", "cpf 529.982.247-25", ["529.982.247-25"]),
        ("CpfCode-BR", "cpf 111.111.111-11", []),
        ("Cnpj-BR", "CNPJ 11.222.333/0001-81", ["11.222.333/0001-81"]),
        ("IndividualTaxIdentificationNumber-US", "ITIN 912-70-1234", ["912-70-1234"]),
    ],
)  # fmt: skip
def test_an_identifier_finds(name: str, text: str, found: list[str]) -> None:
    assert [text[span.start : span.end] for span in IDENTIFIERS[name].find(text)] == found


@settings(max_examples=60)
@given(st.text(alphabet="card 4111-:@a.+DE89zip", max_size=120), st.sampled_from(sorted(IDENTIFIERS)))
def test_masks_are_as_long_as_what_they_hide(text: str, name: str) -> None:
    spans = tuple(IDENTIFIERS[name].find(text))
    hidden = masked(text, [Found(name, spans)])
    covered = {at for span in spans for at in range(*span)}
    assert hidden == "".join("*" if at in covered else one for at, one in enumerate(text))


@pytest.mark.parametrize("name", sorted(IDENTIFIERS))
@pytest.mark.parametrize("text", ["DE89" + "A" * 30_000, "card " + "1 " * 20_000, "a@" * 20_000, "ip " + "1:" * 20_000])
def test_no_text_keeps_an_identifier_busy(name: str, text: str) -> None:
    began = time.thread_time()
    list(IDENTIFIERS[name].find(text))
    assert time.thread_time() - began < 2


def policy(*names: str, custom: dict[str, str] | None = None, to: str | None = None, **changes: Any) -> dict[str, Any]:
    identifiers = [*(f"{ARN}{name}" for name in names), *(custom or {})]
    findings = {} if to is None else {"CloudWatchLogs": {"LogGroup": to}}
    document: dict[str, Any] = {
        "Name": "p",
        "Version": "2021-06-01",
        "Statement": [
            {"DataIdentifier": identifiers, "Operation": {"Audit": {"FindingsDestination": findings}}},
            {"DataIdentifier": identifiers, "Operation": {"Deidentify": {"MaskConfig": {}}}},
        ],
    }
    if custom:
        document["Configuration"] = {
            "CustomDataIdentifier": [{"Name": name, "Regex": regex} for name, regex in custom.items()]
        }
    return document | changes


@pytest.mark.parametrize(
    "document",
    [
        "", "[]", "{", "[" * 100_000, " " * 40_000,
        policy("EmailAddress", Version="2012-10-17"),
        policy("EmailAddress", Name=1),
        policy("Nothing"),
        policy(),
        policy("EmailAddress", Statement=[]),
        policy("EmailAddress", Statement=[1, 2]),
        policy("EmailAddress", Statement=list(reversed(policy("EmailAddress")["Statement"]))),
        policy("EmailAddress", Statement=[policy("EmailAddress")["Statement"][0], policy("IpAddress")["Statement"][1]]),
        policy("EmailAddress", Configuration=7),
        policy(custom={"C": "("}),
        policy(custom={"C": "a" * 201}),
        policy(custom={f"C{number}": "a" for number in range(11)}),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(document: Any) -> None:
    with pytest.raises(AwsError) as refused:
        policy_of(document if isinstance(document, str) else json.dumps(document))
    assert refused.value.code == "InvalidParameterException"


def test_a_custom_identifier_that_takes_too_long_hides_all_and_is_not_tried_again() -> None:
    slow = policy_of(json.dumps(policy(custom={"Slow": "(a|a)*[b-z]"})))
    began = time.thread_time()
    events = [{"timestamp": 1, "message": "a" * 200} for _ in range(50)]
    protected = protect([slow], {"s": events})
    assert {one["message"] for one in protected.streams["s"]} == {"*" * 200}
    assert protected.streams["s"][0]["unmasked"] == "a" * 200
    assert time.thread_time() - began < 2


def test_findings_tell_what_was_found_where() -> None:
    text = "to bob@example.org"
    found = find([policy_of(json.dumps(policy("EmailAddress")))], text, set())
    assert found == [Found("EmailAddress", (Span(3, 18),))]
    assert json.loads(report("arn", found, 1_674_508_280_000)) == {
        "auditTimestamp": "2023-01-23T21:11:20Z",
        "resourceArn": "arn:*",
        "dataIdentifiers": [{"name": "EmailAddress", "count": 1, "detections": [{"start": 4, "end": 18}]}],
    }


@pytest.fixture
def logs(kumoi: Any) -> Any:
    client = kumoi.client("logs")
    for group in ("g", "findings"):
        client.create_log_group(logGroupName=group)
    client.create_log_stream(logGroupName="g", logStreamName="s")
    return client


def put(kumoi: Any, logs: Any, *messages: str) -> int:
    now = int(kumoi.now().timestamp() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    return now


def shown(logs: Any, **asked: Any) -> list[str]:
    page = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True, **asked)
    return [event["message"] for event in page["events"]]


def test_what_comes_in_is_masked_wherever_it_is_read(kumoi: Any, logs: Any) -> None:
    put(kumoi, logs, "before ann@example.org")
    document = json.dumps(policy("EmailAddress", custom={"Employee": r"E-\d{4}"}, to="findings"))
    made = logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=document)
    assert logs.get_data_protection_policy(logGroupIdentifier="g")["policyDocument"] == document
    assert made["lastUpdatedTime"]
    transformation = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    for name, pattern in (("seen", '"ann@"'), ("masked", '"***"')):
        one = {**transformation, "metricName": name}
        logs.put_metric_filter(logGroupName="g", filterName=name, filterPattern=pattern, metricTransformations=[one])
    line = '{"who":"ann@example.org","id":"E-1234","n":1}'
    hidden = '{"who":"' + "*" * 15 + '","id":"' + "*" * 6 + '","n":1}'
    now = put(kumoi, logs, line, "plain")
    assert shown(logs) == ["before ann@example.org", hidden, "plain"]
    assert shown(logs, unmask=True) == ["before ann@example.org", line, "plain"]
    filtered = logs.filter_log_events(logGroupName="g", filterPattern="{ $.n = 1 }")["events"]
    assert [one["message"] for one in filtered] == [hidden]
    assert logs.filter_log_events(logGroupName="g", filterPattern='{ $.who = "ann*" }')["events"] == []
    (unmasked,) = logs.filter_log_events(logGroupName="g", filterPattern="{ $.n = 1 }", unmask=True)["events"]
    assert unmasked["message"] == line

    text = "fields @message, who, unmask(@message) as all, unmask(who) as one | filter n = 1"
    started = logs.start_query(logGroupName="g", startTime=now // 1000 - 60, endTime=now // 1000 + 60, queryString=text)
    deadline = time.monotonic() + 60
    while (answer := logs.get_query_results(queryId=started["queryId"]))["status"] in ("Scheduled", "Running"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    ((*fields,),) = answer["results"]
    row = {one["field"]: one["value"] for one in fields}
    expected = {"@message": hidden, "who": "*" * 15, "all": line, "one": "ann@example.org"}
    assert {name: row[name] for name in expected} == expected
    record = logs.get_log_record(logRecordPointer=row["@ptr"])["logRecord"]
    assert (record["@message"], record["who"]) == (hidden, "*" * 15)
    record = logs.get_log_record(logRecordPointer=row["@ptr"], unmask=True)["logRecord"]
    assert (record["@message"], record["who"]) == (line, "ann@example.org")

    (told,) = logs.filter_log_events(logGroupName="findings")["events"]
    assert [one["name"] for one in json.loads(told["message"])["dataIdentifiers"]] == ["EmailAddress", "Employee"]
    metrics = kumoi.client("cloudwatch").list_metrics(Namespace="n")["Metrics"]
    assert [one["MetricName"] for one in metrics] == ["masked"]
    (metric,) = kumoi.client("cloudwatch").list_metrics(MetricName="LogEventsWithFindings")["Metrics"]
    assert metric["Dimensions"] == [{"Name": "LogGroupName", "Value": "g"}]

    described = {one["logGroupName"]: one for one in logs.describe_log_groups()["logGroups"]}
    assert described["g"]["dataProtectionStatus"] == "ACTIVATED"
    assert "dataProtectionStatus" not in described["findings"]
    logs.delete_data_protection_policy(logGroupIdentifier="g")
    put(kumoi, logs, "after ann@example.org")
    assert shown(logs)[-1] == "after ann@example.org"
    assert "policyDocument" not in logs.get_data_protection_policy(logGroupIdentifier="g")
    assert logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]["dataProtectionStatus"] == "DELETED"


def test_an_accounts_policy_is_about_all_groups(kumoi: Any, logs: Any) -> None:
    kind = "DATA_PROTECTION_POLICY"
    given = {"policyName": "all", "policyType": kind, "policyDocument": json.dumps(policy("IpAddress"))}
    made = logs.put_account_policy(**given, scope="ALL")["accountPolicy"]
    assert (made["policyName"], made["accountId"], made["scope"]) == ("all", kumoi.account, "ALL")
    logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=json.dumps(policy("EmailAddress")))
    put(kumoi, logs, "ann@example.org from 10.0.0.1")
    assert shown(logs) == ["*" * 15 + " from " + "*" * 8]
    (group,) = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"]
    assert group["inheritedProperties"] == ["ACCOUNT_DATA_PROTECTION"]
    assert logs.describe_account_policies(policyType=kind)["accountPolicies"] == [made]
    refusals = {
        "LimitExceededException": lambda: logs.put_account_policy(**given | {"policyName": "other"}),
        "ResourceNotFoundException": lambda: logs.delete_account_policy(policyName="other", policyType=kind),
        "InvalidParameterException": lambda: logs.put_account_policy(**given | {"policyType": "FIELD_INDEX_POLICY"}),
    }
    for code, ask in refusals.items():
        with pytest.raises(ClientError, match=code):
            ask()
    logs.delete_account_policy(policyName="all", policyType=kind)
    assert logs.describe_account_policies(policyType=kind)["accountPolicies"] == []
    put(kumoi, logs, "from 10.0.0.1")
    assert shown(logs)[-1] == "from 10.0.0.1"


def test_findings_go_where_something_is(logs: Any) -> None:
    elsewhere = json.dumps(policy("EmailAddress", to="nowhere"))
    with pytest.raises(ClientError, match="nowhere"):
        logs.put_data_protection_policy(logGroupIdentifier="g", policyDocument=elsewhere)
    for ask in (logs.get_data_protection_policy, logs.delete_data_protection_policy):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            ask(logGroupIdentifier="none")


def test_findings_go_to_a_bucket(logs: Any, kumoi: Any) -> None:
    s3, document = kumoi.client("s3"), policy("EmailAddress", to="findings")
    document["Statement"][0]["Operation"]["Audit"]["FindingsDestination"]["S3"] = {"Bucket": "audits"}
    given = {"logGroupIdentifier": "g", "policyDocument": json.dumps(document)}
    with pytest.raises(ClientError, match="bucket audits") as refused:
        logs.put_data_protection_policy(**given)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    s3.create_bucket(Bucket="audits")
    logs.put_data_protection_policy(**given)
    put(kumoi, logs, "ann@example.org", "nobody", "to bob@example.org")
    (found,) = s3.list_objects_v2(Bucket="audits")["Contents"]
    assert found["Key"].startswith(f"AWSLogs/{kumoi.account}/DataProtection/us-east-1/")
    lines = gzip.decompress(s3.get_object(Bucket="audits", Key=found["Key"])["Body"].read()).decode().splitlines()
    assert lines == [one["message"] for one in logs.filter_log_events(logGroupName="findings")["events"]]
    assert [json.loads(line)["dataIdentifiers"][0]["detections"][0]["start"] for line in lines] == [1, 4]
    s3.delete_object(Bucket="audits", Key=found["Key"])
    s3.delete_bucket(Bucket="audits")
    put(kumoi, logs, "ann@example.org")
    assert shown(logs)[-1] == "*" * 15


def test_findings_in_findings_are_not_told(logs: Any, kumoi: Any) -> None:
    """Groups that tell one another what was found in them would never come to an end."""
    for group, to in (("g", "findings"), ("findings", "g")):
        document = json.dumps(policy(custom={"Any": "[A-Za-z]+"}, to=to))
        logs.put_data_protection_policy(logGroupIdentifier=group, policyDocument=document)
    put(kumoi, logs, "secret")
    assert shown(logs) == ["******"]
    (told,) = logs.filter_log_events(logGroupName="findings")["events"]
    assert "Audit" not in told["message"]
    assert [one["message"] for one in logs.filter_log_events(logGroupName="g")["events"]] == ["******"]
