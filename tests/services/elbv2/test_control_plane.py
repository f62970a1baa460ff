"""Load balancers, listeners, rules and target groups: what is kept, what is refused, and with which words."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
PATH = [{"Field": "path-pattern", "Values": ["/a"]}]


def refused(operation: Any, **given: Any) -> str:
    with pytest.raises(ClientError) as error:
        operation(**given)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501)
    return str(error.value.response["Error"]["Code"])


def make_balancer(client: Any, name: str = "web", **given: Any) -> str:
    made = client.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"], **given)["LoadBalancers"][0]
    return str(made["LoadBalancerArn"])


def test_load_balancers(kumoi: Any, client: Any) -> None:
    given = {"Name": "web", "Subnets": ["subnet-1", "subnet-2"], "SecurityGroups": ["sg-1"]}
    [made] = client.create_load_balancer(**given)["LoadBalancers"]
    arn = made["LoadBalancerArn"]
    assert arn.startswith(f"arn:aws:elasticloadbalancing:us-east-1:{kumoi.account}:loadbalancer/app/web/")
    assert made["DNSName"].startswith("web-")
    assert made["DNSName"].endswith(".us-east-1.elb.amazonaws.com")
    assert [zone["SubnetId"] for zone in made["AvailabilityZones"]] == ["subnet-1", "subnet-2"]
    assert client.create_load_balancer(**given)["LoadBalancers"][0]["LoadBalancerArn"] == arn
    assert refused(client.create_load_balancer, Name="web", Scheme="internal") == "DuplicateLoadBalancerName"
    client.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1})
    internal = make_balancer(client, "inner", Scheme="internal")
    found = client.describe_load_balancers(Names=["inner"])["LoadBalancers"][0]
    assert (found["LoadBalancerArn"], found["DNSName"].startswith("internal-inner-")) == (internal, True)
    pages = client.get_paginator("describe_load_balancers").paginate(PaginationConfig={"PageSize": 1})
    assert [len(page["LoadBalancers"]) for page in pages] == [1, 1]
    protection = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    client.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protection)
    assert refused(client.delete_load_balancer, LoadBalancerArn=arn) == "OperationNotPermitted"
    protection[0]["Value"] = "false"
    client.modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=protection)
    client.delete_load_balancer(LoadBalancerArn=arn)
    client.delete_load_balancer(LoadBalancerArn=arn)
    assert refused(client.describe_load_balancers, LoadBalancerArns=[arn]) == "LoadBalancerNotFound"
    client.get_waiter("load_balancers_deleted").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1})


def test_listeners(client: Any) -> None:
    arn = make_balancer(client)
    given = {"LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80, "DefaultActions": FIXED}
    listener = client.create_listener(**given)["Listeners"][0]["ListenerArn"]
    assert client.create_listener(**given)["Listeners"][0]["ListenerArn"] == listener
    other = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    assert refused(client.create_listener, **{**given, "DefaultActions": other}) == "DuplicateListener"
    assert refused(client.create_listener, **{**given, "Protocol": "TCP", "Port": 81}) == "ValidationError"
    assert refused(client.create_listener, **{**given, "Protocol": "HTTPS", "Port": 443}) == "CertificateNotFound"
    nowhere = [{"Type": "forward", "TargetGroupArn": arn.replace("loadbalancer/app/web", "targetgroup/none")}]
    assert refused(client.create_listener, **{**given, "Port": 81, "DefaultActions": nowhere}) == "TargetGroupNotFound"
    oidc = [
        {
            "Type": "authenticate-cognito",
            "AuthenticateCognitoConfig": {"UserPoolArn": "a", "UserPoolClientId": "b", "UserPoolDomain": "c"},
        },
        *FIXED,
    ]
    wrong = {**given, "Port": 81, "DefaultActions": oidc}
    assert refused(client.create_listener, **wrong) == "InvalidLoadBalancerAction"
    client.modify_listener(ListenerArn=listener, Port=8080)
    [found] = client.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    assert (found["Port"], found["DefaultActions"]) == (8080, FIXED)
    client.delete_listener(ListenerArn=listener)
    assert refused(client.describe_listeners, ListenerArns=[listener]) == "ListenerNotFound"


def test_certificates(client: Any) -> None:
    arn = make_balancer(client)
    certificates = [{"CertificateArn": f"arn:aws:acm:us-east-1:000000000000:certificate/{name}"} for name in "abc"]
    listener = client.create_listener(
        LoadBalancerArn=arn, Protocol="HTTPS", Port=443, Certificates=certificates[:1], DefaultActions=FIXED
    )["Listeners"][0]
    assert listener["SslPolicy"] == "ELBSecurityPolicy-2016-08"
    client.add_listener_certificates(ListenerArn=listener["ListenerArn"], Certificates=certificates[1:])
    client.remove_listener_certificates(ListenerArn=listener["ListenerArn"], Certificates=certificates[1:2])
    found = client.describe_listener_certificates(ListenerArn=listener["ListenerArn"])["Certificates"]
    assert [(one["CertificateArn"][-1], one["IsDefault"]) for one in found] == [("a", True), ("c", False)]
    assert client.describe_ssl_policies(Names=["ELBSecurityPolicy-2016-08"])["SslPolicies"]
    assert refused(client.describe_ssl_policies, Names=["none"]) == "SSLPolicyNotFound"


def test_rules(client: Any) -> None:
    arn = make_balancer(client)
    given = {"LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80, "DefaultActions": FIXED}
    listener = client.create_listener(**given)["Listeners"][0]["ListenerArn"]
    [default] = client.describe_rules(ListenerArn=listener)["Rules"]
    assert (default["Priority"], default["IsDefault"]) == ("default", True)
    rule = client.create_rule(ListenerArn=listener, Priority=5, Conditions=PATH, Actions=FIXED)["Rules"][0]
    assert rule["Conditions"] == [{**PATH[0], "PathPatternConfig": {"Values": ["/a"]}}]
    same = {"ListenerArn": listener, "Priority": 5, "Conditions": PATH, "Actions": FIXED}
    assert refused(client.create_rule, **same) == "PriorityInUse"
    assert refused(client.delete_rule, RuleArn=default["RuleArn"]) == "OperationNotPermitted"
    rewrite = [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": [{"Regex": "a", "Replace": "b"}]}}]
    assert refused(client.create_rule, **{**same, "Priority": 6}, Transforms=rewrite) == "NotImplemented"
    second = client.create_rule(**{**same, "Priority": 6})["Rules"][0]["RuleArn"]
    swapped = [{"RuleArn": rule["RuleArn"], "Priority": 6}, {"RuleArn": second, "Priority": 5}]
    client.set_rule_priorities(RulePriorities=swapped)
    assert client.describe_rules(ListenerArn=listener)["Rules"][0]["RuleArn"] == second
    clash = [{"RuleArn": rule["RuleArn"], "Priority": 5}]
    assert refused(client.set_rule_priorities, RulePriorities=clash) == "PriorityInUse"
    client.delete_rule(RuleArn=second)
    assert refused(client.describe_rules, RuleArns=[second]) == "RuleNotFound"


def test_target_groups(client: Any) -> None:
    given = {"Name": "g", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip"}
    [made] = client.create_target_group(**given)["TargetGroups"]
    arn = made["TargetGroupArn"]
    assert (made["HealthCheckPath"], made["HealthCheckIntervalSeconds"], made["Matcher"]) == (
        "/",
        30,
        {"HttpCode": "200"},
    )
    assert client.create_target_group(**given)["TargetGroups"][0]["TargetGroupArn"] == arn
    assert refused(client.create_target_group, **{**given, "Port": 81}) == "DuplicateTargetGroupName"
    for change in (
        {"Name": "-g"},
        {"Name": "g" * 33},
        {"Name": "a", "HealthCheckPath": "x"},
        {"Name": "a", "HealthCheckTimeoutSeconds": 30},
        {"Name": "a", "Matcher": {"HttpCode": "600"}},
        {"Name": "a", "HealthCheckPort": "x"},
    ):
        assert refused(client.create_target_group, **{**given, **change}) == "ValidationError"
    assert refused(client.create_target_group, **{**given, "Name": "a", "Protocol": "TCP"}) == "NotImplemented"
    functions = {"Name": "f", "TargetType": "lambda"}
    assert refused(client.create_target_group, **functions, Port=80) == "ValidationError"
    assert refused(client.register_targets, TargetGroupArn=arn, Targets=[{"Id": "i-1"}]) == "ValidationError"
    gone = [{"Id": "127.0.0.1"}]
    assert refused(client.deregister_targets, TargetGroupArn=arn, Targets=gone) == "InvalidTarget"
    lambdas = client.create_target_group(**functions)["TargetGroups"][0]["TargetGroupArn"]
    two = [{"Id": f"arn:aws:lambda:us-east-1:000000000000:function:{name}"} for name in "ab"]
    assert refused(client.register_targets, TargetGroupArn=lambdas, Targets=two) == "TooManyTargets"
    balancer = make_balancer(client)
    action = [{"Type": "forward", "TargetGroupArn": arn}]
    listener = {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80, "DefaultActions": action}
    client.create_listener(**listener)
    assert client.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"][0]["LoadBalancerArns"] == [balancer]
    assert refused(client.delete_target_group, TargetGroupArn=arn) == "ResourceInUse"
    other = {**listener, "LoadBalancerArn": make_balancer(client, "other")}
    assert refused(client.create_listener, **other) == "TargetGroupAssociationLimit"
    client.delete_load_balancer(LoadBalancerArn=balancer)
    client.modify_target_group(TargetGroupArn=arn, HealthCheckPath="/ok")
    assert client.describe_target_groups(Names=["g"])["TargetGroups"][0]["HealthCheckPath"] == "/ok"
    client.delete_target_group(TargetGroupArn=arn)
    assert refused(client.describe_target_groups, TargetGroupArns=[arn]) == "TargetGroupNotFound"


def test_attributes_and_tags(client: Any) -> None:
    arn = make_balancer(client, Tags=[{"Key": "a", "Value": "1"}])
    for known in ([{"Key": "none", "Value": "1"}], [{"Key": "routing.http2.enabled", "Value": "maybe"}]):
        modify = client.modify_load_balancer_attributes
        assert refused(modify, LoadBalancerArn=arn, Attributes=known) == "ValidationError"
    group = client.create_target_group(Name="f", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    [only] = client.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    assert only == {"Key": "lambda.multi_value_headers.enabled", "Value": "false"}
    client.add_tags(ResourceArns=[arn, group], Tags=[{"Key": "b", "Value": "2"}])
    client.remove_tags(ResourceArns=[arn], TagKeys=["a"])
    found = client.describe_tags(ResourceArns=[arn, group])["TagDescriptions"]
    assert [one["Tags"] for one in found] == [[{"Key": "b", "Value": "2"}]] * 2
    twice = [{"Key": "b", "Value": "2"}] * 2
    assert refused(client.add_tags, ResourceArns=[arn], Tags=twice) == "DuplicateTagKeys"
    many = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert refused(client.add_tags, ResourceArns=[arn], Tags=many) == "TooManyTags"
    assert client.describe_account_limits()["Limits"]


def test_what_was_acknowledged_survives_a_crash(killable: Any) -> None:
    killable.start()
    client = killable.client("elbv2")
    arn = make_balancer(client)
    given = {"LoadBalancerArn": arn, "Protocol": "HTTP", "Port": 80, "DefaultActions": FIXED}
    listener = client.create_listener(**given)["Listeners"][0]["ListenerArn"]
    client.create_rule(ListenerArn=listener, Priority=5, Conditions=PATH, Actions=FIXED)
    target = client.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId="v", TargetType="ip")
    group = target["TargetGroups"][0]["TargetGroupArn"]
    client.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": 9}])
    killable.kill()
    killable.start()
    client = killable.client("elbv2")
    assert [rule["Priority"] for rule in client.describe_rules(ListenerArn=listener)["Rules"]] == ["5", "default"]
    [health] = client.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert health["Target"] == {"Id": "127.0.0.1", "Port": 9}


def test_what_terraform_asks_for(kumoi: Any) -> None:
    client = kumoi.client("elbv2")
    balancer = client.create_load_balancer(Name="lb", Subnets=["subnet-1"])["LoadBalancers"][0]["LoadBalancerArn"]
    assert client.describe_capacity_reservation(LoadBalancerArn=balancer)["CapacityReservationState"] == []
    given = {"Port": 80, "Protocol": "HTTP", "TargetType": "ip", "VpcId": "vpc-1"}
    servers = client.create_target_group(Name="servers", ProtocolVersion="", **given)["TargetGroups"][0]
    assert servers["ProtocolVersion"] == "HTTP1"
    client.create_target_group(Name="functions", TargetType="lambda", ProtocolVersion="")
