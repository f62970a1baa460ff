"""Which permissions ECR's calls need: on repositories.

Source: "Actions, resources, and condition keys for Amazon Elastic Container Registry" of the service authorization
reference.
"""

from __future__ import annotations

from kumoi.doorway import Authorization, Call
from kumoi.doorway.authorization import EVERYTHING


def repository(call: Call) -> str | list[str]:
    """The repositories that a call names."""
    params = call.params
    if isinstance(params.get("resourceArn"), str):
        return str(params["resourceArn"])
    if isinstance(params.get("repositoryNames"), list):
        return [call.arn("ecr", f"repository/{name}") for name in params["repositoryNames"]]
    return call.arn("ecr", f"repository/{params['repositoryName']}") if "repositoryName" in params else EVERYTHING


AUTHORIZATION = Authorization("ecr", resource=repository)
