"""Certificates, policies, principals and groups through boto3, and the templates that make them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


@pytest.fixture
def iot(kumoi: Any) -> Any:
    return kumoi.client("iot")


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    found = error.value.response["Error"]
    return str(found["Code"]), str(found["Message"])


def request(key: Any, name: str = "pump") -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, algorithm)
    return made.public_bytes(Encoding.PEM).decode()


def statement(action: str, resource: str = "*", effect: str = "Allow") -> str:
    listed = [{"Effect": effect, "Action": action, "Resource": resource}]
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


def test_certificates_are_made_changed_listed_and_deleted(iot: Any) -> None:
    made = [iot.create_keys_and_certificate(setAsActive=True) for _ in range(3)]
    certificate = x509.load_pem_x509_certificate(made[0]["certificatePem"].encode())
    assert certificate.fingerprint(hashes.SHA256()).hex() == made[0]["certificateId"]
    assert made[0]["keyPair"]["PrivateKey"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    shown = iot.describe_certificate(certificateId=made[0]["certificateId"])["certificateDescription"]
    assert (shown["status"], shown["certificateMode"]) == ("ACTIVE", "DEFAULT")
    assert shown["validity"]["notAfter"].year in (2049, 2050)
    first = iot.list_certificates(pageSize=2, ascendingOrder=True)
    rest = iot.list_certificates(pageSize=2, ascendingOrder=True, marker=first["nextMarker"])
    listed = [one["certificateId"] for one in first["certificates"] + rest["certificates"]]
    assert listed == [one["certificateId"] for one in made]
    assert "nextMarker" not in rest
    code, message = refused(lambda: iot.delete_certificate(certificateId=listed[0]))
    assert (code, "deactivated" in message) == ("CertificateStateException", True)
    iot.update_certificate(certificateId=listed[0], newStatus="INACTIVE")
    iot.delete_certificate(certificateId=listed[0])
    assert refused(lambda: iot.describe_certificate(certificateId=listed[0]))[0] == "ResourceNotFoundException"


def test_signing_requests_and_registered_certificates_are_checked(iot: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    made = iot.create_certificate_from_csr(certificateSigningRequest=request(key))
    certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
    assert certificate.subject.rfc4514_string() == "CN=pump"
    status = iot.describe_certificate(certificateId=made["certificateId"])["certificateDescription"]["status"]
    assert status == "INACTIVE"
    for text in ("garbage", request(ed25519.Ed25519PrivateKey.generate()), made["certificatePem"]):
        code, _ = refused(lambda text=text: iot.create_certificate_from_csr(certificateSigningRequest=text))
        assert code == "InvalidRequestException"
    for text in ("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        code, _ = refused(lambda text=text: iot.register_certificate_without_ca(certificatePem=text))
        assert code == "CertificateValidationException"
        code, _ = refused(lambda text=text: iot.register_ca_certificate(caCertificate=text))
        assert code == "CertificateValidationException"
    pem = made["certificatePem"]
    code, _ = refused(lambda: iot.register_certificate_without_ca(certificatePem=pem))
    assert code == "ResourceAlreadyExistsException"
    code, message = refused(lambda: iot.register_certificate(certificatePem=pem))
    assert (code, "not registered" in message) == ("CertificateValidationException", True)


def test_policies_have_versions(iot: Any) -> None:
    made = iot.create_policy(policyName="p", policyDocument=statement("iot:Connect"), tags=[{"Key": "k", "Value": "v"}])
    assert made["policyVersionId"] == "1"
    assert iot.list_tags_for_resource(resourceArn=made["policyArn"])["tags"] == [{"Key": "k", "Value": "v"}]
    for number in range(2, 6):
        text = statement(f"iot:A{number}")
        version = iot.create_policy_version(policyName="p", policyDocument=text, setAsDefault=number == 3)
        assert version["policyVersionId"] == str(number)
    code, _ = refused(lambda: iot.create_policy_version(policyName="p", policyDocument=statement("iot:B")))
    assert code == "VersionsLimitExceededException"
    found = iot.get_policy(policyName="p")
    assert (found["defaultVersionId"], json.loads(found["policyDocument"])["Statement"][0]["Action"]) == ("3", "iot:A3")
    assert (
        refused(lambda: iot.delete_policy_version(policyName="p", policyVersionId="3"))[0] == "DeleteConflictException"
    )
    iot.delete_policy_version(policyName="p", policyVersionId="1")
    listed = iot.list_policy_versions(policyName="p")["policyVersions"]
    assert [one["versionId"] for one in listed] == ["5", "4", "3", "2"]
    iot.set_default_policy_version(policyName="p", policyVersionId="5")
    assert iot.get_policy_version(policyName="p", policyVersionId="5")["isDefaultVersion"]
    assert refused(lambda: iot.delete_policy(policyName="p"))[0] == "DeleteConflictException"
    assert refused(lambda: iot.get_policy(policyName="q"))[0] == "ResourceNotFoundException"
    code, _ = refused(lambda: iot.create_policy(policyName="p", policyDocument=statement("iot:A")))
    assert code == "ResourceAlreadyExistsException"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "{",
        "[]",
        '{"Statement": []',
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Maybe", "Action": "iot:*", "Resource": "*"}]}',
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*"}]}',
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*"}]}',
        '{"Version": "1999-01-01", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}',
    ],
)
def test_what_is_no_policy_is_refused(iot: Any, document: str) -> None:
    code, _ = refused(lambda: iot.create_policy(policyName="p", policyDocument=document))
    assert code == "MalformedPolicyException"


def test_policies_and_things_hang_on_certificates(iot: Any) -> None:
    made = iot.create_keys_and_certificate()
    arn, certificate = made["certificateArn"], made["certificateId"]
    iot.create_policy(policyName="p", policyDocument=statement("iot:*"))
    iot.create_thing(thingName="t")
    iot.attach_policy(policyName="p", target=arn)
    iot.attach_thing_principal(thingName="t", principal=arn)
    assert [one["policyName"] for one in iot.list_attached_policies(target=arn)["policies"]] == ["p"]
    assert [one["policyName"] for one in iot.list_principal_policies(principal=arn)["policies"]] == ["p"]
    assert iot.list_targets_for_policy(policyName="p")["targets"] == [arn]
    assert iot.list_policy_principals(policyName="p")["principals"] == [arn]
    assert iot.list_thing_principals(thingName="t")["principals"] == [arn]
    assert iot.list_principal_things(principal=arn)["things"] == ["t"]
    (found,) = iot.list_thing_principals_v2(thingName="t")["thingPrincipalObjects"]
    assert found == {"principal": arn, "thingPrincipalType": "NON_EXCLUSIVE_THING"}
    assert refused(lambda: iot.delete_policy(policyName="p"))[0] == "DeleteConflictException"
    assert refused(lambda: iot.delete_thing(thingName="t"))[0] == "InvalidRequestException"
    assert refused(lambda: iot.delete_certificate(certificateId=certificate))[0] == "DeleteConflictException"
    iot.create_thing(thingName="u")
    exclusive = {"thingName": "u", "principal": arn, "thingPrincipalType": "EXCLUSIVE_THING"}
    assert refused(lambda: iot.attach_thing_principal(**exclusive))[0] == "InvalidRequestException"
    iot.detach_thing_principal(thingName="t", principal=arn)
    assert refused(lambda: iot.delete_certificate(certificateId=certificate))[0] == "DeleteConflictException"
    iot.delete_certificate(certificateId=certificate, forceDelete=True)
    iot.delete_policy(policyName="p")
    iot.delete_thing(thingName="t")
    nobody = arn.replace(certificate, "0" * 64)
    for principal, code in ((nobody, "ResourceNotFoundException"), ("who", "InvalidRequestException")):
        found = refused(lambda principal=principal: iot.attach_thing_principal(thingName="u", principal=principal))
        assert found[0] == code


def test_authorization_is_tested(iot: Any, kumoi: Any) -> None:
    here = f"arn:aws:iot:us-east-1:{kumoi.account}"
    made = iot.create_keys_and_certificate()
    iot.create_thing(thingName="pump")
    iot.attach_thing_principal(thingName="pump", principal=made["certificateArn"])
    per_thing = statement("iot:Publish", here + ":topic/${iot:Connection.Thing.ThingName}/*")
    iot.create_policy(policyName="own", policyDocument=per_thing)
    iot.create_policy(policyName="never", policyDocument=statement("iot:Publish", f"{here}:topic/*/secret", "Deny"))
    iot.attach_policy(policyName="own", target=made["certificateArn"])

    def decided(topic: str, client: str = "pump", **more: Any) -> tuple[str, list[str]]:
        asked = {"actionType": "PUBLISH", "resources": [f"{here}:topic/{topic}"]}
        (found,) = iot.test_authorization(principal=made["certificateArn"], authInfos=[asked], clientId=client, **more)[
            "authResults"
        ]
        return found["authDecision"], found["missingContextValues"]

    assert decided("pump/level") == ("ALLOWED", [])
    assert decided("gate/level") == ("IMPLICIT_DENY", [])
    assert decided("pump/level", "other") == ("IMPLICIT_DENY", ["iot:Connection.Thing.ThingName"])
    assert decided("pump/secret") == ("ALLOWED", [])
    assert decided("pump/secret", policyNamesToAdd=["never"])[0] == "EXPLICIT_DENY"
    assert decided("pump/level", policyNamesToSkip=["own"])[0] == "IMPLICIT_DENY"


def test_groups_are_a_tree(iot: Any) -> None:
    iot.create_thing_group(thingGroupName="farm", thingGroupProperties={"thingGroupDescription": "all"})
    iot.create_thing_group(thingGroupName="north", parentGroupName="farm")
    iot.create_thing_group(thingGroupName="barn", parentGroupName="north")
    shown = iot.describe_thing_group(thingGroupName="barn")["thingGroupMetadata"]
    assert [one["groupName"] for one in shown["rootToParentThingGroups"]] == ["farm", "north"]

    def names(**asked: Any) -> list[str]:
        return [one["groupName"] for one in iot.list_thing_groups(**asked)["thingGroups"]]

    assert names(parentGroup="farm") == ["barn", "north"]
    assert names(parentGroup="farm", recursive=False) == ["north"]
    assert names(recursive=False) == ["farm"]
    assert names(namePrefixFilter="n") == ["north"]
    for number in range(3):
        iot.create_thing(thingName=f"s{number}")
    iot.add_thing_to_thing_group(thingGroupName="farm", thingName="s0")
    iot.add_thing_to_thing_group(thingGroupName="barn", thingName="s1")
    assert iot.list_things_in_thing_group(thingGroupName="farm")["things"] == ["s0"]
    assert iot.list_things_in_thing_group(thingGroupName="farm", recursive=True)["things"] == ["s0", "s1"]
    iot.update_thing_groups_for_thing(thingName="s1", thingGroupsToAdd=["north"], thingGroupsToRemove=["barn"])
    found = iot.list_thing_groups_for_thing(thingName="s1")["thingGroups"]
    assert [one["groupName"] for one in found] == ["north"]
    changed = iot.update_thing_group(
        thingGroupName="farm",
        thingGroupProperties={"attributePayload": {"attributes": {"crop": "rye"}}},
        expectedVersion=1,
    )
    assert changed["version"] == 2
    stale = {"thingGroupName": "farm", "thingGroupProperties": {}, "expectedVersion": 1}
    assert refused(lambda: iot.update_thing_group(**stale))[0] == "VersionConflictException"
    code, message = refused(lambda: iot.delete_thing_group(thingGroupName="farm"))
    assert (code, "child groups" in message) == ("InvalidRequestException", True)
    iot.delete_thing_group(thingGroupName="barn")
    iot.delete_thing(thingName="s0")
    assert iot.list_things_in_thing_group(thingGroupName="farm")["things"] == []


def test_templates_make_devices(iot: Any, kumoi: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iot:*", "Resource": "*"}]}
    resources: dict[str, Any] = {
        "Type": {
            "Type": "AWS::IoT::ThingType",
            "Properties": {"ThingTypeName": "sensor", "Tags": [{"Key": "of", "Value": "farm"}]},
        },
        "Group": {"Type": "AWS::IoT::ThingGroup", "Properties": {"ThingGroupName": "barn"}},
        "Thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "s1"}},
        "Certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {"Status": "ACTIVE", "CertificateSigningRequest": request(key)},
        },
        "Policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": "p", "PolicyDocument": policy}},
        "Template": {
            "Type": "AWS::IoT::ProvisioningTemplate",
            "Properties": {
                "TemplateName": "fleet",
                "Enabled": True,
                "ProvisioningRoleArn": "arn:aws:iam::000000000000:role/fleet",
                "TemplateBody": json.dumps({"Resources": {}}),
                "PreProvisioningHook": {"TargetArn": "arn:aws:lambda:us-east-1:000000000000:function:f"},
            },
        },
        "OfPolicy": {
            "Type": "AWS::IoT::PolicyPrincipalAttachment",
            "Properties": {"PolicyName": {"Ref": "Policy"}, "Principal": {"Fn::GetAtt": ["Certificate", "Arn"]}},
        },
        "OfThing": {
            "Type": "AWS::IoT::ThingPrincipalAttachment",
            "Properties": {"ThingName": {"Ref": "Thing"}, "Principal": {"Fn::GetAtt": ["Certificate", "Arn"]}},
        },
    }
    outputs = {"Id": {"Value": {"Ref": "Certificate"}}, "Group": {"Value": {"Fn::GetAtt": ["Group", "Arn"]}}}
    cloudformation = kumoi.client("cloudformation")
    stated = {"StackName": "s", "Tags": [{"Key": "team", "Value": "a"}]}
    cloudformation.create_stack(**stated, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    found = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    shown = iot.describe_certificate(certificateId=found["Id"])["certificateDescription"]
    assert shown["status"] == "ACTIVE"
    arn = shown["certificateArn"]
    assert iot.list_principal_things(principal=arn)["things"] == ["s1"]
    assert iot.list_targets_for_policy(policyName="p")["targets"] == [arn]
    assert found["Group"].endswith(":thinggroup/barn")
    kind = iot.describe_thing_type(thingTypeName="sensor")["thingTypeArn"]
    tags = {one["Key"]: one["Value"] for one in iot.list_tags_for_resource(resourceArn=kind)["tags"]}
    assert tags == {"of": "farm", "team": "a"}

    fleet = iot.describe_provisioning_template(templateName="fleet")
    assert (fleet["enabled"], fleet["preProvisioningHook"]["payloadVersion"]) == (True, "2020-04-01")

    policy["Statement"][0]["Action"] = "iot:Connect"  # type: ignore[index]
    resources["Template"]["Properties"]["TemplateBody"] = json.dumps({"Resources": {}, "DeviceConfiguration": {}})
    del resources["Template"]["Properties"]["PreProvisioningHook"]
    resources["Certificate"]["Properties"]["Status"] = "INACTIVE"
    cloudformation.update_stack(**stated, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert iot.get_policy(policyName="p")["defaultVersionId"] == "2"
    fleet = iot.describe_provisioning_template(templateName="fleet")
    assert (fleet["defaultVersionId"], "preProvisioningHook" in fleet) == (2, False)
    status = iot.describe_certificate(certificateId=found["Id"])["certificateDescription"]["status"]
    assert status == "INACTIVE"

    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert iot.list_certificates()["certificates"] == []
    assert iot.list_policies()["policies"] == []
    assert iot.list_thing_types()["thingTypes"] == []
    assert iot.list_provisioning_templates()["templates"] == []
