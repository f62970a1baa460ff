"""Amazon ECR: repositories, with their policies, settings and tags; no images.

Kumoi runs no containers, so nothing is pushed or pulled: deployers (CDK's bootstrap, SAM) make repositories whether an
application has images or not. Rules: the Amazon ECR API reference.
"""

from __future__ import annotations

from kumoi.doorway import Service

ecr = Service(
    "ecr",
    __name__,
    modules=("repositories", "settings"),
    resource=("repositoryName", "resourceArn"),
    authorization="authorization",
    tagged="tagged",
)
