"""Whether a Lambda function may be associated with a distribution; AWS's words where it may not.

Source: "Restrictions on Lambda@Edge" and "Set up IAM permissions and roles for Lambda@Edge" of the guide.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import orjson

from kumoi.doorway import Call, Principal
from kumoi.services.cloudfront.configuration.reading import edge_functions
from kumoi.services.cloudfront.errors import invalid
from kumoi.services.cloudfront.naming import REGION
from kumoi.wire.errors import AwsError

logger = logging.getLogger(__name__)

CODE = "InvalidLambdaFunctionAssociation"
MAX_ASSOCIATIONS = 100
_ARN = re.compile(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:(?P<name>[A-Za-z0-9_-]+)"
                  r"(?::(?P<version>[A-Za-z0-9$_-]+))?")  # fmt: skip
_PRINCIPALS = ("lambda.amazonaws.com", "edgelambda.amazonaws.com")
MAX_CODE = 50 * 1024 * 1024
_BOUNDS = {
    "viewer": {"memory": 128, "timeout": 5},
    "origin": {"memory": 10_240, "timeout": 30},
}


async def check_associations(call: Call, config: Mapping[str, Any]) -> None:
    """Raise InvalidLambdaFunctionAssociation for a function that cannot run at the edge."""
    found = list(edge_functions(config))
    if len(found) > MAX_ASSOCIATIONS:
        raise invalid(
            "Your request contains more Lambda function associations than are allowed per distribution.",
            "TooManyLambdaFunctionAssociations",
        )
    for one in found:
        await _check(call, one["LambdaFunctionARN"], one["EventType"])


async def _check(call: Call, arn: str, event: str) -> None:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise _wrong(f"The function ARN is not valid: {arn}", arn)
    if match["region"] != REGION:
        raise _wrong(f"The function must be in region '{REGION}'", arn)
    if match["account"] != call.account:
        raise _wrong("The function must be in the account of the distribution", arn)
    if match["version"] is None or not match["version"].isdigit():
        raise _wrong(
            "The function ARN must reference a specific function version. (The ARN must end with the version number.)",
            arn,
        )
    settings = await _configuration(call, arn, match["name"], match["version"])
    if problem := refusal(settings, event):
        raise _wrong(problem, arn)
    await _check_concurrency(call, arn, match["name"])
    await _check_role(call, settings["Role"])


def refusal(settings: Mapping[str, Any], event: str) -> str | None:
    """What of a function's configuration keeps it from the edge; None where nothing does. Pure."""
    if settings.get("PackageType") == "Image":
        return "The function cannot be a container image"
    runtime = str(settings.get("Runtime", ""))
    if not runtime.startswith(("nodejs", "python")):
        return f"The function runtime is not supported: {runtime}"
    if settings.get("Environment", {}).get("Variables"):
        return "The function cannot have environment variables"
    if settings.get("VpcConfig", {}).get("SubnetIds"):
        return "The function cannot have a VPC configuration"
    if settings.get("DeadLetterConfig", {}).get("TargetArn"):
        return "The function cannot have a dead letter queue"
    if settings.get("Layers"):
        return "The function cannot have layers"
    if settings.get("TracingConfig", {}).get("Mode") == "Active":
        return "The function cannot have active tracing (AWS X-Ray)"
    if "arm64" in settings.get("Architectures", ()):
        return "The function architecture must be x86_64"
    if settings.get("EphemeralStorage", {}).get("Size", 512) > 512:
        return "The function cannot have more than 512 MB of ephemeral storage"
    kind = event.partition("-")[0]
    bounds = _BOUNDS[kind]
    if settings["MemorySize"] > bounds["memory"]:
        return (
            "The function memory size is larger than the maximum allowed size for functions that are triggered by a"
            f" CloudFront event: {settings['MemorySize']} Max allowed: {bounds['memory']}"
        )
    if settings["Timeout"] > bounds["timeout"]:
        return (
            "The function timeout is larger than the maximum allowed timeout for functions that are triggered by a"
            f" CloudFront event: {settings['Timeout']} Max allowed: {bounds['timeout']}"
        )
    if settings.get("CodeSize", 0) > MAX_CODE:
        return (
            "The function code size is larger than the maximum allowed size for functions that are triggered by a"
            f" CloudFront event: {settings['CodeSize']} Max allowed: {MAX_CODE}"
        )
    return None


async def _configuration(call: Call, arn: str, name: str, version: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = await call.doorway.ask(
            "lambda",
            "GetFunctionConfiguration",
            {"FunctionName": name, "Qualifier": version},
            call.caller,
            REGION,
            call.trace,
        )
    except AwsError:
        raise _wrong(
            "Lambda@Edge cannot retrieve the specified Lambda function. Update the IAM policy to add permission:"
            f" lambda:GetFunction for resource: {arn} and try again.",
            "",
        ) from None
    return found


async def _check_concurrency(call: Call, arn: str, name: str) -> None:
    given = {"FunctionName": name}
    looking = Principal.looking(call.account, "lambda", call.node)
    answer = await call.doorway.ask("lambda", "GetFunctionConcurrency", given, looking, REGION, call.trace)
    if answer and answer.get("ReservedConcurrentExecutions") is not None:
        raise _wrong("The function cannot have reserved concurrency", arn)


async def _check_role(call: Call, role: str) -> None:
    """The role must let both services assume it; one that was never created here is only warned of."""
    name = role.rpartition("/")[2]
    try:
        answer = await call.to_as(Principal.looking(call.account, "iam", call.node), "iam", "GetRole", RoleName=name)
    except AwsError:
        logger.warning("the role %s of a Lambda@Edge function does not exist here: AWS would refuse it", role)
        return
    document = answer["Role"]["AssumeRolePolicyDocument"]
    if not trusts(document):
        raise invalid(
            "The function execution role must be assumable with edgelambda.amazonaws.com as well as"
            f" lambda.amazonaws.com principals. Update the IAM role and try again. Role: {role}",
            CODE,
        )


def trusts(document: Any) -> bool:
    """Whether a trust policy lets both principals of Lambda@Edge assume the role. Pure."""
    if isinstance(document, str):
        try:
            document = orjson.loads(unquote(document))
        except orjson.JSONDecodeError:
            return False
    statements = document.get("Statement", [])
    trusted: set[str] = set()
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, Mapping) else list(_PRINCIPALS)
        if statement.get("Effect") == "Allow":
            trusted.update([services] if isinstance(services, str) else services)
    return trusted.issuperset(_PRINCIPALS)


def _wrong(text: str, arn: str) -> Exception:
    return invalid(f"{text} Function: {arn}" if arn else text, CODE)
