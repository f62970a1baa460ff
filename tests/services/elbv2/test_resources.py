"""Load balancers out of templates."""

from __future__ import annotations

import json
from typing import Any

import pytest

TARGETS = {
    "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "Properties": {
        "TargetType": "lambda",
        "TargetGroupAttributes": [{"Key": "lambda.multi_value_headers.enabled", "Value": True}],
    },
}
BALANCER = {
    "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "Properties": {
        "Subnets": ["subnet-1", "subnet-2"],
        "SecurityGroups": ["sg-1"],
        "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": 30}],
        "Tags": [{"Key": "team", "Value": "web"}],
    },
}
LISTENER = {
    "Type": "AWS::ElasticLoadBalancingV2::Listener",
    "Properties": {
        "LoadBalancerArn": {"Ref": "Balancer"},
        "Port": "80",
        "Protocol": "HTTP",
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": 404, "MessageBody": "?"}}],
    },
}
RULE = {
    "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
    "Properties": {
        "ListenerArn": {"Ref": "Listener"},
        "Priority": "5",
        "Conditions": [{"Field": "path-pattern", "Values": ["/f*"]}],
        "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
    },
}


@pytest.fixture
def stack(kumoi: Any) -> Any:
    """Create or update a stack and wait; its outputs."""
    client = kumoi.client("cloudformation")

    def apply(action: str, resources: dict[str, Any]) -> dict[str, str]:
        outputs = {
            "Dns": {"Fn::GetAtt": ["Balancer", "DNSName"]},
            "Full": {"Fn::GetAtt": ["Balancer", "LoadBalancerFullName"]},
            "Group": {"Fn::GetAtt": ["Targets", "TargetGroupFullName"]},
            "Balancer": {"Ref": "Balancer"},
        }
        template = {"Resources": resources, "Outputs": {name: {"Value": one} for name, one in outputs.items()}}
        getattr(client, f"{action}_stack")(StackName="web", TemplateBody=json.dumps(template))
        waiter = client.get_waiter(f"stack_{action}_complete")
        waiter.wait(StackName="web", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        found = client.describe_stacks(StackName="web")["Stacks"][0]["Outputs"]
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    yield apply
    client.delete_stack(StackName="web")
    client.get_waiter("stack_delete_complete").wait(StackName="web", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    elb = kumoi.client("elbv2")
    assert elb.describe_load_balancers()["LoadBalancers"] == elb.describe_target_groups()["TargetGroups"] == []


def test_a_template_makes_a_load_balancer(kumoi: Any, client: Any, stack: Any, function: Any, ask: Any) -> None:
    fields = "{'statusCode': 200, 'multiValueHeaders': {}, 'body': 'made'}"
    targets: dict[str, Any] = {
        **TARGETS,
        "Properties": {**TARGETS["Properties"], "Targets": [{"Id": function(f"return {fields}")}]},
    }  # type: ignore[dict-item]
    resources = {"Targets": targets, "Balancer": BALANCER, "Listener": LISTENER, "Rule": RULE}
    made = stack("create", resources)
    assert made["Full"].startswith("app/web-")
    assert made["Group"].startswith("targetgroup/web-")
    web = {"DNSName": made["Dns"]}
    assert (ask(web, "/f/1").data, ask(web, "/other").status) == (b"made", 404)
    attributes = client.describe_load_balancer_attributes(LoadBalancerArn=made["Balancer"])["Attributes"]
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "30"} in attributes
    tags = client.describe_tags(ResourceArns=[made["Balancer"]])["TagDescriptions"][0]["Tags"]
    assert {"Key": "team", "Value": "web"} in tags
    rule = json.loads(json.dumps(RULE))
    rule["Properties"].update(Priority=7, Conditions=[{"Field": "path-pattern", "Values": ["/g*"]}])
    listener = json.loads(json.dumps(LISTENER))
    listener["Properties"]["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] = "410"
    changed = stack("update", {**resources, "Rule": rule, "Listener": listener})
    assert changed == made
    assert (ask(web, "/f/1").status, ask(web, "/g").data) == (410, b"made")
