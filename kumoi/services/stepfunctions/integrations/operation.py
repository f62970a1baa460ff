"""Any operation of any service that the platform has, called for a task: the base of all integrations but HTTP.

A service's error becomes the task's under the name that the SDK for Java has for it. Source: "Learning to use AWS
service SDK integrations" and recorded histories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.doorway import CallDropped, Doorway
from kumoi.names import uuid
from kumoi.services.stepfunctions.integrations.shapes import from_answer, to_params
from kumoi.services.stepfunctions.integrations.task import TaskCall, TaskError
from kumoi.services.stepfunctions.language.resources import Resource
from kumoi.state.once import once
from kumoi.wire import AwsError, OperationModel, UnknownService, Wire

BOTOCORE: Mapping[str, str] = {
    "apigatewaymanagementapi": "apigatewaymanagementapi",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "cognitoidentity": "cognito-identity",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "cloudwatchevents": "events",
    "iotdataplane": "iot-data",
    "sfn": "stepfunctions",
}
"""The SDK's names of services where they differ from botocore's by more than hyphens."""
_ONCE = frozenset({"dynamodb", "events", "sns", "sqs"})
"""Services whose calls are not repeated when a crash hides that they were answered."""
PREFIXES: Mapping[str, str] = {
    "apigatewayv2": "ApiGatewayV2",
    "cloudformation": "CloudFormation",
    "cloudfront": "CloudFront",
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "cognitoidentity": "CognitoIdentity",
    "cognitoidentityprovider": "CognitoIdentityProvider",
    "dynamodb": "DynamoDb",
    "dynamodbstreams": "DynamoDbStreams",
    "elasticloadbalancingv2": "ElasticLoadBalancingV2",
    "eventbridge": "EventBridge",
    "iotdataplane": "IotDataPlane",
    "secretsmanager": "SecretsManager",
}
"""The SDK's names of services as they begin the names of errors, where they are not the id with a capital."""


class Operations:
    """Calls operations as tasks do."""

    def __init__(self, doorway: Doorway, wire: Wire) -> None:
        self._doorway = doorway
        self._wire = wire

    def model(self, service: str, action: str) -> OperationModel:
        """An operation by botocore's name of its service and the SDK's of itself; TaskError when there is none."""
        try:
            model = self._wire.codec(service).model
        except UnknownService:
            raise TaskError("States.TaskFailed", f"There is no service {service}.") from None
        for name in model.operation_names:
            if name.lower() == action.lower():
                return model.operation(name)
        raise TaskError("States.TaskFailed", f"The service {service} has no operation {action}.")

    async def ask(
        self, task: TaskCall, service: str, operation: OperationModel, params: dict[str, Any], request_id: str
    ) -> Any:
        """Make the call; raises AwsError and CallDropped."""
        operation.validate(params)
        if service in _ONCE and task.durable:
            with once(task.key):
                return await self._ask(task, service, operation, params, request_id)
        return await self._ask(task, service, operation, params, request_id)

    async def _ask(
        self, task: TaskCall, service: str, operation: OperationModel, params: dict[str, Any], request_id: str
    ) -> Any:
        return await self._doorway.ask(
            service, operation.name, params, task.caller, task.target_region, task.trace, request_id
        )

    async def sdk(self, task: TaskCall) -> Any:
        """An `aws-sdk:` integration."""
        service_id = task.resource.type.removeprefix("aws-sdk:").lower()
        operation = self.model_of(task.resource)
        service = operation.model.name
        params = request_of(operation, task, strict=True)
        request_id = uuid()
        prefix = PREFIXES.get(service_id, service_id.capitalize())
        try:
            answer = await self.ask(task, service, operation, params, request_id)
        except AwsError as error:
            name = f"{prefix}.{sdk_exception(operation, error.code, prefix)}"
            label = prefix
            raise TaskError(
                name,
                f"{error.message} (Service: {label}, Status Code: {status_of(operation, error)}, Request ID: "
                f"{request_id})",
            ) from None
        except CallDropped:
            raise TaskError(f"{prefix}.SdkClientException", "Unable to execute HTTP request: no answer") from None
        return await from_answer(operation.output, answer)

    def model_of(self, resource: Resource) -> OperationModel:
        """The operation that a resource names; TaskError when there is none."""
        if resource.kind != "service":
            return self.model("lambda", "invoke")
        service_id = resource.type.removeprefix("aws-sdk:").lower()
        if not resource.type.startswith("aws-sdk:"):
            service_id = {"states": "sfn", "events": "eventbridge"}.get(service_id, service_id)
        return self.model(BOTOCORE.get(service_id) or self._served(service_id), resource.action)

    def _served(self, service_id: str) -> str:
        for service in self._doorway.registry:
            if service.name.replace("-", "") == service_id:
                return service.name
        raise TaskError("States.TaskFailed", f"Kumoi does not serve {service_id} yet.")


def request_of(operation: OperationModel, task: TaskCall, *, strict: bool) -> dict[str, Any]:
    """A task's parameters as an operation takes them."""
    if operation.input is None:
        return {}
    given = task.request if isinstance(task.request, dict) else {}
    made = to_params(operation.input, given, operation.name, strict=strict)
    assert isinstance(made, dict)
    return made


def status_of(operation: OperationModel, error: AwsError) -> int:
    """The HTTP status of an error."""
    if error.status:
        return error.status
    shape = operation.model.errors.get(error.code)
    stated = shape.traits.get("error", {}).get("httpStatusCode") if shape is not None else None
    return int(stated or error.default_status)


def plain_code(code: str) -> str:
    """An error's code without the prefix of a query protocol."""
    return code.rpartition(".")[2]


def is_modelled(operation: OperationModel, code: str) -> bool:
    """Whether the service declares an error."""
    return code in operation.model.errors


def sdk_exception(operation: OperationModel, code: str, prefix: str) -> str:
    """What the SDK for Java calls an error: its own name, or the service's general exception."""
    if not is_modelled(operation, code):
        return f"{prefix}Exception"
    shape = operation.model.errors.get(code)
    name = plain_code(shape.name if shape is not None else code)
    if name.endswith("Error"):
        name = name.removesuffix("Error")
    return name if name.endswith("Exception") else f"{name}Exception"
