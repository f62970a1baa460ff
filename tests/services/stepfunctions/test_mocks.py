"""Mock files: what tasks answer in a test case."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.services.stepfunctions.mocks import Mocks

DOCUMENT = {
    "StateMachines": {"m": {"TestCases": {"Late": {"Call": "Second", "Wait": "Done"}}}},
    "MockedResponses": {
        "Second": {"0-1": {"Throw": {"Error": "Busy", "Cause": "later"}}, "2": {"Return": {"Payload": 1}}},
        "Done": {"0": {"Return": {"ok": True}}},
    },
}
MACHINE = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "none"},
            "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}],
            "ResultSelector": {"p.$": "$.Payload"},
            "ResultPath": "$.called",
            "Next": "Wait",
        },
        "Wait": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "none", "MessageBody.$": "$$.Task.Token"},
            "ResultPath": "$.answered",
            "End": True,
        },
    },
}


def test_a_mocked_execution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mocks.json"
    file.write_text(json.dumps(DOCUMENT))
    monkeypatch.setenv("SFN_MOCK_CONFIG", str(file))

    async def scenario() -> tuple[dict[str, Any], list[str]]:
        async with Platform(Settings(port=0)) as platform:
            doorway = platform.parts[Doorway]

            async def ask(operation: str, **params: Any) -> Any:
                caller = Principal.root("000000000000")
                return await doorway.ask("stepfunctions", operation, params, caller, "us-east-1")

            role = "arn:aws:iam::000000000000:role/r"
            made = await ask("CreateStateMachine", name="m", definition=json.dumps(MACHINE), roleArn=role)
            arn = made["stateMachineArn"]
            execution = (await ask("StartExecution", stateMachineArn=f"{arn}#Late"))["executionArn"]
            while (found := await ask("DescribeExecution", executionArn=execution))["status"] == "RUNNING":
                doorway.clock.advance(1)
                await asyncio.sleep(0.01)
            events = (await ask("GetExecutionHistory", executionArn=execution))["events"]
            return found, [event["type"] for event in events]

    ended, kinds = asyncio.run(scenario())
    assert json.loads(ended["output"]) == {"called": {"p": 1}, "answered": {"ok": True}}
    assert kinds.count("TaskFailed") == 2
    assert kinds[-4:] == ["TaskSubmitted", "TaskSucceeded", "TaskStateExited", "ExecutionSucceeded"]


@pytest.mark.parametrize(
    "responses",
    [{"R": {"1": {"Return": 1}}}, {"R": {"0": {}}}, {"R": {"0-1": {"Return": 1}, "3": {"Return": 1}}}, {"S": {}}],
)
def test_files_that_make_no_sense(responses: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"attempts|either|not defined"):
        Mocks.parse({"StateMachines": {"m": {"TestCases": {"c": {"A": "R"}}}}, "MockedResponses": responses})
