"""What Terraform's provider sends and reads of REST APIs: empty members, escaped policies, what stands beside APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509


def test_a_deployment_with_an_empty_stage(client: Any, api: Any, mock: Any) -> None:
    made = api()
    made.method("GET /", mock)
    given = {"restApiId": made.id, "stageName": "", "stageDescription": "", "description": "", "variables": {}}
    deployed = client.create_deployment(**given)
    assert "description" not in deployed
    assert client.get_stages(restApiId=made.id)["item"] == []
    client.create_stage(restApiId=made.id, stageName="dev", deploymentId=deployed["id"])
    with pytest.raises(ClientError, match="Stage name is required"):
        client.create_deployment(**{**given, "stageDescription": "one"})


def test_a_key_with_an_empty_value(client: Any) -> None:
    key = client.create_api_key(name="k", value="", enabled=True)
    assert len(key["value"]) == 40
    with pytest.raises(ClientError, match="at least 20 characters"):
        client.create_api_key(name="k", value="short")


def test_a_policy_is_answered_escaped(client: Any, api: Any) -> None:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/a/*"}
    policy = {"Version": "2012-10-17", "Statement": [allow]}
    made = api(policy=json.dumps(policy))
    answered = client.get_rest_api(restApiId=made.id)["policy"]
    assert answered.startswith('{\\"Version\\":\\"2012-10-17\\"')
    assert "execute-api:\\/a\\/*" in answered
    assert json.loads(json.loads(f'"{answered}"')) == policy
    operations = [{"op": "replace", "path": "/policy", "value": ""}]
    assert not client.update_rest_api(restApiId=made.id, patchOperations=operations).get("policy")


def test_documentation_versions(client: Any, api: Any, mock: Any) -> None:
    made = api()
    made.method("GET /", mock)
    made.deploy("dev")
    place = {"restApiId": made.id, "documentationVersion": "v1"}
    version = client.create_documentation_version(**place, stageName="dev", description="first")
    assert (version["version"], version["description"]) == ("v1", "first")
    assert client.get_stage(restApiId=made.id, stageName="dev")["documentationVersion"] == "v1"
    with pytest.raises(ClientError, match="ConflictException"):
        client.create_documentation_version(**place)
    change = [{"op": "replace", "path": "/description", "value": "second"}]
    assert client.update_documentation_version(**place, patchOperations=change)["description"] == "second"
    assert client.get_documentation_version(**place)["createdDate"] == version["createdDate"]
    assert [one["version"] for one in client.get_documentation_versions(restApiId=made.id)["items"]] == ["v1"]
    client.delete_documentation_version(**place)
    with pytest.raises(ClientError, match="NotFoundException"):
        client.get_documentation_version(**place)


def test_client_certificates(client: Any) -> None:
    made = client.generate_client_certificate(description="one", tags={"a": "b"})
    identity = made["clientCertificateId"]
    certificate = x509.load_pem_x509_certificate(made["pemEncodedCertificate"].encode())
    assert certificate.not_valid_before_utc == made["createdDate"]
    assert certificate.not_valid_after_utc == made["expirationDate"]
    client.tag_resource(resourceArn=f"arn:aws:apigateway:us-east-1::/clientcertificates/{identity}", tags={"c": "d"})
    change = [{"op": "replace", "path": "/description", "value": "two"}]
    client.update_client_certificate(clientCertificateId=identity, patchOperations=change)
    found = client.get_client_certificate(clientCertificateId=identity)
    assert (found["description"], found["tags"]) == ("two", {"a": "b", "c": "d"})
    assert [one["clientCertificateId"] for one in client.get_client_certificates()["items"]] == [identity]
    client.delete_client_certificate(clientCertificateId=identity)
    with pytest.raises(ClientError, match="NotFoundException"):
        client.get_client_certificate(clientCertificateId=identity)
