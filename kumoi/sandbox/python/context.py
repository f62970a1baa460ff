"""The context object of Python functions ("AWS Lambda context object in Python")."""

from __future__ import annotations

import json
import os
import time
from typing import Any


class CognitoIdentity:
    """Who calls, for callers with a Cognito identity."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, given: dict[str, Any]) -> None:
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class Client:
    """The calling application, as the mobile SDKs describe it."""

    __slots__ = ("app_package_name", "app_title", "app_version_code", "app_version_name", "installation_id")

    def __init__(self, given: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, given.get(name))


class ClientContext:
    """What the caller sent as ClientContext."""

    __slots__ = ("client", "custom", "env")

    def __init__(self, given: dict[str, Any]) -> None:
        self.custom = given.get("custom")
        self.env = given.get("env")
        self.client = Client(given["client"]) if isinstance(given.get("client"), dict) else None


class Place:
    """What all contexts of an execution environment say alike, read once."""

    def __init__(self) -> None:
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")


class LambdaContext(Place):
    """One invocation's context."""

    def __init__(self, invocation: dict[str, Any], place: Place) -> None:
        self.__dict__.update(place.__dict__)
        self.aws_request_id = invocation["request_id"]
        self.invoked_function_arn = invocation["function_arn"]
        self.tenant_id = invocation.get("tenant_id")
        self._epoch_deadline_time_in_ms = invocation["deadline_ms"]
        given = invocation.get("client_context")
        parsed = json.loads(given) if given else None
        self.client_context = ClientContext(parsed) if isinstance(parsed, dict) else None
        identity = invocation.get("cognito_identity")
        self.identity = CognitoIdentity(json.loads(identity) if identity else {})

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out."""
        return max(int(self._epoch_deadline_time_in_ms) - int(time.time() * 1000), 0)

    def log(self, message: str) -> None:
        """Write to the log without a line break."""
        print(message, end="")

    def __repr__(self) -> str:
        fields = "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version"
        shown = ",".join(f"{name}={getattr(self, name)}" for name in fields.split())
        return f"LambdaContext([{shown},invoked_function_arn={self.invoked_function_arn}])"
