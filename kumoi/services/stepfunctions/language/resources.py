"""Which resources a Task may name: `arn:aws:states:::sqs:sendMessage.waitForTaskToken` and its like. Pure.

Source: "Integrating services with Step Functions" and "Learning to use AWS service SDK integrations".
"""

from __future__ import annotations

import re
from typing import NamedTuple

OPTIMIZED: dict[str, frozenset[str]] = {
    "lambda:invoke": frozenset({"", ".waitForTaskToken"}),
    "sqs:sendMessage": frozenset({"", ".waitForTaskToken"}),
    "sns:publish": frozenset({"", ".waitForTaskToken"}),
    "dynamodb:getItem": frozenset({""}),
    "dynamodb:putItem": frozenset({""}),
    "dynamodb:updateItem": frozenset({""}),
    "dynamodb:deleteItem": frozenset({""}),
    "events:putEvents": frozenset({"", ".waitForTaskToken"}),
    "states:startExecution": frozenset({"", ".sync", ".sync:2", ".waitForTaskToken"}),
    "http:invoke": frozenset({""}),
}
"""The optimized integrations that Kumoi makes, with the patterns each has."""
OTHERS = frozenset(
    f"{service}:{action}"
    for service, actions in {
        "apigateway": "invoke",
        "athena": "startQueryExecution stopQueryExecution getQueryExecution getQueryResults",
        "batch": "submitJob",
        "bedrock": "invokeModel createModelCustomizationJob",
        "codebuild": "startBuild stopBuild batchDeleteBuilds batchGetReports",
        "databrew": "startJobRun",
        "ecs": "runTask",
        "eks": "call createCluster deleteCluster createNodegroup deleteNodegroup",
        "elasticmapreduce": "createCluster terminateCluster addStep cancelStep",
        "glue": "startJobRun",
        "mediaconvert": "createJob",
        "sagemaker": "createTrainingJob createTransformJob createEndpoint createModel",
    }.items()
    for action in actions.split()
)
"""Optimized integrations of AWS that Kumoi does not make: a task of one fails with an error that says so."""
_LAMBDA = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:[a-zA-Z0-9-_]+(?::[a-zA-Z0-9$_-]+)?", re.ASCII)
_ACTIVITY = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:activity:\S{1,80}")
_SERVICE = re.compile(
    r"arn:aws[a-z-]*:states:(?P<region>[a-z0-9-]*):(?P<account>\d*):(?P<service>aws-sdk:[a-zA-Z0-9]+|[a-z0-9]+)"
    r":(?P<action>[a-zA-Z0-9]+)(?P<pattern>\.sync:2|\.sync|\.waitForTaskToken)?",
    re.ASCII,
)


class Resource(NamedTuple):
    """What a Resource names. `kind` is function, activity or service; `type` and `action` as histories show them."""

    arn: str
    kind: str
    type: str = ""
    action: str = ""
    pattern: str = ""

    @property
    def name(self) -> str:
        """The action with its pattern."""
        return self.action + self.pattern

    @property
    def waits(self) -> bool:
        """Whether the task goes on after its call was answered: for a callback or a job's end."""
        return bool(self.pattern)


def parse_resource(arn: str) -> Resource | None:
    """Read a Resource; None when no task can have it."""
    if _LAMBDA.fullmatch(arn):
        return Resource(arn, "function")
    if _ACTIVITY.fullmatch(arn):
        return Resource(arn, "activity")
    match = _SERVICE.fullmatch(arn)
    if match is None:
        return None
    service, action, pattern = match["service"], match["action"], match["pattern"] or ""
    if service.startswith("aws-sdk:"):
        return None if pattern.startswith(".sync") else Resource(arn, "service", service, action, pattern)
    name = f"{service}:{action}"
    if name in OTHERS or pattern in OPTIMIZED.get(name, frozenset()):
        return Resource(arn, "service", service, action, pattern)
    return None
