"""CloudWatch Logs' CloudFormation resource types. Source: "CloudWatch Logs resource type reference"."""

from __future__ import annotations

import json
from typing import Any

from kumoi.doorway.resource_types import Listing, Reading, Resource, ResourceCall, ResourceType


async def _create_group(call: ResourceCall) -> Resource:
    name = call.name("LogGroupName", 512)
    await call.ask("logs", "CreateLogGroup", logGroupName=name, tags=call.all_tags())
    made = call.begin(Resource(name, {"Arn": call.arn("logs", f"log-group:{name}:*")}))
    await _retain(call, name)
    await _protect(call, name)
    await _index(call, name)
    return made


async def _update_group(call: ResourceCall) -> Resource:
    await _retain(call, call.physical_id)
    await _protect(call, call.physical_id)
    await _index(call, call.physical_id)
    return Resource(call.physical_id, call.attributes)


async def _protect(call: ResourceCall, name: str) -> None:
    policy = call.properties.get("DataProtectionPolicy")
    if policy is not None:
        text = policy if isinstance(policy, str) else json.dumps(policy)
        await call.ask("logs", "PutDataProtectionPolicy", logGroupIdentifier=name, policyDocument=text)
    elif "DataProtectionPolicy" in call.before:
        await call.ask("logs", "DeleteDataProtectionPolicy", logGroupIdentifier=name)


async def _index(call: ResourceCall, name: str) -> None:
    """A list of policies, of which there is one at most."""
    policies = call.properties.get("FieldIndexPolicies")
    if policies:
        text = policies[0] if isinstance(policies[0], str) else json.dumps(policies[0])
        await call.ask("logs", "PutIndexPolicy", logGroupIdentifier=name, policyDocument=text)
    elif call.before.get("FieldIndexPolicies"):
        await call.ask("logs", "DeleteIndexPolicy", logGroupIdentifier=name)


