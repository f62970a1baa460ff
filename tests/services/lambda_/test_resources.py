"""Functions in templates."""

from __future__ import annotations

import json
import sys
from typing import Any


def template(**properties: Any) -> str:
    function = {
        "Runtime": f"python3.{sys.version_info.minor}",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": "handler = print"},
        **properties,
    }
    return json.dumps({"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": function}}})


def test_a_template_lets_a_function_loop(kumoi: Any, client: Any) -> None:
    stacks = kumoi.client("cloudformation")

    def loop(change: Any, event: str, **properties: Any) -> str:
        change(StackName="s", TemplateBody=template(FunctionName="f", **properties))
        stacks.get_waiter(event).wait(StackName="s", WaiterConfig={"Delay": 1})
        return str(client.get_function_recursion_config(FunctionName="f")["RecursiveLoop"])

    assert loop(stacks.create_stack, "stack_create_complete", RecursiveLoop="Allow") == "Allow"
    drift = stacks.detect_stack_drift(StackName="s")["StackDriftDetectionId"]
    found = stacks.describe_stack_drift_detection_status(StackDriftDetectionId=drift)
    assert found["StackDriftStatus"] == "IN_SYNC"
    assert loop(stacks.update_stack, "stack_update_complete", Timeout=9) == "Terminate"
