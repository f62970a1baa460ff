"""A function's record as the API's FunctionConfiguration, and the checks a configuration must pass.

Rules: "FunctionConfiguration" of the API reference; limits from "Lambda quotas" (for ordinary functions; the wider
bounds of the model belong to managed instances).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from kumoi.names import arn
from kumoi.services.lambda_.identifiers import LATEST
from kumoi.services.lambda_.records import Code, Function, Logging
from kumoi.wire.errors import AwsError, aws_error

RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)
"""Names a function's Environment must not set ("Defined runtime environment variables")."""

RUNTIMES = (
    *(f"nodejs{version}.x" for version in (12, 14, 16, 18, 20, 22, 24, 26)),
    *(f"python3.{minor}" for minor in range(7, 16)),
    *("java8", "java8.al2", "java11", "java17", "java21", "java25", "dotnet6", "dotnet8", "dotnet10"),
    *("go1.x", "ruby2.7", "ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0", "provided", "provided.al2", "provided.al2023"),
)
"""Identifiers that Lambda knows ("Lambda runtimes"), the long-retired ones left out."""

KEPT_AS_GIVEN = (
    "VpcConfig",
    "DeadLetterConfig",
    "KMSKeyArn",
    "FileSystemConfigs",
    "SnapStart",
    "ImageConfig",
    "RuntimeConfig",
    "TenancyConfig",
    "AcceleratorConfig",
)
"""Members that are answered as given; but for DeadLetterConfig they change nothing here (docs/lambda.md says so)."""

_MAX_TIMEOUT, _MAX_MEMORY, _MAX_TMP = 900, 10_240, 10_240
_MAX_ENVIRONMENT = 4096


def describe(function: Function, account: str, region: str, *, qualified: bool = False) -> dict[str, Any]:
    """The FunctionConfiguration of a function as it stands: Active, last update successful.

    `qualified` puts the version into the ARN, as answers to requests with a qualifier have it.
    """
    function_arn = arn("lambda", region, account, f"function:{function.name}")
    answer: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": f"{function_arn}:{function.version}" if qualified else function_arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code.size,
        "Description": function.description,
        "Timeout": function.timeout,
        "MemorySize": function.memory_size,
        "LastModified": timestamp(function.last_modified),
        "CodeSha256": function.code.sha256,
        "ConfigSha256": _config_sha256(_Revision(function)),
        "Version": function.version,
        "TracingConfig": {"Mode": function.tracing_mode},
        "RevisionId": function.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": list(function.architectures),
        "EphemeralStorage": {"Size": function.tmp_size},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "RuntimeVersionConfig": {"RuntimeVersionArn": runtime_version_arn(function.runtime, region)},
        "LoggingConfig": _logging(function.logging),
    }
    if function.environment is not None:
        answer["Environment"] = {"Variables": function.environment}
    if function.layers:
        answer["Layers"] = [{"Arn": layer.arn, "CodeSize": layer.code.size} for layer in function.layers]
    for member, value in function.extras.items():
        answer[member] = value
    if "SnapStart" in function.extras:
        apply_on = function.extras["SnapStart"].get("ApplyOn", "None")
        optimised = function.version != LATEST and apply_on != "None"
        answer["SnapStart"] = {"ApplyOn": apply_on, "OptimizationStatus": "On" if optimised else "Off"}
    if function.code.image:
        answer["PackageType"] = "Image"
        for member in ("Runtime", "Handler", "RuntimeVersionConfig"):
            del answer[member]
        if "ImageConfig" in answer:
            answer["ImageConfigResponse"] = {"ImageConfig": answer.pop("ImageConfig")}
    return answer


class _Revision:
    """A function as its revision id knows it: whatever changes one gives it another."""

    __slots__ = ("function",)

    def __init__(self, function: Function) -> None:
        self.function = function

    def __hash__(self) -> int:
        return hash(self.function.revision_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Revision) and self.function.revision_id == other.function.revision_id


@lru_cache(256)
def _config_sha256(revision: _Revision) -> str:
    """The hash of all that is configured: the same for versions of the same configuration."""
    function = revision.function
    code = Code(function.code.sha256, function.code.size)
    same = msgspec.structs.replace(function, version="", revision_id="", last_modified=0.0, code=code)
    configured = msgspec.json.encode(same, order="sorted")
    return base64.b64encode(hashlib.sha256(configured).digest()).decode()


