"""What may pass: security groups and their rules, network ACLs."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def group(ec2: Any, vpc: str) -> str:
    return str(ec2.create_security_group(GroupName="web", Description="the web", VpcId=vpc)["GroupId"])


def tcp(first: int, last: int | None = None, **peers: Any) -> list[dict[str, Any]]:
    return [{"IpProtocol": "tcp", "FromPort": first, "ToPort": first if last is None else last, **peers}]


HTTPS = tcp(443, IpRanges=[{"CidrIp": "10.1.2.3/8", "Description": "ours"}])


def test_rules_are_added_and_taken_away(ec2: Any, group: str, refused: Any, filtered: Any) -> None:
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=HTTPS)["SecurityGroupRules"]
    assert [(one["CidrIpv4"], one["Description"]) for one in made] == [("10.0.0.0/8", "ours")]
    code, text = refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=HTTPS)
    assert code == "InvalidPermission.Duplicate"
    assert text == 'the specified rule "peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW" already exists'
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="udp", FromPort=53, ToPort=53, CidrIp="0.0.0.0/0")
    pairs = [{"GroupId": group}]
    more = [
        {"IpProtocol": "6", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": pairs},
        {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=more)
    (told,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    shown = {(one["IpProtocol"], one.get("FromPort")): one for one in told["IpPermissions"]}
    assert set(shown) == {("tcp", 443), ("udp", 53), ("-1", None), ("icmp", -1)}
    assert shown["tcp", 443]["UserIdGroupPairs"][0]["GroupId"] == group
    assert shown["tcp", 443]["IpRanges"] == [{"CidrIp": "10.0.0.0/8", "Description": "ours"}]

    def found(**wanted: str) -> list[str]:
        return [one["GroupId"] for one in ec2.describe_security_groups(Filters=filtered(**wanted))["SecurityGroups"]]

    assert found(**{"ip-permission.cidr": "10.0.0.0/8"}) == [group]
    assert found(**{"ip-permission.from-port": "53", "egress.ip-permission.cidr": "0.0.0.0/0"}) == [group]
    assert found(**{"group-name": "w?b"}) == [group]
    gone = ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=HTTPS)
    assert [one["SecurityGroupRuleId"] for one in gone["RevokedSecurityGroupRules"]] == [made[0]["SecurityGroupRuleId"]]
    assert refused(ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=HTTPS) == (
        "InvalidPermission.NotFound",
        "The specified rule does not exist in this security group.",
    )
    out = ec2.describe_security_group_rules(Filters=filtered(group_id=group))["SecurityGroupRules"]
    (everything,) = [one["SecurityGroupRuleId"] for one in out if one["IsEgress"]]
    ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=[everything])
    (told,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert told["IpPermissionsEgress"] == []


def test_rules_change_under_their_ids(ec2: Any, group: str, refused: Any) -> None:
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "team", "Value": "web"}]}]
    two = [*HTTPS, *tcp(80, IpRanges=[{"CidrIp": "10.0.0.0/8"}])]
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=two, TagSpecifications=tags)
    first, second = (one["SecurityGroupRuleId"] for one in made["SecurityGroupRules"])
    rule = {"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8081, "ReferencedGroupId": group, "Description": "own"}
    changed = [{"SecurityGroupRuleId": first, "SecurityGroupRule": rule}]
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=changed)
    (told,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[first])["SecurityGroupRules"]
    assert (told["FromPort"], told["ReferencedGroupInfo"]["GroupId"], "CidrIpv4" in told) == (8080, group, False)
    assert (told["Description"], told["Tags"]) == ("own", tags[0]["Tags"])
    clash = [{"SecurityGroupRuleId": second, "SecurityGroupRule": rule}]
    wrong = {"GroupId": group, "SecurityGroupRules": clash}
    assert refused(ec2.modify_security_group_rules, **wrong)[0] == "InvalidPermission.Duplicate"
    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=group, IpPermissions=tcp(80, IpRanges=[{"CidrIp": "10.0.0.0/8", "Description": "old"}])
    )
    (told,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[second])["SecurityGroupRules"]
    assert told["Description"] == "old"


def test_a_group_that_is_named_stays(ec2: Any, vpc: str, group: str, refused: Any) -> None:
    other = ec2.create_security_group(GroupName="data", Description="d", VpcId=vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=tcp(5432, UserIdGroupPairs=[{"GroupId": group}]))
    assert refused(ec2.delete_security_group, GroupId=group) == (
        "DependencyViolation",
        f"resource {group} has a dependent object",
    )
    ec2.delete_security_group(GroupId=other)
    ec2.delete_security_group(GroupId=group)
    assert refused(ec2.describe_security_groups, GroupIds=[group]) == (
        "InvalidGroup.NotFound",
        f"The security group '{group}' does not exist",
    )


GROUPS = [
    ({"GroupName": "web", "Description": "d"}, "InvalidGroup.Duplicate"),
    ({"GroupName": "default", "Description": "d"}, "InvalidParameterValue"),
    ({"GroupName": "sg-x", "Description": "d"}, "InvalidParameterValue"),
    ({"GroupName": "ü", "Description": "d"}, "InvalidParameterValue"),
]


@pytest.mark.parametrize(("params", "code"), GROUPS)
def test_groups_that_are_refused(
    ec2: Any, vpc: str, group: str, refused: Any, params: dict[str, Any], code: str
) -> None:
    assert refused(ec2.create_security_group, VpcId=vpc, **params)[0] == code


def test_default_groups_stay(ec2: Any, vpc: str, refused: Any, filtered: Any) -> None:
    wanted = filtered(vpc_id=vpc, group_name="default")
    (default,) = ec2.describe_security_groups(Filters=wanted)["SecurityGroups"]
    assert refused(ec2.delete_security_group, GroupId=default["GroupId"])[0] == "CannotDelete"
    made = ec2.create_security_group(GroupName="other", Description="in the default VPC")["GroupId"]
    (told,) = ec2.describe_security_groups(GroupNames=["other"])["SecurityGroups"]
    assert (told["GroupId"], told["VpcId"] == vpc) == (made, False)


RULES = [
    (tcp(443, IpRanges=[{"CidrIp": "tea"}]), "InvalidParameterValue"),
    (tcp(443, IpRanges=[{"CidrIp": "::/0"}]), "InvalidParameterValue"),
    (tcp(-5, 443, IpRanges=[{"CidrIp": "10.0.0.0/8"}]), "InvalidParameterValue"),
    (tcp(90, 80, IpRanges=[{"CidrIp": "10.0.0.0/8"}]), "InvalidParameterValue"),
    ([{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}], "InvalidParameterValue"),
    ([{"IpProtocol": "tea", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}], "InvalidParameterValue"),
    (tcp(443), "InvalidParameterValue"),
    (tcp(443, UserIdGroupPairs=[{"GroupId": "sg-00000000000000000"}]), "InvalidGroup.NotFound"),
    (tcp(443, PrefixListIds=[{"PrefixListId": "pl-00000000"}]), "InvalidPrefixListId.NotFound"),
]


@pytest.mark.parametrize(("permissions", "code"), RULES)
def test_rules_that_are_refused(ec2: Any, group: str, refused: Any, permissions: list[Any], code: str) -> None:
    assert refused(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=permissions)[0] == code


def test_network_acls_have_numbered_rules(ec2: Any, vpc: str, subnet: Any, refused: Any, filtered: Any) -> None:
    own = subnet()
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    rule = {"NetworkAclId": acl, "RuleNumber": 100, "Egress": True}
    about = {"Protocol": "tcp", "RuleAction": "allow", "CidrBlock": "0.0.0.0/0", "PortRange": {"From": 443, "To": 443}}
    ec2.create_network_acl_entry(**rule, **about)
    assert refused(ec2.create_network_acl_entry, **rule, **about)[0] == "NetworkAclEntryAlreadyExists"
    ec2.replace_network_acl_entry(**rule, **{**about, "RuleAction": "deny"})
    (told,) = ec2.describe_network_acls(Filters=filtered(**{"entry.rule-action": "deny", "network-acl-id": acl}))[
        "NetworkAcls"
    ]
    assert (told["Entries"][0]["RuleNumber"], told["Entries"][0]["Protocol"]) == (100, "6")
    (default,) = ec2.describe_network_acls(Filters=filtered(vpc_id=vpc, default="true"))["NetworkAcls"]
    (association,) = default["Associations"]
    assert association["SubnetId"] == own
    made = ec2.replace_network_acl_association(AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl)
    assert refused(ec2.delete_network_acl, NetworkAclId=acl)[0] == "DependencyViolation"
    assert refused(ec2.delete_network_acl, NetworkAclId=default["NetworkAclId"])[0] == "InvalidParameterValue"
    ec2.delete_network_acl_entry(**rule)
    assert refused(ec2.delete_network_acl_entry, **rule)[0] == "InvalidNetworkAclEntry.NotFound"
    back = default["NetworkAclId"]
    ec2.replace_network_acl_association(AssociationId=made["NewAssociationId"], NetworkAclId=back)
    ec2.delete_network_acl(NetworkAclId=acl)
