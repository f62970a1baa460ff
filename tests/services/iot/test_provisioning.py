"""Fleet provisioning: templates, RegisterThing, and devices that ask for identities of their own over MQTT."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kumoi.doorway import Principal
from kumoi.services.iot import provisioning_hook
from kumoi.services.iot.provisioning_hook import allowed
from kumoi.services.iot.provisioning_rules import plan_of, read_template
from kumoi.services.iot.records import Certificate, ProvisioningTemplate
from kumoi.wire.cbor import decode, encode
from kumoi.wire.errors import AwsError

ROLE = "arn:aws:iam::000000000000:role/provisioning"
THING = {
    "Type": "AWS::IoT::Thing",
    "Properties": {
        "ThingName": {"Fn::Join": ["", ["pump-", {"Ref": "Serial"}]]},
        "AttributePayload": {"site": {"Fn::FindInMap": ["Sites", {"Ref": "Site"}, "name"]}},
        "ThingTypeName": "pump",
        "ThingGroups": ["pumps"],
    },
}
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Serial": {"Type": "String"}, "Site": {"Type": "String", "Default": "n"}},
    "Mappings": {"Sites": {"n": {"name": "north"}, "s": {"name": "south"}}},
    "Resources": {
        "thing": THING,
        "certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {"CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"},
        },
        "policy": {
            "Type": "AWS::IoT::Policy",
            "Properties": {
                "PolicyName": "pumps",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
            },
        },
    },
    "DeviceConfiguration": {"every": "60", "site": {"Fn::Sub": "site-${Site}"}},
}


def changed(**more: Any) -> dict[str, Any]:
    return {**TEMPLATE, **more}


def resources(**more: Any) -> dict[str, Any]:
    return changed(Resources={**TEMPLATE["Resources"], **more})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "a"}, "x-y"),
        ({"Fn::Join": ["/", ["1", {"Ref": "a"}]]}, "1/x-y"),
        ({"Fn::Select": ["1", {"Fn::Split": ["-", {"Ref": "a"}]}]}, "y"),
        ({"Fn::Sub": "${a}:${!a}:${AWS::IoT::Certificate::Id}"}, "x-y:${a}:id"),
        ({"Fn::Sub": ["${b}", {"b": {"Ref": "a"}}]}, "x-y"),
        ({"Fn::FindInMap": ["m", {"Ref": "a"}, "k"]}, "v"),
        ({"Ref": "AWS::IoT::Certificate::Id"}, "id"),
    ],
)
def test_values_are_worked_out(value: Any, expected: str) -> None:
    body = {
        "Parameters": {"a": {"Type": "String"}},
        "Mappings": {"m": {"x-y": {"k": "v"}}},
        "Resources": {"t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": value}}},
    }
    plan = plan_of(read_template(json.dumps(body)), {"a": "x-y", "other": "1"}, {"AWS::IoT::Certificate::Id": "id"})
    assert plan.thing is not None
    assert plan.thing.properties["ThingName"] == expected


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{", "not JSON"),
        ([], "no JSON object"),
        ({"Resources": {}, "Outputs": {}}, "Outputs"),
        (changed(Parameters={"Serial": {"Type": "Number"}}), "the Type String"),
        (changed(Parameters={}), "names no parameter"),
        (resources(other=THING), "more than one"),
        (resources(other={"Type": "AWS::S3::Bucket"}), "AWS::S3::Bucket"),
        (resources(thing={"Type": "AWS::IoT::Thing"}), "ThingName"),
        (resources(thing={**THING, "OverrideSettings": {"ThingTypeName": "MERGE"}}), "ThingTypeName: MERGE"),
        (resources(certificate={"Type": "AWS::IoT::Certificate", "Properties": {}}), "needs one of"),
        (resources(policy={"Type": "AWS::IoT::Policy"}), "PolicyName or a PolicyDocument"),
        (resources(policy={"Type": "AWS::IoT::Policy", "Properties": {"Name": "x"}}), "no properties Name"),
        (changed(Mappings={"m": []}), "no JSON object"),
        ('{"Resources": ' + '{"a":' * 99 + "{}" + "}" * 100, "deep"),
    ],
)
def test_what_is_wrong_with_a_template_is_told(body: Any, said: str) -> None:
    with pytest.raises(AwsError) as refused:
        read_template(body if isinstance(body, str) else json.dumps(body))
    assert (refused.value.code, said in refused.value.message) == ("InvalidRequestException", True)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"Fn::Select": [7, ["a"]]}, "no element 7"),
        ({"Fn::Select": ["²", ["a"]]}, "no element"),
        ({"Fn::Select": ["0000000001", ["a"]]}, "no element"),
        ({"Fn::Join": ["", "a"]}, "of another kind"),
        ({"Fn::FindInMap": ["x", "y", "z"]}, "x.y.z"),
        ({"Fn::GetAtt": ["x", "y"]}, "Fn::GetAtt"),
        ({"Fn::Sub": "${missing}"}, "missing has no value"),
        (["a"], "not of the right kind"),
    ],
)
def test_values_that_cannot_be_worked_out_are_told(value: Any, said: str) -> None:
    body = {"Resources": {"t": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": value}}}}
    with pytest.raises(AwsError) as refused:
        plan_of(read_template(json.dumps(body)), {}, {})
    assert (refused.value.code, said in refused.value.message) == ("InvalidRequestException", True)


@pytest.fixture
def iot(kumoi: Any) -> Any:
    return kumoi.client("iot")


@pytest.fixture
def fleet(iot: Any) -> Callable[..., None]:
    """Make a template, and what it needs."""

    def make(name: str = "fleet", body: dict[str, Any] = TEMPLATE, **more: Any) -> None:
        iot.create_thing_type(thingTypeName="pump")
        iot.create_thing_group(thingGroupName="pumps")
        iot.create_provisioning_template(
            templateName=name, templateBody=json.dumps(body), provisioningRoleArn=ROLE, **{"enabled": True, **more}
        )

    return make


@pytest.fixture
def claim(kumoi: Any, device_type: Any) -> Iterator[Callable[..., Any]]:
    """A device that asks on a topic, and its answers: (accepted or rejected, content)."""
    made = []

    def connect(client_id: str = "claim") -> Callable[..., tuple[str, Any]]:
        device = device_type(kumoi.url, kumoi.account, client_id)
        made.append(device)
        device.connect()
        for form in ("json", "cbor"):
            topics = ("certificates/create", "certificates/create-from-csr", "provisioning-templates/fleet/provision")
            device.subscribe(*(f"$aws/{topic}/{form}/+" for topic in topics))

        def ask(topic: str, content: Any = None, form: str = "json") -> tuple[str, Any]:
            payload = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
            if form == "cbor":
                payload = encode(content)
            device.publish(f"$aws/{topic}/{form}", payload)
            message = device.get()
            assert message.topic.startswith(f"$aws/{topic}/{form}/")
            found = decode(message.payload) if form == "cbor" else json.loads(message.payload)
            return message.topic.rpartition("/")[2], found

        ask.device = device  # type: ignore[attr-defined]
        return ask

    yield connect
    for one in made:
        one.close()


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


PROVISION = "provisioning-templates/fleet/provision"


def test_a_device_is_given_a_certificate_and_provisioned(iot: Any, fleet: Any, claim: Any) -> None:
    fleet()
    ask, other = claim(), claim("other")
    outcome, made = ask("certificates/create")
    assert (outcome, "PRIVATE KEY" in made["privateKey"]) == ("accepted", True)
    found = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    assert (found["status"], found["certificatePem"]) == ("INACTIVE", made["certificatePem"])
    asked = {
        "certificateOwnershipToken": made["certificateOwnershipToken"],
        "parameters": {"Serial": "7", "Site": "s", "Beside": "1"},
    }
    expected = ("accepted", {"thingName": "pump-7", "deviceConfiguration": {"every": "60", "site": "site-s"}})
    assert [ask(PROVISION, asked) for _ in range(2)] == [expected] * 2
    thing = iot.describe_thing(thingName="pump-7")
    assert (thing["attributes"], thing["thingTypeName"]) == ({"site": "south"}, "pump")
    assert iot.list_things_in_thing_group(thingGroupName="pumps")["things"] == ["pump-7"]
    (principal,) = iot.list_thing_principals(thingName="pump-7")["principals"]
    assert principal == found["certificateArn"]
    assert [one["policyName"] for one in iot.list_attached_policies(target=principal)["policies"]] == ["pumps"]
    assert status(iot, made) == "ACTIVE"
    iot.update_certificate(certificateId=made["certificateId"], newStatus="REVOKED")
    ask(PROVISION, asked)
    assert status(iot, made) == "REVOKED"
    assert other.device.messages.empty()


def test_no_device_answers_another(kumoi: Any, fleet: Any, claim: Any) -> None:
    fleet()
    ask, forger = claim(), claim("forger")
    accepted = "$aws/certificates/create/json/accepted"
    for topic, said in ((accepted, "reserved"), ("$aws/certificates/create/json", "over MQTT")):
        with pytest.raises(ClientError, match=said):
            kumoi.client("iot-data").publish(topic=topic, payload=b"{}")
    forger.device.client.publish(accepted, b"{}", 1)
    forger.device.ended.get(timeout=60)
    assert "certificateId" in ask("certificates/create")[1]


def status(iot: Any, made: dict[str, Any]) -> str:
    found = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]
    return str(found["status"])


def test_a_signing_request_and_cbor_do_as_well(iot: Any, fleet: Any, claim: Any) -> None:
    fleet()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pump")])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    pem = request.public_bytes(Encoding.PEM).decode()
    ask = claim()
    outcome, made = ask("certificates/create-from-csr", {"certificateSigningRequest": pem}, "cbor")
    assert (outcome, "privateKey" in made) == ("accepted", False)
    asked = {"certificateOwnershipToken": made["certificateOwnershipToken"], "parameters": {"Serial": "8"}}
    assert ask(PROVISION, asked, "cbor")[1]["thingName"] == "pump-8"


@pytest.mark.kumoi_clock
def test_what_a_device_may_not_ask_is_rejected(iot: Any, kumoi: Any, fleet: Any, claim: Any) -> None:
    fleet()
    ask = claim()
    made = ask("certificates/create")[1]
    token = made["certificateOwnershipToken"]

    def rejected(content: Any, topic: str = PROVISION) -> str:
        outcome, said = ask(topic, content)
        assert outcome == "rejected"
        assert set(said) == {"statusCode", "errorCode", "errorMessage"}
        return str(said["errorCode"])

    asked = {"certificateOwnershipToken": token, "parameters": {"Serial": "7"}}
    assert rejected(b"{") == "InvalidPayload"
    assert rejected([1]) == "InvalidPayload"
    assert rejected({}) == "InvalidRequest"
    assert rejected({**asked, "parameters": {"Serial": 7}}) == "InvalidRequest"
    assert rejected({**asked, "parameters": {}}) == "InvalidRequest"
    assert rejected({**asked, "certificateOwnershipToken": "x"}) == "InvalidCertificateOwnershipToken"
    assert rejected({}, "certificates/create-from-csr") == "InvalidRequest"
    iot.update_provisioning_template(templateName="fleet", enabled=False)
    assert rejected(asked) == "InvalidRequest"
    iot.update_provisioning_template(templateName="fleet", enabled=True)
    iot.delete_thing_group(thingGroupName="pumps")
    assert rejected(asked) == "ResourceRegistrationFailure"
    kumoi.advance("61m")
    assert rejected(asked) == "InvalidCertificateOwnershipToken"
    assert refused(lambda: status(iot, made)) == "ResourceNotFoundException"


HOOK = """
def handler(event, context):
    assert event["clientId"] == "claim" and event["templateArn"].endswith("provisioningtemplate/fleet")
    serial = event["parameters"]["Serial"]
    return {"allowProvisioning": serial != "stolen", "parameterOverrides": {"Site": "s"}}
