"""What the tests of CloudFormation share: stacks that are deployed and waited for."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]


class Stacks:
    """Deploys templates given as values."""

    def __init__(self, kumoi: Any) -> None:
        self.client = kumoi.client("cloudformation", read_timeout=60)

    def deploy(self, name: str, resources: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Create or update a stack; how it is once nothing is under way."""
        sections = {key: options.pop(key) for key in list(options) if key in ("Outputs", "Transform", "Parameters")}
        template = json.dumps({"Resources": resources, **sections})
        act = self.client.update_stack if self.status(name) else self.client.create_stack
        act(StackName=name, TemplateBody=template, Capabilities=CAPABILITIES, **options)
        return self.settled(name)

    def status(self, name: str) -> str | None:
        """The stack's status; None when there is none."""
        try:
            return str(self.client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
        except ClientError:
            return None

    def settled(self, name: str) -> dict[str, Any]:
        """The stack, once nothing is under way."""
        while (found := self.client.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith(
            "_IN_PROGRESS"
        ):
            continue
        return dict(found)

    def delete(self, name: str) -> None:
        """Delete a stack and wait for its end."""
        stack = self.client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
        self.client.delete_stack(StackName=name)
        assert self.settled(stack)["StackStatus"] == "DELETE_COMPLETE", self.reasons(stack)

    def reasons(self, name: str) -> list[str]:
        """Why something happened, the newest first."""
        events = self.client.describe_stack_events(StackName=name)["StackEvents"]
        return [one["ResourceStatusReason"] for one in events if "ResourceStatusReason" in one]

    def outputs(self, name: str) -> dict[str, str]:
        """The stack's outputs."""
        found = self.client.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
        return {one["OutputKey"]: one["OutputValue"] for one in found}


@pytest.fixture
def stacks(kumoi: Any) -> Stacks:
    """The stacks of the test's account."""
    return Stacks(kumoi)


@pytest.fixture
def function(kumoi: Any, zipped: Any) -> Any:
    """Make a Python function of some source; its ARN."""

    def make(name: str, source: str, timeout: int = 60) -> str:
        return str(
            kumoi.client("lambda").create_function(
                FunctionName=name,
                Runtime=f"python3.{sys.version_info.minor}",
                Handler="app.handler",
                Role=f"arn:aws:iam::{kumoi.account}:role/any",
                Timeout=timeout,
                Code={"ZipFile": zipped({"app.py": source})},
            )["FunctionArn"]
        )

    return make
