"""What expressions of rules ask others: functions, the registry, shadows, secrets, tables.

What cannot be had is Undefined. Source: "Functions" of the AWS IoT SQL reference.
"""

from __future__ import annotations

from typing import Any

import orjson

from kumoi.doorway import CallDropped, Doorway, Principal
from kumoi.iot_sql import UNDEFINED
from kumoi.iot_sql.rule_functions import Pending
from kumoi.services.iot.dynamodb_values import plain_item, typed
from kumoi.services.iot.functions import FunctionFailed, said
from kumoi.wire.errors import AwsError


async def ask(doorway: Doorway, caller: Principal, region: str, pending: Pending) -> Any:
    """The answer to what an expression needs to know."""
    name, arguments = pending.key[0], pending.arguments
    try:
        return await _ASK[name](doorway, caller, region, arguments)
    except (AwsError, CallDropped, FunctionFailed, IndexError, KeyError, ValueError, TypeError, AttributeError):
        return UNDEFINED


async def _lambda(doorway: Doorway, caller: Principal, region: str, arguments: list[Any]) -> Any:
    params = {"FunctionName": arguments[0], "Payload": orjson.dumps(arguments[1])}
    return await said(await doorway.ask("lambda", "Invoke", params, caller, region))


async def _shadow(doorway: Doorway, caller: Principal, region: str, arguments: list[Any]) -> Any:
    named = {"shadowName": arguments[1]} if len(arguments) > 2 else {}
    params = {"thingName": arguments[0], **named}
    answer = await doorway.ask("iot-data", "GetThingShadow", params, caller, region)
    return orjson.loads(answer["payload"])


async def _registry(doorway: Doorway, caller: Principal, region: str, arguments: list[Any]) -> Any:
    if arguments[0] != "DescribeThing":
        return UNDEFINED
    return await doorway.ask("iot", "DescribeThing", {"thingName": arguments[1]}, caller, region)


async def _secret(doorway: Doorway, caller: Principal, region: str, arguments: list[Any]) -> Any:
    secret, kind = arguments[0], arguments[1]
    key = arguments[2] if len(arguments) > 3 else None
    answer = await doorway.ask("secretsmanager", "GetSecretValue", {"SecretId": secret}, caller, region)
    if kind == "SecretBinary":
        return answer["SecretBinary"]
    return answer["SecretString"] if key is None else orjson.loads(answer["SecretString"])[key]


async def _item(doorway: Doorway, caller: Principal, region: str, arguments: list[Any]) -> Any:
    table, *keys = arguments[:-1] if len(arguments) % 2 == 0 else arguments
    pairs = list(zip(keys[::2], keys[1::2], strict=True))
    params = {"TableName": table, "Key": {name: typed(value) for name, value in pairs}}
    answer = await doorway.ask("dynamodb", "GetItem", params, caller, region)
    return plain_item(answer["Item"])


_ASK = {
    "aws_lambda": _lambda,
    "get_dynamodb": _item,
    "get_registry_data": _registry,
    "get_secret": _secret,
    "get_thing_shadow": _shadow,
}