"""


def test_a_function_says_who_is_provisioned(iot: Any, kumoi: Any, fleet: Any, claim: Any, zipped: Any) -> None:
    kumoi.client("lambda").create_function(
        FunctionName="hook",
        Runtime="python3.12",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"app.py": HOOK})},
    )
    arn = kumoi.client("lambda").get_function(FunctionName="hook")["Configuration"]["FunctionArn"]
    fleet(preProvisioningHook={"targetArn": arn})
    ask = claim()
    token = ask("certificates/create")[1]["certificateOwnershipToken"]
    asked = {"certificateOwnershipToken": token, "parameters": {"Serial": "stolen"}}
    assert ask(PROVISION, asked)[1]["errorCode"] == "AccessDenied"
    outcome, _ = ask(PROVISION, {**asked, "parameters": {"Serial": "7"}})
    assert (outcome, iot.describe_thing(thingName="pump-7")["attributes"]) == ("accepted", {"site": "south"})


def test_a_function_that_does_not_answer_in_time_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning_hook, "SECONDS", 0.0)
    asked: list[str] = []

    class HangingCall:
        account, caller = "000000000000", Principal.root("000000000000")

        def arn(self, service: str, resource: str) -> str:
            return f"arn:aws:{service}:us-east-1:{self.account}:{resource}"

        async def to_as(self, _caller: Principal, service: str, operation: str, **_params: Any) -> Any:
            asked.append(f"{service}:{operation}")
            await asyncio.Event().wait()

    template = ProvisioningTemplate(name="fleet", role=ROLE, created=0, modified=0, versions=())
    certificate = Certificate(id="c", pem="", status="INACTIVE", created=0, modified=0, not_before=0, not_after=0)
    with pytest.raises(AwsError, match="did not answer within"):
        asyncio.run(allowed(HangingCall(), "pump", template, {"targetArn": "f"}, certificate, {}))  # type: ignore[arg-type]
    assert asked == ["lambda:Invoke"]


def test_templates_are_kept_with_their_versions(iot: Any, kumoi: Any, fleet: Any) -> None:
    fleet(description="pumps", tags=[{"Key": "a", "Value": "b"}], enabled=False)
    arn = f"arn:aws:iot:us-east-1:{kumoi.account}:provisioningtemplate/fleet"
    found = iot.describe_provisioning_template(templateName="fleet")
    assert (found["templateArn"], found["description"], found["enabled"]) == (arn, "pumps", False)
    assert json.loads(found["templateBody"]) == TEMPLATE
    assert iot.list_tags_for_resource(resourceArn=arn)["tags"] == [{"Key": "a", "Value": "b"}]
    added = iot.create_provisioning_template_version(
        templateName="fleet", templateBody=json.dumps(changed(DeviceConfiguration={})), setAsDefault=True
    )
    assert (added["versionId"], added["isDefaultVersion"]) == (2, True)
    listed = iot.list_provisioning_template_versions(templateName="fleet")["versions"]
    assert [(one["versionId"], one["isDefaultVersion"]) for one in listed] == [(1, False), (2, True)]
    body = iot.describe_provisioning_template_version(templateName="fleet", versionId=1)["templateBody"]
    assert json.loads(body) == TEMPLATE
    gone = {"templateName": "fleet", "versionId": 2}
    assert refused(lambda: iot.delete_provisioning_template_version(**gone)) == "DeleteConflictException"
    iot.update_provisioning_template(templateName="fleet", defaultVersionId=1)
    iot.delete_provisioning_template_version(**gone)
    assert refused(lambda: iot.describe_provisioning_template_version(**gone)) == "ResourceNotFoundException"
    assert [one["templateName"] for one in iot.list_provisioning_templates()["templates"]] == ["fleet"]
    again = {"templateName": "fleet", "templateBody": json.dumps(TEMPLATE), "provisioningRoleArn": ROLE}
    assert refused(lambda: iot.create_provisioning_template(**again)) == "ResourceAlreadyExistsException"
    iot.create_provisioning_template_version(templateName="fleet", templateBody=json.dumps(TEMPLATE))
    iot.delete_provisioning_template(templateName="fleet")
    assert refused(lambda: iot.describe_provisioning_template(templateName="fleet")) == "ResourceNotFoundException"


def test_a_thing_is_registered_and_changed_as_the_template_says(iot: Any) -> None:
    iot.create_policy(policyName="p", policyDocument='{"Version": "2012-10-17", "Statement": []}')
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    thing: dict[str, Any] = {
        "Type": "AWS::IoT::Thing",
        "Properties": {"ThingName": {"Ref": "Name"}, "AttributePayload": {"a": {"Ref": "A"}}},
    }
    certificate = {"Type": "AWS::IoT::Certificate", "Properties": {"CertificateSigningRequest": {"Ref": "CSR"}}}
    body: dict[str, Any] = {
        "Parameters": {name: {"Type": "String"} for name in ("Name", "A", "CSR")},
        "Resources": {
            "t": thing,
            "c": certificate,
            "p": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "p"}},
        },
    }
    given = {"Name": "t", "A": "1", "CSR": request.public_bytes(Encoding.PEM).decode()}

    def register(value: str, override: str) -> dict[str, Any]:
        thing["OverrideSettings"] = {"AttributePayload": override}
        found: dict[str, Any] = iot.register_thing(templateBody=json.dumps(body), parameters={**given, "A": value})
        return found

    made = register("1", "FAIL")
    arn = made["resourceArns"]["c"]
    status = iot.describe_certificate(certificateId=arn.rpartition("/")[2])["certificateDescription"]["status"]
    assert (status, sorted(made["resourceArns"])) == ("ACTIVE", ["c", "p", "t"])
    assert iot.list_principal_things(principal=arn)["things"] == ["t"]
    del body["Resources"]["c"], body["Resources"]["p"]
    assert refused(lambda: register("2", "FAIL")) == "ResourceRegistrationFailureException"
    register("2", "DO_NOTHING")
    assert iot.describe_thing(thingName="t")["attributes"] == {"a": "1"}
    register("2", "REPLACE")
    assert iot.describe_thing(thingName="t")["attributes"] == {"a": "2"}
    thing["Properties"]["AttributePayload"] = {"b": {"Ref": "A"}}
    register("3", "MERGE")
    assert iot.describe_thing(thingName="t")["attributes"] == {"a": "2", "b": "3"}
    missing = {"templateBody": json.dumps(body), "parameters": {"Name": "t"}}
    assert refused(lambda: iot.register_thing(**missing)) == "InvalidRequestException"


@pytest.mark.kumoi_clock
def test_claims_end_after_five_minutes(iot: Any, kumoi: Any, fleet: Any) -> None:
    assert refused(lambda: iot.create_provisioning_claim(templateName="fleet")) == "ResourceNotFoundException"
    fleet()
    made = iot.create_provisioning_claim(templateName="fleet")
    status = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"]
    assert (status, made["keyPair"]["PrivateKey"][:10]) == ("ACTIVE", "-----BEGIN")
    kumoi.advance("6m")
    gone = {"certificateId": made["certificateId"]}
    assert refused(lambda: iot.describe_certificate(**gone)) == "ResourceNotFoundException"
