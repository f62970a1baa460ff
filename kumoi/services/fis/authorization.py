"""Which permissions FIS's calls need: on templates, experiments and actions, and to hand over the experiment's role.

Source: "Actions, resources, and condition keys for AWS Fault Injection Service" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role
from kumoi.services.fis.telling import experiment_arn, template_arn


def resource(call: Call) -> str:
    """The template, experiment, action or lever that a call names."""
    params, operation = call.params, call.operation
    if isinstance(params.get("resourceArn"), str):
        return str(params["resourceArn"])
    if "experimentId" in params:
        return experiment_arn(call.account, call.region, str(params["experimentId"]))
    if "experimentTemplateId" in params:
        return template_arn(call.account, call.region, str(params["experimentTemplateId"]))
    named = str(params.get("id", "*"))
    if operation.endswith("ExperimentTemplate"):
        return template_arn(call.account, call.region, named)
    if operation == "GetAction":
        return call.arn("fis", f"action/{named}")
    if "SafetyLever" in operation:
        return call.arn("fis", f"safety-lever/{named}")
    return experiment_arn(call.account, call.region, named) if operation.endswith("Experiment") else EVERYTHING


def with_role(call: Call) -> Iterator[Ask]:
    """The template, its actions, and the role that it is handed."""
    yield from AUTHORIZATION.usual(call)
    actions = call.params.get("actions")
    if isinstance(actions, dict):
        used = {str(one.get("actionId")) for one in actions.values() if isinstance(one, dict) and "actionId" in one}
        for action in sorted(used):
            yield Ask(AUTHORIZATION.action(call.operation), call.arn("fis", f"action/{action}"))
    yield from pass_role(call, call.params.get("roleArn"), "fis.amazonaws.com")


def starting(call: Call) -> Iterator[Ask]:
    """The template, and the experiment that is started from it."""
    action = AUTHORIZATION.action(call.operation)
    yield Ask(action, template_arn(call.account, call.region, str(call.params.get("experimentTemplateId", "*"))))
    yield Ask(action, experiment_arn(call.account, call.region, "*"))


_LISTS = ("ListActions", "ListExperimentTemplates", "ListExperiments", "ListTargetResourceTypes")

AUTHORIZATION = Authorization(
    "fis",
    resource=resource,
    resources=dict.fromkeys(_LISTS, everything),
    asks={
        "CreateExperimentTemplate": with_role,
        "UpdateExperimentTemplate": with_role,
        "StartExperiment": starting,
    },
)
