"""AWS CodeDeploy for functions: the weight of an alias is shifted from one version to another, step by step.

A deployment runs its hooks and shifts traffic as its configuration says (`rules.py`), each step a timer on the
platform's clock (`execution.py`), stored before it is taken: a crash delays a deployment and does not end it. Servers
and containers are not deployed to. Rules: the CodeDeploy API reference; "Deployments on an AWS Lambda compute platform"
of the user guide.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from kumoi.doorway import Parts, Service

codedeploy = Service(
    "codedeploy",
    __name__,
    modules=(
        "operations.applications",
        "operations.configurations",
        "operations.deployments",
        "operations.groups",
        "operations.tags",
    ),
    authorization="authorization",
    resource=("deploymentId", "deploymentGroupName", "applicationName", "deploymentConfigName"),
)


@codedeploy.lifespan
async def run(parts: Parts) -> AsyncIterator[None]:
    """Keep deployments going while the platform runs."""
    from kumoi.services.codedeploy.execution import register

    register(parts)
    yield