def describe_created(function: Function, account: str, region: str, revision_id: str) -> dict[str, Any]:
    """The answer to CreateFunction: still Pending, under the revision id of that moment."""
    answer = describe(function, account, region)
    del answer["LastUpdateStatus"]
    return answer | {
        "State": "Pending",
        "StateReason": "The function is being created.",
        "StateReasonCode": "Creating",
        "RevisionId": revision_id,
    }


def describe_updated(function: Function, account: str, region: str) -> dict[str, Any]:
    """The answer to an update: in progress; by the next request it is done."""
    return describe(function, account, region) | {
        "LastUpdateStatus": "InProgress",
        "LastUpdateStatusReason": "The function is being created.",
        "LastUpdateStatusReasonCode": "Creating",
    }


def _logging(logging: Logging) -> dict[str, str]:
    answer = {"LogFormat": logging.format, "LogGroup": logging.group}
    if logging.format == "JSON":
        answer["ApplicationLogLevel"] = logging.application_level or "INFO"
        answer["SystemLogLevel"] = logging.system_level or "INFO"
    return answer


@lru_cache(maxsize=256)
def runtime_version_arn(runtime: str, region: str) -> str:
    """The ARN that names the build of a runtime; the same one always for the same runtime."""
    digest = hashlib.sha256(f"kumoi runtime {runtime}".encode()).hexdigest()
    return arn("lambda", region, "", f"runtime:{digest}")


@lru_cache(maxsize=4096)
def timestamp(when: float) -> str:
    """An epoch time as LastModified has it: `2026-01-02T03:04:05.678+0000`."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(when * 1000) % 1000:03d}+0000"


def iso(when: float) -> str:
    """An epoch time as the newer parts of the API have it: `2026-01-02T03:04:05.678123Z`."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def logging_of(name: str, config: Mapping[str, str] | None, current: Logging | None = None) -> Logging:
    """The Logging record that a LoggingConfig asks for, on top of what there is."""
    if config is None:
        return current or Logging(f"/aws/lambda/{name}")
    log_format = config.get("LogFormat", current.format if current else "Text")
    levels = [config[level] for level in ("ApplicationLogLevel", "SystemLogLevel") if level in config]
    if log_format == "Text" and levels:
        raise invalid("The LogLevel cannot be specified when the LogFormat is set to Text.")
    json = log_format == "JSON"
    return Logging(
        config.get("LogGroup", current.group if current else f"/aws/lambda/{name}"),
        log_format,
        config.get("ApplicationLogLevel", current.application_level if current else None) if json else None,
        config.get("SystemLogLevel", current.system_level if current else None) if json else None,
    )


def check(function: Function) -> None:
    """Raise InvalidParameterValueException for what Lambda refuses in a configuration beyond the model's bounds."""
    if function.runtime not in RUNTIMES and not function.code.image:
        raise invalid(
            f"Value {function.runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(RUNTIMES)}] or be a valid ARN"
        )
    _check_bound("timeout", function.timeout, _MAX_TIMEOUT)
    _check_bound("memorySize", function.memory_size, _MAX_MEMORY)
    _check_bound("ephemeralStorage.size", function.tmp_size, _MAX_TMP)
    variables = function.environment or {}
    measured = orjson.dumps(variables)
    if len(measured) > _MAX_ENVIRONMENT:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured.decode()}"
        )
    reserved = sorted(RESERVED_VARIABLES.intersection(variables))
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if not function.handler and not function.code.image:
        raise invalid("Handler is required for functions with PackageType Zip.")


def _check_bound(member: str, value: int, most: int) -> None:
    if value > most:
        raise aws_error(
            "ValidationException" if member != "memorySize" else "InvalidParameterValueException",
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must have value less than or equal to {most}",
        )


def invalid(message: str) -> AwsError:
    """InvalidParameterValueException, as Lambda words most of its refusals."""
    return aws_error("InvalidParameterValueException", message, Type="User")


def is_latest(version: str | None) -> bool:
    """Whether a qualifier means the unpublished version."""
    return version is None or version == LATEST
