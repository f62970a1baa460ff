"""The optimized integrations: `arn:aws:states:::sqs:sendMessage` and the like, with the errors and answers of each.

Members that an integration does not know are dropped. An answer carries the members of the service's and what the HTTP
client saw. Source: "Integrating services with Step Functions" and recorded histories.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kumoi.doorway import CallDropped
from kumoi.names import uuid
from kumoi.services.stepfunctions.integrations.operation import (
    Operations,
    is_modelled,
    plain_code,
    request_of,
    status_of,
)
from kumoi.services.stepfunctions.integrations.shapes import from_answer
from kumoi.services.stepfunctions.integrations.task import Answer, TaskCall, TaskError
from kumoi.services.stepfunctions.language.json_text import dumps, loads
from kumoi.wire import AwsError, OperationModel


class Kind(NamedTuple):
    """A service: botocore's name, how its errors begin, what the SDK calls it, its general exception."""

    service: str
    prefix: str
    label: str
    general: str


_KINDS = {
    "dynamodb": Kind("dynamodb", "DynamoDB", "AmazonDynamoDBv2", "AmazonDynamoDBException"),
    "events": Kind("events", "EventBridge", "AmazonEventBridge", "AmazonEventBridgeException"),
    "lambda": Kind("lambda", "Lambda", "AWSLambda", "AWSLambdaException"),
    "sns": Kind("sns", "SNS", "AmazonSNS", "AmazonSNSException"),
    "sqs": Kind("sqs", "SQS", "AmazonSQS", "AmazonSQSException"),
    "states": Kind("stepfunctions", "StepFunctions", "AWSStepFunctions", "AWSStepFunctionsException"),
}
_ACCEPTED: dict[str, frozenset[str]] = {
    "lambda:invoke": frozenset(("ClientContext", "FunctionName", "InvocationType", "LogType", "Payload", "Qualifier")),
    "sqs:sendMessage": frozenset(
        ("DelaySeconds", "MessageAttributes", "MessageBody", "MessageDeduplicationId", "MessageGroupId", "QueueUrl")
    ),
    "sns:publish": frozenset(
        (
            *("Message", "MessageAttributes", "MessageDeduplicationId", "MessageGroupId", "MessageStructure"),
            *("PhoneNumber", "Subject", "TargetArn", "TopicArn"),
        )
    ),
    "events:putEvents": frozenset({"Entries"}),
    "states:startExecution": frozenset({"StateMachineArn", "Input", "Name", "TraceHeader"}),
}


class Optimized:
    """Makes the calls of optimized integrations, and of Lambda functions named by their ARNs."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def function(self, task: TaskCall) -> Answer:
        """A function that is a Task's Resource: the state's input goes in, its result comes out."""
        operation = self._operations.model("lambda", "invoke")
        params = {"FunctionName": task.resource.arn, "Payload": dumps(task.request).encode()}
        answer = await self._ask(task, operation, params, uuid())
        return Answer(_payload(answer))

    async def call(self, task: TaskCall) -> Answer:
        """An optimized integration."""
        kind = _KINDS.get(task.resource.type)
        if kind is None:
            raise TaskError(
                "States.TaskFailed",
                f"Kumoi does not make the optimized integration {task.resource.type}:{task.resource.action} yet.",
            )
        name = f"{task.resource.type}:{task.resource.action}"
        operation = self._operations.model(kind.service, task.resource.action)
        params = self._params(task, operation, name)
        request_id = uuid()
        answer = await self._ask(task, operation, params, request_id)
        if name == "lambda:invoke":
            output = await self._invoked(answer)
        else:
            output = await from_answer(operation.output, answer, millis=True)
        if output.get("FailedEntryCount") and name == "events:putEvents":
            raise TaskError("EventBridge.FailedEntry", dumps(output))
        job = output["ExecutionArn"] if task.resource.pattern.startswith(".sync") else None
        return Answer({**output, **_metadata(request_id, len(dumps(output)))}, job)

    def _params(self, task: TaskCall, operation: OperationModel, name: str) -> dict[str, Any]:
        params = request_of(operation, task, strict=False)
        accepted = _ACCEPTED.get(name)
        if accepted is not None:
            lower = {one.lower() for one in accepted}
            params = {key: value for key, value in params.items() if key.lower() in lower}
        if name == "events:putEvents":
            for entry in params.get("Entries", ()):
                entry["Resources"] = [*entry.get("Resources", ()), task.execution, _machine_arn(task)]
        elif name == "states:startExecution":
            params.setdefault("name", task.key)
            params.setdefault("input", "{}")
        return params

    async def _ask(self, task: TaskCall, operation: OperationModel, params: dict[str, Any], request_id: str) -> Any:
        kind = _KINDS["lambda" if task.resource.kind == "function" else task.resource.type]
        # An asynchronous invocation is known by its request: made again after a crash, it is the same one.
        known = task.key if params.get("InvocationType") == "Event" else request_id
        try:
            return await self._operations.ask(task, kind.service, operation, params, known)
        except AwsError as error:
            if error.code == "ExecutionAlreadyExists" and params.get("name") == task.key:
                return await self._started(task, params)
            raise _failure(kind, operation, error, request_id) from None
        except CallDropped:
            raise TaskError(
                f"{kind.prefix}.SdkClientException", "Unable to execute HTTP request: Read timed out"
            ) from None

    async def _started(self, task: TaskCall, params: dict[str, Any]) -> dict[str, Any]:
        """The execution that this very attempt began before a crash, and that has ended since."""
        machine = params["stateMachineArn"].replace(":stateMachine:", ":execution:", 1)
        operation = self._operations.model("stepfunctions", "describeExecution")
        asked = {"executionArn": f"{':'.join(machine.split(':')[:7])}:{task.key}"}
        found = await self._operations.ask(task, "stepfunctions", operation, asked, uuid())
        return {"executionArn": found["executionArn"], "startDate": found["startDate"]}

    async def _invoked(self, answer: dict[str, Any]) -> dict[str, Any]:
        output: dict[str, Any] = {name: answer[name] for name in ("ExecutedVersion", "LogResult") if name in answer}
        output["StatusCode"] = answer["StatusCode"]
        output["Payload"] = _payload(answer) if answer.get("Payload") else {}
        return output


def _payload(answer: dict[str, Any]) -> Any:
    """What a function returned; TaskError where it failed."""
    text = answer.get("Payload", b"").decode("utf-8", "replace")
    try:
        payload = loads(text)
    except ValueError:
        payload = text
    if answer.get("FunctionError"):
        named = payload.get("errorType") if isinstance(payload, dict) else None
        raise TaskError(named if isinstance(named, str) and named else "Lambda.Unknown", text)
    return payload


def _failure(kind: Kind, operation: OperationModel, error: AwsError, request_id: str) -> TaskError:
    code = plain_code(error.code)
    modelled = is_modelled(operation, error.code)
    if kind.prefix == "SQS" or code == "NotImplemented" or (kind.prefix == "DynamoDB" and not modelled):
        name = kind.general
    else:
        name = code if code.endswith("Exception") else f"{code}Exception"
    return TaskError(
        f"{kind.prefix}.{name}",
        f"{error.message} (Service: {kind.label}; Status Code: {status_of(operation, error)}; Error Code: {code}; "
        f"Request ID: {request_id}; Proxy: null)",
    )


def _machine_arn(task: TaskCall) -> str:
    return ":".join([*task.execution.split(":")[:5], "stateMachine", task.machine])


def _metadata(request_id: str, length: int) -> dict[str, Any]:
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "Content-Length": str(length),
        "x-amzn-RequestId": request_id,
    }
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }
