"""Custom domain names lead to APIs, over HTTP and over WebSocket."""

from __future__ import annotations

import base64
import json
import socket
import urllib.request
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/00000000-0000-0000-0000-000000000000"


def test_requests_for_a_name_are_the_apis(kumoi: Any, client: Any, api: str, key: str) -> None:
    name = f"live-{kumoi.account}.example.com"
    client.create_domain_name(domainName=name, certificateArn=CERTIFICATE)
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_api_association(domainName=name)
    answer = client.associate_api(domainName=name, apiId=api)["apiAssociation"]
    assert answer["associationStatus"] == "SUCCESS"
    body = json.dumps({"query": "{ __typename }"}).encode()
    headers = {"host": name, "x-api-key": key, "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{kumoi.url}/graphql", data=body, headers=headers)) as got:
        assert json.load(got) == {"data": {"__typename": "Query"}}
    port = int(kumoi.url.rpartition(":")[2])
    header = base64.b64encode(json.dumps({"host": name, "x-api-key": key}).encode()).decode()
    url = f"ws://{name}:{port}/graphql/realtime?header={header}&payload=e30="
    raw = socket.create_connection(("127.0.0.1", port))
    with connect(url, sock=raw, subprotocols=[Subprotocol("graphql-ws")], open_timeout=60) as one:
        assert one.recv(timeout=60) == '{"type":"ka"}'
    with pytest.raises(client.exceptions.BadRequestException):
        client.delete_domain_name(domainName=name)
    assert client.update_domain_name(domainName=name, description="d")["domainNameConfig"]["description"] == "d"
    assert [one["domainName"] for one in client.list_domain_names()["domainNameConfigs"]] == [name]
    client.disassociate_api(domainName=name)
    client.delete_domain_name(domainName=name)
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_domain_name(domainName=name)


def test_names_by_cloudformation_go_with_their_stack(kumoi: Any, client: Any, api: str) -> None:
    name = f"stack-{kumoi.account}.example.com"
    template = {
        "Resources": {
            "Name": {
                "Type": "AWS::AppSync::DomainName",
                "Properties": {"DomainName": name, "CertificateArn": CERTIFICATE},
            },
            "Leads": {
                "Type": "AWS::AppSync::DomainNameApiAssociation",
                "Properties": {"DomainName": {"Fn::GetAtt": ["Name", "DomainName"]}, "ApiId": api},
            },
        }
    }
    stacks = kumoi.client("cloudformation")
    stacks.create_stack(StackName="names", TemplateBody=json.dumps(template))
    stacks.get_waiter("stack_create_complete").wait(StackName="names", WaiterConfig={"Delay": 1})
    assert client.get_api_association(domainName=name)["apiAssociation"]["apiId"] == api
    stacks.delete_stack(StackName="names")
    stacks.get_waiter("stack_delete_complete").wait(StackName="names", WaiterConfig={"Delay": 1})
    assert client.list_domain_names()["domainNameConfigs"] == []
