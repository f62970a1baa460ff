"""VPC links: HTTP and REST APIs in front of a load balancer."""

from __future__ import annotations

from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError


@pytest.fixture
def balancer(kumoi: Any) -> dict[str, str]:
    """A load balancer that answers by itself: its ARN, its name, its listener."""
    elb = kumoi.client("elbv2")
    (made,) = elb.create_load_balancer(Name="inner", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"]
    (listener,) = elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol="HTTP",
        Port=8080,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    )["Listeners"]
    elb.create_rule(
        ListenerArn=listener["ListenerArn"],
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["*/orders/7"]}],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "private"}}],
    )
    return {"arn": made["LoadBalancerArn"], "name": made["DNSName"], "listener": listener["ListenerArn"]}


def get(kumoi: Any, api: str, path: str) -> Any:
    host = f"{api}.execute-api.us-east-1.amazonaws.com"
    with urllib3.PoolManager(retries=False) as http:
        return http.request("GET", f"{kumoi.url}{path}", headers={"Host": host})


def test_an_http_api_reaches_a_listener(kumoi: Any, balancer: dict[str, str]) -> None:
    gateway = kumoi.client("apigatewayv2")
    link = gateway.create_vpc_link(Name="inner", SubnetIds=["subnet-1"], Tags={"team": "a"})
    assert link["VpcLinkStatus"] == "AVAILABLE"
    api = gateway.create_api(Name="outer", ProtocolType="HTTP")["ApiId"]
    given = {
        "IntegrationType": "HTTP_PROXY",
        "IntegrationMethod": "ANY",
        "ConnectionType": "VPC_LINK",
        "ConnectionId": link["VpcLinkId"],
        "IntegrationUri": balancer["listener"],
        "PayloadFormatVersion": "1.0",
    }
    made = gateway.create_integration(ApiId=api, **given)["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey="ANY /{proxy+}", Target=f"integrations/{made}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    assert get(kumoi, api, "/orders/7").data == b"private"
    assert get(kumoi, api, "/orders/8").status == 404

    for wrong, told in (
        ({"ConnectionId": "none"}, "VPC link none doesn't exist"),
        ({"IntegrationUri": "http://127.0.0.1:1"}, "ARN of an application load balancer's listener"),
        ({"IntegrationType": "AWS_PROXY"}, "is an HTTP_PROXY"),
    ):
        with pytest.raises(ClientError, match=told):
            gateway.create_integration(ApiId=api, **{**given, **wrong})
    with pytest.raises(ClientError, match="uses it"):
        gateway.delete_vpc_link(VpcLinkId=link["VpcLinkId"])
    kumoi.client("elbv2").delete_load_balancer(LoadBalancerArn=balancer["arn"])
    assert get(kumoi, api, "/orders/7").status == 503
    gateway.delete_api(ApiId=api)
    assert gateway.update_vpc_link(VpcLinkId=link["VpcLinkId"], Name="other")["Name"] == "other"
    arn = f"arn:aws:apigateway:us-east-1::/vpclinks/{link['VpcLinkId']}"
    gateway.tag_resource(ResourceArn=arn, Tags={"stage": "b"})
    assert [one["Tags"] for one in gateway.get_vpc_links()["Items"]] == [{"team": "a", "stage": "b"}]
    gateway.delete_vpc_link(VpcLinkId=link["VpcLinkId"])
    with pytest.raises(ClientError, match="Invalid VpcLink identifier"):
        gateway.get_vpc_link(VpcLinkId=link["VpcLinkId"])


def test_a_rest_api_reaches_what_its_link_leads_to(kumoi: Any, balancer: dict[str, str]) -> None:
    gateway = kumoi.client("apigateway")
    link = gateway.create_vpc_link(name="inner", targetArns=[balancer["arn"]])["id"]
    api = gateway.create_rest_api(name="outer")
    place = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    gateway.put_method(**place, authorizationType="NONE")
    given = {"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "connectionType": "VPC_LINK", "connectionId": link}
    address = f"http://{balancer['name']}:8080/a/orders/7"
    for target in ({"uri": address}, {"uri": "http://any.example:8080/orders/7", "integrationTarget": balancer["arn"]}):
        gateway.put_integration(**place, **given, **target)
        gateway.create_deployment(restApiId=api["id"], stageName="dev")
        assert get(kumoi, api["id"], "/dev").data == b"private"
    with pytest.raises(ClientError, match="has a connectionId"):
        gateway.put_integration(**place, **{**given, "connectionType": "INTERNET"}, uri=address)
    with pytest.raises(ClientError, match="is referenced in"):
        gateway.delete_vpc_link(vpcLinkId=link)
    patch = [{"op": "replace", "path": "/name", "value": "other"}]
    assert gateway.update_vpc_link(vpcLinkId=link, patchOperations=patch)["name"] == "other"
    assert [one["id"] for one in gateway.get_vpc_links()["items"]] == [link]
    gateway.delete_rest_api(restApiId=api["id"])
    gateway.delete_vpc_link(vpcLinkId=link)
    with pytest.raises(ClientError, match="Invalid Vpc Link identifier"):
        gateway.get_vpc_link(vpcLinkId=link)
