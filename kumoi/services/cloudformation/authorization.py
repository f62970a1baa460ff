"""Which permissions CloudFormation's calls need: on a stack, and to hand it the role it deploys in.

Source: "Actions, resources, and condition keys for AWS CloudFormation" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import everything, pass_role


def stack(call: Call) -> str:
    """The stack that a call names by its name or ARN, as policies write it."""
    named = call.params.get("StackName")
    if not isinstance(named, str):
        named = call.params.get("ChangeSetName")
        if not isinstance(named, str) or not named.startswith("arn:"):
            return "*"
    return named if named.startswith("arn:") else call.arn("cloudformation", f"stack/{named}/*")


def with_role(call: Call) -> Iterator[Ask]:
    """The stack, and the role it is handed."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("RoleARN"), "cloudformation.amazonaws.com")


def context(call: Call) -> dict[str, Sequence[str]]:
    """CloudFormation's own condition keys."""
    params = call.params
    members = (
        ("ChangeSetName", "cloudformation:changesetname"),
        ("RoleARN", "cloudformation:rolearn"),
        ("StackPolicyURL", "cloudformation:stackpolicyurl"),
        ("TemplateURL", "cloudformation:templateurl"),
    )
    keys: dict[str, Sequence[str]] = {key: (str(params[member]),) for member, key in members if member in params}
    if isinstance(params.get("ResourceTypes"), list):
        keys["cloudformation:resourcetypes"] = tuple(str(one) for one in params["ResourceTypes"])
    return keys


_WITH_ROLE = (
    "CreateStack",
    "UpdateStack",
    "DeleteStack",
    "CreateChangeSet",
    "ContinueUpdateRollback",
    "RollbackStack",
)

AUTHORIZATION = Authorization(
    "cloudformation",
    resource=stack,
    resources=dict.fromkeys(
        ("EstimateTemplateCost", "ListExports", "ListImports", "ListStacks", "ValidateTemplate"), everything
    ),
    asks=dict.fromkeys(_WITH_ROLE, with_role),
    context=context,
    error="AccessDenied",
)
