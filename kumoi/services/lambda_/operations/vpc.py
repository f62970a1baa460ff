"""Where a function is in a network: its VpcConfig, completed by what EC2 knows of its subnets.

Ids that EC2 does not know are refused as AWS does it, where the account has subnets of its own in the region. Where it
has none but the default ones, ids are names that mean nothing here, and are kept as they are: configurations for AWS
run without their networks.
"""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call, Principal
from kumoi.services.lambda_.configuration import invalid
from kumoi.wire.errors import AwsError


async def placed(call: Call, given: dict[str, Any] | None) -> dict[str, Any] | None:
    """A VpcConfig with the VPC of its subnets; InvalidParameterValueException."""
    subnets = (given or {}).get("SubnetIds") or []
    groups = (given or {}).get("SecurityGroupIds") or []
    if given is None or not subnets:
        return given
    known = {one["SubnetId"]: one for one in (await _ask(call, "DescribeSubnets"))["Subnets"]}
    found = [known[one] for one in subnets if one in known]
    if not found and all(one["DefaultForAz"] for one in known.values()):
        return given
    if len(found) < len(subnets):
        unknown = next(one for one in subnets if one not in known)
        raise _refused("DescribeSubnets", "InvalidSubnetID.NotFound", f"The subnet ID '{unknown}' does not exist")
    if not groups:
        raise invalid("SubnetIds and SecurityIds must coexist or be both empty list.")
    vpcs = sorted({str(one["VpcId"]) for one in found})
    if len(vpcs) > 1:
        raise invalid("Not all subnets are in the same VPC.")
    try:
        described = (await _ask(call, "DescribeSecurityGroups", GroupIds=groups))["SecurityGroups"]
    except AwsError as error:
        raise _refused("DescribeSecurityGroups", error.code, error.message) from error
    if any(one["VpcId"] != vpcs[0] for one in described):
        raise invalid("Security groups and subnets do not belong to the same VPC.")
    return {**given, "VpcId": vpcs[0]}


async def _ask(call: Call, operation: str, **params: Any) -> dict[str, Any]:
    looking = Principal.looking(call.account, "ec2", call.node)
    answer: dict[str, Any] = await call.to_as(looking, "ec2", operation, **params)
    return answer


def _refused(operation: str, code: str, message: str) -> AwsError:
    return invalid(f"Error occurred while {operation}. EC2 Error Code: {code}. EC2 Error Message: {message}")
