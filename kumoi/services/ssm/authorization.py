"""Which permissions the calls of Parameter Store need: on each parameter they name.

Source: "Actions, resources, and condition keys for AWS Systems Manager" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Sequence

from kumoi.doorway import Authorization, Call
from kumoi.services.ssm.naming import parameter_arn


def parameters(call: Call) -> str | list[str]:
    """The parameters that a call names by name, ARN or path."""
    params = call.params
    names = params.get("Names")
    if isinstance(names, list):
        return [_arn(call, str(name)) for name in names]
    named = params.get("Name") or params.get("Path") or params.get("ResourceId")
    return "*" if named is None else _arn(call, str(named))


def context(call: Call) -> dict[str, Sequence[str]]:
    """Parameter Store's own condition keys."""
    params = call.params
    return {
        key: (str(params[member]).lower(),)
        for member, key in (("Overwrite", "ssm:overwrite"), ("Recursive", "ssm:recursive"))
        if member in params
    }


def _arn(call: Call, named: str) -> str:
    """A parameter's ARN, without the version or label that a name may end with."""
    if named.startswith("arn:"):
        return ":".join(named.split(":")[:6])
    name = named.partition(":")[0]
    return parameter_arn(call.account, call.region, "" if name == "/" else name.rstrip("/"))


AUTHORIZATION = Authorization(
    "ssm",
    resource=parameters,
    resources={"DescribeParameters": lambda call: call.arn("ssm", "*")},
    context=context,
)
