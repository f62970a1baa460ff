"""The application under an experiment, as its users and operators reach it: HTTP, AWS's APIs, Kumoi's own interface.

botocore comes with its first use. Nothing is tried again here: what a user's SDK would do is said by the experiment.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from threading import Lock, local
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from kumoi.experiments.model import ApiCall, BadExperiment, HttpRequest, seconds

Ask = Callable[..., Any]
_PEEKS = 20


class BudgetUsedUp(BadExperiment):
    """What is to be looked at cannot be: the budget of the run lets nothing through."""


class Answer(NamedTuple):
    """How a request ended: its status (0 when no answer came), its body, an error's name, real seconds."""

    status: int
    body: Any
    error: str
    seconds: float


class Application:
    """What an experiment sees of a platform. `ask(method, path, body, **query)` is its `/_kumoi/` interface."""

    def __init__(self, url: str, ask: Ask, *, account: str = "test", region: str = "us-east-1") -> None:
        self.url = url
        self.ask = ask
        self._account = account
        self._region = region
        self._clients: dict[str, Any] = {}
        self._lock = Lock()
        self._trace = local()
        self._seen: dict[str, dict[str, str]] = {}

    @property
    def account(self) -> str:
        """The account's number."""
        return self._account if self._account.isdigit() and len(self._account) == 12 else "000000000000"

    def client(self, service: str) -> Any:
        """A boto3 client that does not try again."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import UnknownServiceError

        with self._lock:
            if service not in self._clients:
                config = Config(
                    retries={"total_max_attempts": 1},
                    inject_host_prefix=False,
                    read_timeout=60,
                    max_pool_connections=64,
                    parameter_validation=False,
                )
                try:
                    self._clients[service] = boto3.session.Session().client(
                        service,
                        endpoint_url=self.url,
                        region_name=self._region,
                        aws_access_key_id=self._account,
                        aws_secret_access_key="test",  # noqa: S106  (what every local account signs with)
                        config=config,
                    )
                except UnknownServiceError:
                    raise BadExperiment(f"AWS has no service {service!r}") from None
                self._clients[service].meta.events.register("before-sign", self._traced)
            return self._clients[service]

    @contextmanager
    def tracing(self, trace: str) -> Iterator[None]:
        """Have what this thread asks for belong to a trace."""
        self._trace.root = trace
        try:
            yield
        finally:
            self._trace.root = ""

    def _traced(self, request: Any, **_more: Any) -> None:
        if root := getattr(self._trace, "root", ""):
            request.headers["X-Amzn-Trace-Id"] = f"Root={root};Sampled=1"

    def close(self) -> None:
        """Close the clients' connections."""
        for client in self._clients.values():
            client.close()

    def request(self, request: HttpRequest) -> Answer:
        """Send a request; what goes wrong is in the answer."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=seconds(request.timeout))
        headers = dict(request.headers)
        content: bytes | None = None
        if request.base64 is not None:
            content = base64.b64decode(request.base64)
        elif isinstance(request.body, str):
            content = request.body.encode()
        elif request.body is not None:
            content = json.dumps(request.body).encode()
            headers.setdefault("Content-Type", "application/json")
        if request.host:
            headers["Host"] = request.host
        if root := getattr(self._trace, "root", ""):
            headers["X-Amzn-Trace-Id"] = f"Root={root};Sampled=1"
        began = time.monotonic()
        try:
            connection.request(request.method, request.path, content, headers)
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, HTTPException) as error:
            return Answer(0, None, type(error).__name__, time.monotonic() - began)
        finally:
            connection.close()
        return Answer(answer.status, _value(said), "", time.monotonic() - began)

    def call(self, call: ApiCall) -> Answer:
        """Call an operation; an error of AWS's is in the answer. BadExperiment for one that there is none of."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(call.service)
        methods = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
        if call.operation not in methods:
            raise BadExperiment(f"{call.service} has no operation {call.operation}")
        began = time.monotonic()
        try:
            found = getattr(client, methods[call.operation])(**call.parameters)
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
            return Answer(status, None, str(error.response["Error"]["Code"]), time.monotonic() - began)
        except (BotoCoreError, TypeError, ValueError) as error:
            return Answer(0, None, type(error).__name__, time.monotonic() - began)
        metadata = found.pop("ResponseMetadata", {})
        found = {name: _read(value) for name, value in found.items()}
        failed = str(found.get("FunctionError", ""))
        return Answer(int(metadata.get("HTTPStatusCode", 200)), found, failed, time.monotonic() - began)

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a stack; BadExperiment when there is none."""
        from botocore.exceptions import ClientError

        try:
            [found] = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            raise BadExperiment(f"the stack {stack}: {error.response['Error']['Message']}") from None
        return {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}

    def tables(self) -> list[str]:
        """Every table of the account."""
        pages = self.client("dynamodb").get_paginator("list_tables").paginate()
        return [name for page in pages for name in page["TableNames"]]

    def queues(self) -> list[str]:
        """Every queue of the account, by URL."""
        return list(self.client("sqs").list_queues().get("QueueUrls", []))

    def consumed(self) -> list[str]:
        """The queues that functions read."""
        pages = self.client("lambda").get_paginator("list_event_source_mappings").paginate()
        arns = [one.get("EventSourceArn", "") for page in pages for one in page["EventSourceMappings"]]
        names = {arn.rpartition(":")[2] for arn in arns if ":sqs:" in arn}
        return [url for url in self.queues() if url.rpartition("/")[2] in names]

    def items(self, table: str) -> Iterator[dict[str, Any]]:
        """The items of a table, as plain values; BadExperiment when it cannot be read."""
        from boto3.dynamodb.types import TypeDeserializer
        from botocore.exceptions import ClientError

        read = TypeDeserializer().deserialize
        try:
            for page in self.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
                for item in page["Items"]:
                    yield {name: read(value) for name, value in item.items()}
        except ClientError as error:
            raise _unread(f"the table {table}", error.response["Error"]["Message"]) from None

    def waiting(self, queue: str) -> int:
        """How many messages a queue holds, seen or not."""
        from botocore.exceptions import ClientError

        names = ["", "NotVisible", "Delayed"]
        wanted = [f"ApproximateNumberOfMessages{name}" for name in names]
        try:
            found = self.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=wanted)["Attributes"]
        except ClientError as error:
            raise _unread(f"the queue {queue}", error.response["Error"]["Message"]) from None
        return sum(int(found.get(name, 0)) for name in wanted)

    def messages(self, queue: str) -> list[str]:
        """The bodies of the messages that a queue holds, or held when it was last looked at; none is taken."""
        from botocore.exceptions import ClientError

        seen = self._seen.setdefault(queue, {})
        client = self.client("sqs")
        try:
            for _ in range(_PEEKS + self.waiting(queue)):
                if self.waiting(queue) <= len(seen):
                    break
                taken = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "WaitTimeSeconds": 0}
                for message in client.receive_message(QueueUrl=queue, **taken).get("Messages", []):
                    seen[message["MessageId"]] = message["Body"]
        except ClientError as error:
            raise _unread(f"the queue {queue}", error.response["Error"]["Message"]) from None
        return list(seen.values())

    def forget_messages(self) -> None:
        """Look at queues anew: they are other ones now."""
        self._seen.clear()


def _value(content: bytes) -> Any:
    text = content.decode(errors="replace")
    with suppress(ValueError):
        return json.loads(text)
    return text


def _read(value: Any) -> Any:
    """A streamed member's content."""
    return _value(value.read()) if hasattr(value, "read") else value


def _unread(what: str, message: str) -> BadExperiment:
    """Why something cannot be looked at."""
    kind = BudgetUsedUp if "stopped by the budget" in message else BadExperiment
    return kind(f"{what}: {message}")
