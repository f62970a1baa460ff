"""The environment variables of an execution environment, composed in Lambda's order: defaults, the user's, reserved.

Rules: "Defined runtime environment variables" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kumoi.services.lambda_.records import Function

_DEFAULTS = {
    "LANG": "en_US.UTF-8",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "TZ": ":UTC",
    "SHLVL": "0",
}


class Credentials(NamedTuple):
    """The role's session credentials inside the function."""

    access_key: str
    secret: str
    token: str


def compose(
    function: Function,
    region: str,
    log_stream: str,
    credentials: Credentials,
    endpoint: str,
    kind: str = "on-demand",
    xray_daemon: str = "",
) -> Mapping[str, str]:
    """Every variable of the environment; `endpoint` lets SDKs inside land on Kumoi unless the user set another.

    `xray_daemon` is where segments go (`host:port`), empty for nowhere.
    """
    variables = {**_DEFAULTS, **_of_runtime(function.runtime), "AWS_ENDPOINT_URL": endpoint}
    if xray_daemon:
        host, _, port = xray_daemon.rpartition(":")
        variables |= {
            "AWS_XRAY_DAEMON_ADDRESS": xray_daemon,
            "_AWS_XRAY_DAEMON_ADDRESS": host,
            "_AWS_XRAY_DAEMON_PORT": port,
        }
    variables["AWS_DISABLE_HOST_PREFIX_INJECTION"] = "true"
    variables.update(function.environment or {})
    variables.update(
        {
            "_HANDLER": function.handler,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
            "AWS_LAMBDA_FUNCTION_VERSION": function.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
            "AWS_LAMBDA_LOG_GROUP_NAME": function.logging.group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret,
            "AWS_SESSION_TOKEN": credentials.token,
            "LAMBDA_TASK_ROOT": "/var/task",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
        }
    )
    if not function.runtime.startswith("provided"):
        variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{function.runtime}"
    if function.logging.format == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.logging.application_level or "INFO"
    return variables


def _of_runtime(runtime: str) -> dict[str, str]:
    """Where a runtime looks for modules."""
    if runtime.startswith("python"):
        return {"PYTHONPATH": "/var/runtime"}
    if runtime.startswith("nodejs"):
        major = runtime.removeprefix("nodejs").removesuffix(".x")
        own = f"/opt/nodejs/node{major}/node_modules"
        return {"NODE_PATH": f"{own}:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"}
    return {}
