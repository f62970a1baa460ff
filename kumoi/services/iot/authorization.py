"""Which permissions calls to the registry and to rules need: on the thing, type or rule, and on the roles rules act in.

Source: "Actions, resources, and condition keys for AWS IoT" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kumoi.doorway import Ask, Authorization, Call
from kumoi.doorway.authorization import EVERYTHING, everything, pass_role

_NAMED = (
    ("thingName", "thing"),
    ("ruleName", "rule"),
    ("thingTypeName", "thingtype"),
    ("policyName", "policy"),
    ("thingGroupName", "thinggroup"),
    ("certificateId", "cert"),
    ("jobId", "job"),
    ("caCertificateId", "cacert"),
    ("templateName", "provisioningtemplate"),
    ("authorizerName", "authorizer"),
    ("roleAlias", "rolealias"),
)
_OF_CA = ("DescribeCACertificate", "UpdateCACertificate", "DeleteCACertificate")
_ON_EVERYTHING = (
    *(
        "ListThings",
        "ListThingTypes",
        "ListThingGroups",
        "ListTopicRules",
        "ListJobs",
        "DescribeEndpoint",
        "TestAuthorization",
    ),
    *("ListPolicies", "ListCertificates", "ListCACertificates", "GetRegistrationCode", "CreateKeysAndCertificate"),
    *("CreateCertificateFromCsr", "RegisterCertificate", "RegisterCertificateWithoutCA", "RegisterCACertificate"),
    *("ListPrincipalThings", "ListPrincipalThingsV2", "ListPrincipalPolicies", "ListProvisioningTemplates"),
    *("RegisterThing", "ListAuthorizers", "ListRoleAliases", "DescribeDefaultAuthorizer", "ClearDefaultAuthorizer"),
)


def resource(call: Call) -> str:
    """What a call names: a thing, rule, type, policy, group, certificate; a target or tagged resource by its ARN."""
    for member, kind in _NAMED:
        if member in call.params:
            return call.arn("iot", f"{kind}/{call.params[member]}")
    for member in ("target", "resourceArn"):
        if member in call.params:
            return str(call.params[member])
    return EVERYTHING


def ca_certificate(call: Call) -> str:
    """The CA that a call names."""
    return call.arn("iot", f"cacert/{call.params.get('certificateId', '')}")


def role_alias(call: Call) -> str:
    """The role alias that a device asks credentials for."""
    return call.arn("iot", f"rolealias/{call.params.get('roleAlias', '')}")


def thing_and_group(call: Call) -> Iterator[str]:
    """The thing and the group that a call names, by name or ARN."""
    for name, arn, kind in (("thingName", "thingArn", "thing"), ("thingGroupName", "thingGroupArn", "thinggroup")):
        if name in call.params:
            yield call.arn("iot", f"{kind}/{call.params[name]}")
        elif arn in call.params:
            yield str(call.params[arn])


def job_and_thing(call: Call) -> Iterator[str]:
    """The job and the thing that a call names."""
    for name, kind in (("jobId", "job"), ("thingName", "thing")):
        if name in call.params:
            yield call.arn("iot", f"{kind}/{call.params[name]}")


def job_and_targets(call: Call) -> Iterator[str]:
    """The job, and what it is for."""
    yield call.arn("iot", f"job/{call.params.get('jobId', '')}")
    yield from (str(one) for one in call.params.get("targets") or ())


def rule_with_roles(call: Call) -> Iterator[Ask]:
    """The rule, and the roles that its actions are handed."""
    yield from AUTHORIZATION.usual(call)
    payload = call.params.get("topicRulePayload")
    if isinstance(payload, Mapping):
        actions = [*(payload.get("actions") or ()), payload.get("errorAction")]
        roles = [one.get("roleArn") for action in actions for one in _settings(action)]
        for role in dict.fromkeys(roles):
            yield from pass_role(call, role, "iot.amazonaws.com")


def template_with_role(call: Call) -> Iterator[Ask]:
    """The provisioning template, and the role that devices are provisioned in."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("provisioningRoleArn"), "iot.amazonaws.com")


def alias_with_role(call: Call) -> Iterator[Ask]:
    """The role alias, and the role that it names."""
    yield from AUTHORIZATION.usual(call)
    yield from pass_role(call, call.params.get("roleArn"), "credentials.iot.amazonaws.com")


def _settings(action: object) -> list[Mapping[str, str]]:
    return [one for one in action.values() if isinstance(one, Mapping)] if isinstance(action, Mapping) else []


AUTHORIZATION = Authorization(
    "iot",
    resource=resource,
    resources={
        **dict.fromkeys(_ON_EVERYTHING, everything),
        **dict.fromkeys(_OF_CA, ca_certificate),
        "AssumeRoleWithCertificate": role_alias,
        **dict.fromkeys(("DescribeJobExecution", "CancelJobExecution", "DeleteJobExecution"), job_and_thing),
        **dict.fromkeys(("CreateJob", "AssociateTargetsWithJob"), job_and_targets),
        **dict.fromkeys(("AddThingToThingGroup", "RemoveThingFromThingGroup"), thing_and_group),
    },
    asks={
        **dict.fromkeys(("CreateTopicRule", "ReplaceTopicRule"), rule_with_roles),
        **dict.fromkeys(("CreateProvisioningTemplate", "UpdateProvisioningTemplate"), template_with_role),
        **dict.fromkeys(("CreateRoleAlias", "UpdateRoleAlias"), alias_with_role),
    },
    error="UnauthorizedException",
)
