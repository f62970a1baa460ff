"""Which permissions Lambda's calls need: on functions, which have policies of their own, on layers and the rest.

Source: "Actions, resources, and condition keys for AWS Lambda" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import orjson

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role, resource_tags
from kumoi.policy import Policy, compile_policy
from kumoi.services.lambda_.identifiers import LATEST, FunctionIdentifier, parse
from kumoi.services.lambda_.layer_names import layer_arn, parse_layer
from kumoi.services.lambda_.records import heads, policies
from kumoi.state import Transaction, recalled
from kumoi.wire.errors import AwsError

_ARNS = ("Resource", "CodeSigningConfigArn", "Arn")
_CONFIGURED = frozenset(
    (
        *("PutFunctionCodeSigningConfig", "GetFunctionCodeSigningConfig", "DeleteFunctionCodeSigningConfig"),
        *("CreateFunction", "UpdateFunctionConfiguration"),
    )
)


def function(call: Call) -> str:
    """The function, version or alias that a call names; what else it names where that is no function."""
    params = call.params
    named = params.get("FunctionName")
    if isinstance(named, str):
        with suppress(AwsError):
            return parse(named, call.account, call.region, params.get("Qualifier")).arn
    for member in _ARNS:
        if isinstance(params.get(member), str):
            return str(params[member])
    if "UUID" in params:
        return mapping(call)
    if isinstance(params.get("LayerName"), str):
        return layer(call)
    return EVERYTHING


def mapping(call: Call) -> str:
    """The event source mapping that a call names, or any."""
    return call.arn("lambda", f"event-source-mapping:{call.params.get('UUID', '*')}")


def layer(call: Call) -> str:
    """The layer that a call names, or its version."""
    with suppress(AwsError):
        found = parse_layer(call.params["LayerName"], call.account, call.region)
        version = call.params.get("VersionNumber")
        return layer_arn(found.region, found.account, found.name) + ("" if version is None else f":{version}")
    return EVERYTHING


def with_role(call: Call) -> Iterator[Ask]:
    """The function, its layers, and the role it is handed."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("Role"), "lambda.amazonaws.com")
    for one in call.params.get("Layers") or ():
        yield Ask("lambda:GetLayerVersion", str(one))


def context(call: Call) -> dict[str, Sequence[str]]:
    """Lambda's own condition keys."""
    params = call.params
    keys: dict[str, Sequence[str]] = {}
    if call.operation.endswith("EventSourceMapping") and isinstance(params.get("FunctionName"), str):
        keys["lambda:functionarn"] = (function(call),)
    if isinstance(params.get("Layers"), list):
        keys["lambda:layer"] = tuple(str(one) for one in params["Layers"])
    members = (
        ("Principal", "lambda:principal"),
        ("AuthType", "lambda:functionurlauthtype"),
        ("FunctionUrlAuthType", "lambda:functionurlauthtype"),
        ("EventSourceToken", "lambda:eventsourcetoken"),
    )
    keys.update({key: (str(params[member]),) for member, key in members if member in params})
    if call.operation in _CONFIGURED and "CodeSigningConfigArn" in params:
        keys["lambda:codesigningconfigarn"] = (str(params["CodeSigningConfigArn"]),)
    return keys


async def owned(call: Call, ask: Ask) -> Owned:
    """The account of a function, its tags, and the policy of what the call names: function, version or alias."""
    try:
        named = parse(ask.resource, call.account, call.region)
    except AwsError:
        parts = ask.resource.split(":", 5)
        return Owned(parts[4] if len(parts) == 6 else call.account)
    return await _side(call.doorway.state.at(named.account, named.region), named)


@recalled
async def _side(tx: Transaction, named: FunctionIdentifier) -> Owned:
    found = await heads.get(tx, named.name)
    qualifier = "" if named.qualifier in (None, LATEST) else named.qualifier
    policy = await policies.get(tx, named.name, qualifier)
    compiled: tuple[Policy, ...] = ()
    if policy is not None and policy.statements:
        document = orjson.dumps({"Version": "2012-10-17", "Statement": policy.statements}).decode()
        compiled = (compile_policy(document, "resource", "function policy"),)
    tags = {} if found is None else resource_tags(found.tags)
    return Owned(named.account, compiled, context=tags, decided={})


AUTHORIZATION = Authorization(
    "lambda",
    resource=function,
    resources={
        "CreateCodeSigningConfig": everything,
        "CreateEventSourceMapping": mapping,
        "ListEventSourceMappings": everything,
        "UpdateEventSourceMapping": mapping,
        "ListFunctions": everything,
        "ListLayers": everything,
    },
    actions={
        "Invoke": "InvokeFunction",
        "InvokeWithResponseStream": "InvokeFunction",
        "GetLayerVersionByArn": "GetLayerVersion",
    },
    asks={"CreateFunction": with_role, "UpdateFunctionConfiguration": with_role},
    context=context,
    policy=owned,
)
