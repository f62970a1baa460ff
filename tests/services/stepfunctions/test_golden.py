"""Golden executions: each file of `golden/` is a machine, its input and the whole history that comes of it.

`KUMOI_WRITE_GOLDEN=1` writes the histories that come instead of comparing them: read what changes before you commit it.
A line of a history is `id type <previous id details`. Times are left out; what differs from run to run is `UUID` or
`TOKEN`, of long texts there is the beginning. That inputs and outputs are not truncated goes without saying.
What tasks answer is mocked as Step Functions Local has it; `steps` are what somebody does once an event is there.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings

GOLDEN = Path(__file__).with_name("golden")
NAMES = sorted(path.stem for path in GOLDEN.glob("*.yaml"))
ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/states"
ACTIVITY = f"arn:aws:states:us-east-1:{ACCOUNT}:activity:work"
TOKEN = re.compile(r"AQC[\w-]{60,}")
LONG = re.compile(r"(\[[\d,]{20})[\d,\[\]]{200,}")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Golden:
    """Executions on a platform in this process, whose clock runs on while they wait."""

    def __init__(self, platform: Platform) -> None:
        self._doorway = platform.parts[Doorway]

    async def ask(self, operation: str, **params: Any) -> Any:
        return await self._doorway.ask("stepfunctions", operation, params, Principal.root(ACCOUNT), "us-east-1")

    async def history(self, name: str, case: dict[str, Any]) -> list[str]:
        """What a case's execution comes to."""
        made = await self.ask("CreateStateMachine", name=name, definition=json.dumps(case["definition"]), roleArn=ROLE)
        test = "#Golden" if "mocks" in case else ""
        machine, given = made["stateMachineArn"], json.dumps(case.get("input", {}))
        started = await self.ask("StartExecution", stateMachineArn=machine + test, name="golden", input=given)
        execution, token, steps = started["executionArn"], None, list(case.get("steps", ()))
        for _ in range(20_000):
            events = await self._events(execution)
            if steps and any(event["type"] == steps[0]["after"] for event in events):
                token = await self._step(steps.pop(0), execution, token) or token
            elif (await self.ask("DescribeExecution", executionArn=execution))["status"] != "RUNNING":
                return [line(event) for event in await self._events(execution)]
            elif not steps:
                self._doorway.clock.advance(1)
            await asyncio.sleep(0.001)
        raise AssertionError(f"{name} does not end: {events}")

    async def _events(self, execution: str) -> list[dict[str, Any]]:
        answer = await self.ask("GetExecutionHistory", executionArn=execution, includeExecutionData=True)
        found: list[dict[str, Any]] = answer["events"]
        return found

    async def _step(self, step: dict[str, Any], execution: str, token: str | None) -> str | None:
        params = dict(step.get("with", {}))
        if step["ask"] == "StopExecution":
            params["executionArn"] = execution
        elif step["ask"].startswith("SendTask"):
            params["taskToken"] = token
        answer = await self.ask(step["ask"], **params)
        return (answer or {}).get("taskToken")


def line(event: dict[str, Any]) -> str:
    """An event as a line."""
    plain = {"id", "type", "previousEventId", "timestamp"}
    details = next((value for key, value in event.items() if key not in plain), None)
    for part in ("input", "output", "assignedVariables"):
        if details and part in details:
            assert details.pop(f"{part}Details") == {"truncated": False}
    shown = "" if details is None else f" {json.dumps(details, sort_keys=True, ensure_ascii=False)}"
    shown = UUID.sub("UUID", TOKEN.sub("TOKEN", LONG.sub(r"\1 …", shown)))
    return f"{event['id']} {event['type']} <{event['previousEventId']}{shown}"


def read(name: str) -> dict[str, Any]:
    """A case."""
    case: dict[str, Any] = yaml.safe_load((GOLDEN / f"{name}.yaml").read_text())
    return case


def mocks() -> dict[str, Any]:
    """The mock file of all cases."""
    document: dict[str, Any] = {"StateMachines": {}, "MockedResponses": {}}
    for name in NAMES:
        states = read(name).get("mocks", {})
        if states:
            document["StateMachines"][name] = {"TestCases": {"Golden": {one: f"{name} {one}" for one in states}}}
            document["MockedResponses"].update({f"{name} {one}": answers for one, answers in states.items()})
    return document


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """The history of each case, all on one platform."""
    file = tmp_path_factory.mktemp("golden") / "mocks.json"
    file.write_text(json.dumps(mocks()))

    async def scenario() -> dict[str, list[str]]:
        async with Platform(Settings(port=0)) as platform:
            golden = Golden(platform)
            await golden.ask("CreateActivity", name="work")
            return {name: await golden.history(name, read(name)) for name in NAMES}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SFN_MOCK_CONFIG", str(file))
        yield asyncio.run(scenario())


@pytest.mark.parametrize("name", NAMES)
def test_golden(histories: dict[str, list[str]], name: str) -> None:
    if os.environ.get("KUMOI_WRITE_GOLDEN"):
        path = GOLDEN / f"{name}.yaml"
        text = path.read_text().partition("history:")[0].rstrip()
        path.write_text(f"{text}\nhistory: |\n" + "".join(f"  {one}\n" for one in histories[name]))
    assert "".join(f"{one}\n" for one in histories[name]) == read(name)["history"]
