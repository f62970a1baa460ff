"""Which permissions AppSync's calls need; a request to an API is checked field by field where it is served.

Source: "Actions, resources, and condition keys for AWS AppSync" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, no_permission, pass_role


def resource(call: Call) -> str:
    """The API, or the part of it, that a call names."""
    params = call.params
    if isinstance(params.get("resourceArn"), str):
        return str(params["resourceArn"])
    if isinstance(params.get("domainName"), str):
        return call.arn("appsync", f"domainnames/{params['domainName']}")
    if not isinstance(params.get("apiId"), str):
        return EVERYTHING
    rest = f"apis/{params['apiId']}"
    if "typeName" in params:
        rest += f"/types/{params['typeName']}"
        if "fieldName" in params:
            rest += f"/resolvers/{params['fieldName']}"
    elif "functionId" in params:
        rest += f"/functions/{params['functionId']}"
    elif "ChannelNamespace" in call.operation and "name" in params:
        rest += f"/channelNamespace/{params['name']}"
    elif call.operation.endswith("DataSource") and call.operation != "CreateDataSource":
        rest += f"/datasources/{params.get('name')}"
    return call.arn("appsync", rest)


def with_role(call: Call) -> Iterator[Ask]:
    """The data source, and the role that AppSync uses it in."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("serviceRoleArn"), "appsync.amazonaws.com")


_OWN = dict.fromkeys(
    (
        "appsync-realtime",
        "StartSubscription",
        "DeliverToSubscribers",
        "SubscribeToChannel",
        "PublishEvents",
        "DeliverEvents",
    ),
    no_permission,
)
"""What is checked where it is served."""
AUTHORIZATION = Authorization(
    "appsync",
    resource=resource,
    resources=dict.fromkeys(
        ("CreateGraphqlApi", "ListGraphqlApis", "CreateApi", "ListApis", "CreateDomainName", "ListDomainNames"),
        everything,
    ),
    asks={
        "CreateDataSource": with_role,
        "UpdateDataSource": with_role,
        "appsync-access": no_permission,
        "appsync-api": no_permission,
        **_OWN,
    },
)