async def _put_account_policy(call: ResourceCall) -> Resource:
    call.required("PolicyName", "PolicyDocument", "PolicyType")
    given = {"policyName": call.properties["PolicyName"], "policyType": call.properties["PolicyType"]}
    policy = call.properties["PolicyDocument"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    answer = await call.ask("logs", "PutAccountPolicy", **given, policyDocument=text)
    account = answer["accountPolicy"]["accountId"]
    return Resource(f"{account}|{given['policyType']}|{given['policyName']}", {"AccountId": account})


async def _delete_account_policy(call: ResourceCall) -> None:
    _, kind, name = call.physical_id.split("|", 2)
    await call.ask("logs", "DeleteAccountPolicy", policyName=name, policyType=kind)


async def _retain(call: ResourceCall, name: str) -> None:
    days = call.properties.get("RetentionInDays")
    if days is not None:
        await call.ask("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=int(days))
    elif "RetentionInDays" in call.before:
        await call.ask("logs", "DeleteRetentionPolicy", logGroupName=name)


async def _delete_group(call: ResourceCall) -> None:
    await call.ask("logs", "DeleteLogGroup", logGroupName=call.physical_id)


async def _read_group(call: ResourceCall) -> Reading:
    name = call.physical_id
    tags = await call.ask("logs", "ListTagsForResource", resourceArn=call.arn("logs", f"log-group:{name}"))
    found = await call.ask("logs", "DescribeLogGroups", logGroupNamePrefix=name)
    group = next(one for one in found["logGroups"] if one["logGroupName"] == name)
    policy = await call.ask("logs", "GetDataProtectionPolicy", logGroupIdentifier=name)
    indexes = (await call.ask("logs", "DescribeIndexPolicies", logGroupIdentifiers=[name]))["indexPolicies"]
    told = {
        "FieldIndexPolicies": [json.loads(one["policyDocument"]) for one in indexes] or None,
        "DataProtectionPolicy": json.loads(policy["policyDocument"]) if "policyDocument" in policy else None,
        "KmsKeyId": group.get("kmsKeyId"),
        "LogGroupClass": group.get("logGroupClass", "STANDARD"),
        "LogGroupName": name,
        "RetentionInDays": group.get("retentionInDays"),
        "Tags": [{"Key": key, "Value": value} for key, value in tags["tags"].items()],
    }
    return Reading(Resource(name, {"Arn": call.arn("logs", f"log-group:{name}:*")}), told)


async def _create_stream(call: ResourceCall) -> Resource:
    name = call.name("LogStreamName", 512)
    await call.ask("logs", "CreateLogStream", logGroupName=call.properties["LogGroupName"], logStreamName=name)
    return Resource(name)


async def _delete_stream(call: ResourceCall) -> None:
    group = call.properties["LogGroupName"]
    await call.ask("logs", "DeleteLogStream", logGroupName=group, logStreamName=call.physical_id)


async def _create_query(call: ResourceCall) -> Resource:
    answer = await call.ask("logs", "PutQueryDefinition", **_query(call))
    return Resource(answer["queryDefinitionId"], {"QueryDefinitionId": answer["queryDefinitionId"]})


async def _update_query(call: ResourceCall) -> Resource:
    await call.ask("logs", "PutQueryDefinition", **_query(call), queryDefinitionId=call.physical_id)
    return Resource(call.physical_id, call.attributes)


def _query(call: ResourceCall) -> dict[str, Any]:
    call.required("Name", "QueryString")
    return {
        "name": call.properties["Name"],
        "queryString": call.properties["QueryString"],
        "logGroupNames": call.properties.get("LogGroupNames"),
        "queryLanguage": call.properties.get("QueryLanguage"),
        "clientToken": None if call.physical_id else call.stack_id.rpartition("/")[2] + call.token,
    }


async def _delete_query(call: ResourceCall) -> None:
    await call.ask("logs", "DeleteQueryDefinition", queryDefinitionId=call.physical_id)


async def _put_metric_filter(call: ResourceCall) -> Resource:
    call.required("LogGroupName", "FilterPattern", "MetricTransformations")
    name = call.physical_id or call.name("FilterName", 512)
    await call.ask(
        "logs",
        "PutMetricFilter",
        logGroupName=call.properties["LogGroupName"],
        filterName=name,
        filterPattern=call.properties["FilterPattern"],
        metricTransformations=[_transformation(one) for one in call.properties["MetricTransformations"]],
    )
    return Resource(name)


def _transformation(given: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "metricName": given.get("MetricName"),
        "metricNamespace": given.get("MetricNamespace"),
        "metricValue": str(given.get("MetricValue")),
    }
    if "DefaultValue" in given:
        made["defaultValue"] = float(given["DefaultValue"])
    if "Dimensions" in given:
        made["dimensions"] = {str(one["Key"]): str(one["Value"]) for one in given["Dimensions"]}
    if "Unit" in given:
        made["unit"] = given["Unit"]
    return made


async def _delete_metric_filter(call: ResourceCall) -> None:
    group = call.properties["LogGroupName"]
    await call.ask("logs", "DeleteMetricFilter", logGroupName=group, filterName=call.physical_id)


async def _put_subscription_filter(call: ResourceCall) -> Resource:
    call.required("LogGroupName", "FilterPattern", "DestinationArn")
    name = call.physical_id or call.name("FilterName", 512)
    await call.ask(
        "logs",
        "PutSubscriptionFilter",
        logGroupName=call.properties["LogGroupName"],
        filterName=name,
        filterPattern=call.properties["FilterPattern"],
        destinationArn=call.properties["DestinationArn"],
        roleArn=call.properties.get("RoleArn"),
        distribution=call.properties.get("Distribution"),
    )
    return Resource(name)


async def _delete_subscription_filter(call: ResourceCall) -> None:
    group = call.properties["LogGroupName"]
    await call.ask("logs", "DeleteSubscriptionFilter", logGroupName=group, filterName=call.physical_id)


async def _put_destination(call: ResourceCall) -> Resource:
    call.required("DestinationName", "TargetArn", "RoleArn")
    name = str(call.properties["DestinationName"])
    target, role = call.properties["TargetArn"], call.properties["RoleArn"]
    answer = await call.ask("logs", "PutDestination", destinationName=name, targetArn=target, roleArn=role)
    made = call.begin(Resource(name, {"Arn": answer["destination"]["arn"]}))
    if policy := call.properties.get("DestinationPolicy"):
        text = policy if isinstance(policy, str) else json.dumps(policy)
        await call.ask("logs", "PutDestinationPolicy", destinationName=name, accessPolicy=text)
    return made


async def _delete_destination(call: ResourceCall) -> None:
    await call.ask("logs", "DeleteDestination", destinationName=call.physical_id)


async def _put_resource_policy(call: ResourceCall) -> Resource:
    call.required("PolicyName", "PolicyDocument")
    name, document = str(call.properties["PolicyName"]), call.properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    await call.ask("logs", "PutResourcePolicy", policyName=name, policyDocument=text)
    return Resource(name)


async def _delete_resource_policy(call: ResourceCall) -> None:
    await call.ask("logs", "DeleteResourcePolicy", policyName=call.physical_id)


RESOURCES = (
    ResourceType(
        "AWS::Logs::AccountPolicy",
        _put_account_policy,
        _delete_account_policy,
        _put_account_policy,
        replaced_by=frozenset(("PolicyName", "PolicyType")),
    ),
    ResourceType(
        "AWS::Logs::Destination",
        _put_destination,
        _delete_destination,
        _put_destination,
        replaced_by=frozenset(("DestinationName",)),
        expected=lambda call: str(call.properties.get("DestinationName")),
    ),
    ResourceType(
        "AWS::Logs::MetricFilter",
        _put_metric_filter,
        _delete_metric_filter,
        _put_metric_filter,
        replaced_by=frozenset(("FilterName", "LogGroupName")),
        expected=lambda call: call.name("FilterName", 512),
    ),
    ResourceType("AWS::Logs::QueryDefinition", _create_query, _delete_query, _update_query),
    ResourceType(
        "AWS::Logs::ResourcePolicy",
        _put_resource_policy,
        _delete_resource_policy,
        _put_resource_policy,
        replaced_by=frozenset(("PolicyName",)),
        expected=lambda call: str(call.properties.get("PolicyName")),
    ),
    ResourceType(
        "AWS::Logs::SubscriptionFilter",
        _put_subscription_filter,
        _delete_subscription_filter,
        _put_subscription_filter,
        replaced_by=frozenset(("FilterName", "LogGroupName")),
        expected=lambda call: call.name("FilterName", 512),
    ),
    ResourceType(
        "AWS::Logs::LogGroup",
        _create_group,
        _delete_group,
        _update_group,
        replaced_by=frozenset(("LogGroupName",)),
        expected=lambda call: call.name("LogGroupName", 512),
        read=_read_group,
        identifier="LogGroupName",
        listing=Listing("logs", "DescribeLogGroups", "logGroups", ("nextToken", "nextToken"), "logGroupName"),
    ),
    ResourceType("AWS::Logs::LogStream", _create_stream, _delete_stream),
)
