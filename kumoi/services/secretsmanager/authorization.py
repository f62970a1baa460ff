"""Which permissions the calls of Secrets Manager need: on a secret, which has a policy of its own.

A call knows a secret by its name or an ARN, whole or not; policies know it by its ARN. Source: "Actions, resources, and
condition keys for AWS Secrets Manager" of the service authorization reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kumoi.doorway import Ask, Authorization, Call, Owned
from kumoi.doorway.authorization import EVERYTHING, everything, resource_tags
from kumoi.policy import compile_policy
from kumoi.services.secretsmanager.naming import parse_id
from kumoi.services.secretsmanager.store import seek
from kumoi.wire.errors import AwsError

_UNKNOWN_SUFFIX = "??????"


def secret(call: Call) -> str:
    """The secret that a call names."""
    named = call.params.get("SecretId") or call.params.get("Name")
    if named is None:
        return EVERYTHING
    return _arn(call, str(named))


def batch(call: Call) -> Iterator[Ask]:
    """Each secret of a batch, beside the batch itself."""
    yield Ask("secretsmanager:BatchGetSecretValue", EVERYTHING)
    for one in call.params.get("SecretIdList") or ():
        yield Ask("secretsmanager:GetSecretValue", _arn(call, str(one)))


def context(call: Call) -> dict[str, Sequence[str]]:
    """Secrets Manager's own condition keys."""
    params = call.params
    members = (
        ("SecretId", "secretsmanager:secretid"),
        ("Name", "secretsmanager:name"),
        ("Description", "secretsmanager:description"),
        ("KmsKeyId", "secretsmanager:kmskeyid"),
        ("VersionId", "secretsmanager:versionid"),
        ("VersionStage", "secretsmanager:versionstage"),
        ("RotationLambdaARN", "secretsmanager:rotationlambdaarn"),
        ("BlockPublicPolicy", "secretsmanager:blockpublicpolicy"),
        ("ForceDeleteWithoutRecovery", "secretsmanager:forcedeletewithoutrecovery"),
    )
    keys: dict[str, Sequence[str]] = {}
    for member, key in members:
        if member in params:
            value = params[member]
            keys[key] = (str(value).lower() if isinstance(value, bool) else str(value),)
    return keys


async def owned(call: Call, ask: Ask) -> Owned:
    """A secret's account, ARN, policy and tags."""
    try:
        wanted = parse_id(ask.resource.removesuffix(f"-{_UNKNOWN_SUFFIX}"))
    except AwsError:
        return Owned(call.account)
    account = wanted.account or call.account
    found = await seek(call.doorway.state.at(account, wanted.region or call.region), wanted)
    if found is None:
        return Owned(account)
    policies = () if found.policy is None else (compile_policy(found.policy, "resource", "secret policy"),)
    return Owned(account, policies, found.arn, resource_tags(found.tags))


def _arn(call: Call, named: str) -> str:
    return named if named.startswith("arn:") else call.arn("secretsmanager", f"secret:{named}-{_UNKNOWN_SUFFIX}")


AUTHORIZATION = Authorization(
    "secretsmanager",
    resource=secret,
    resources={"GetRandomPassword": everything, "ListSecrets": everything},
    asks={"BatchGetSecretValue": batch},
    context=context,
    policy=owned,
)
