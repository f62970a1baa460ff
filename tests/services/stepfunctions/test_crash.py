"""kill -9: what was under way goes on, history and effects as if nothing had happened."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.services.stepfunctions import store
from kumoi.services.stepfunctions.engine import Engine
from kumoi.state import Transaction, transactional
from kumoi.state.once import forget, once
from kumoi.state.sqlite import SqliteState


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


@pytest.mark.slow
def test_executions_outlive_the_platform(killable: Any, machines_of: Callable[[Any], Any]) -> None:
    killable.start()
    queue = killable.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    states = machines_of(killable.client("stepfunctions"))
    arn = states.create(
        machine(
            A={"Type": "Pass", "Assign": {"kept": 7}, "Next": "B"},
            B={
                "Type": "Map",
                "ItemProcessor": machine(
                    C={
                        "Type": "Task",
                        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                        "Parameters": {"QueueUrl": queue, "MessageBody": {"t.$": "$$.Task.Token", "n.$": "$"}},
                        "End": True,
                    }
                ),
                "Next": "D",
            },
            D={"Type": "Wait", "Seconds": 1, "Next": "E"},
            E={"Type": "Pass", "Parameters": {"all.$": "$", "kept.$": "$kept"}, "End": True},
        )
    )
    execution = states.start(arn, [1, 2, 3], name="one")

    def messages() -> list[dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        while len(found) < 3:
            for one in (
                killable.client("sqs")
                .receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20)
                .get("Messages", [])
            ):
                body = json.loads(one["Body"])
                assert body["n"] not in found, "a message was sent twice"
                found[body["n"]] = body
        return [found[number] for number in sorted(found)]

    held = messages()
    states.client.send_task_success(taskToken=held[0]["t"], output='"first"')
    killable.kill()
    killable.start()
    states = machines_of(killable.client("stepfunctions"))
    with pytest.raises(states.client.exceptions.TaskTimedOut):
        states.client.send_task_success(taskToken=held[0]["t"], output='"again"')
    states.client.send_task_success(taskToken=held[2]["t"], output='"third"')
    states.client.send_task_success(taskToken=held[1]["t"], output='"second"')
    states.until(execution, "WaitStateEntered")
    killable.kill()
    killable.start()
    states = machines_of(killable.client("stepfunctions"))
    assert json.loads(states.ended(execution)["output"]) == {"all": ["first", "second", "third"], "kept": 7}
    assert [one["id"] for one in states.events(execution)] == list(range(1, len(states.events(execution)) + 1))
    with pytest.raises(states.client.exceptions.ExecutionAlreadyExists):
        states.start(arn, [1, 2, 3], name="one")


def test_a_call_made_again_under_its_key_happens_once() -> None:
    async def scenario() -> None:
        state = await SqliteState.open(None, clock=Clock())
        try:
            await calls(state)
        finally:
            await state.close()

    async def calls(state: SqliteState) -> None:
        @transactional
        async def count(tx: Transaction) -> dict[str, int]:
            return {"n": await tx.add(("counter",))}

        @transactional
        async def clear(tx: Transaction) -> None:
            await forget(tx, "key")

        with once("key"):
            assert [await count(state), await count(state)] == [{"n": 1}, {"n": 2}]
        with once("key"):
            assert [await count(state), await count(state), await count(state)] == [{"n": 1}, {"n": 2}, {"n": 3}]
        with once("other"):
            assert await count(state) == {"n": 4}
        await clear(state)
        with once("key"):
            assert await count(state) == {"n": 5}
        assert await count(state) == {"n": 6}

    asyncio.run(scenario())


SWEPT = machine(
    A={"Type": "Pass", "Assign": {"kept": 1}, "Next": "B"},
    B={
        "Type": "Parallel",
        "Branches": [
            machine(
                C={
                    "Type": "Task",
                    "Resource": "arn:aws:states:::sqs:sendMessage",
                    "Parameters": {"QueueUrl": "QUEUE", "MessageBody": "from C"},
                    "ResultSelector": {"sent.$": "$.MessageId"},
                    "Next": "D",
                },
                D={"Type": "Wait", "Seconds": 0, "End": True},
            ),
            machine(
                E={
                    "Type": "Task",
                    "Resource": "arn:aws:states:::dynamodb:updateItem",
                    "Parameters": {
                        "TableName": "tab",
                        "Key": {"id": {"S": "1"}},
                        "UpdateExpression": "ADD n :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                        "ReturnValues": "ALL_NEW",
                    },
                    "ResultSelector": {"n.$": "$.Attributes.n.N"},
                    "End": True,
                }
            ),
        ],
        "Next": "F",
    },
    F={
        "Type": "Map",
        "MaxConcurrency": 2,
        "ItemProcessor": machine(
            G={
                "Type": "Task",
                "Resource": "arn:aws:states:::states:startExecution.sync:2",
                "Parameters": {"StateMachineArn": "INNER", "Input.$": "$"},
                "ResultSelector": {"out.$": "$.Output"},
                "End": True,
            }
        ),
        "End": True,
    },
)


def test_a_crash_at_any_commit_changes_nothing(tmp_path: Path) -> None:
    """The scenario is run once undisturbed, then again and again with a crash in place of its first, second … commit:
    those of the execution as it goes on, and those with which the executions that it starts begin.

    A crash here: the commit is not made, and everything in memory is given up; another platform opens the same data.
    """
    undisturbed = asyncio.run(_swept(tmp_path / "calm", crash_at=None))
    assert undisturbed.crashes == 0
    for number in range(1, undisturbed.commits + 1):
        for after in (False, True):
            swept = asyncio.run(_swept(tmp_path / f"{number}{after}", crash_at=number, after=after))
            where = f"a crash {'after' if after else 'before'} commit {number} of {undisturbed.commits}"
            assert swept.crashes == 1, where
            assert swept.history == undisturbed.history, where
            assert swept.messages == ["from C"], where
            assert swept.counter == "1", where
            assert swept.executions == undisturbed.executions == 2, where


@dataclass
class Swept:
    commits: int = 0
    crashes: int = 0
    history: list[Any] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    counter: str = ""
    executions: int = 0


@transactional
async def _kept(tx: Transaction) -> bool:
    """Whether answers of calls are kept to be given again."""
    return bool(await tx.at("", "").range(("state.once",), limit=1))


async def _swept(data: Path, *, crash_at: int | None, after: bool = False) -> Swept:
    swept = Swept()
    crashed = asyncio.Event()

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        async def commit(state: Any, *given: Any) -> Any:
            if getattr(given[0], "name", "") == "one":  # whoever starts the scenario has no answer yet
                return await original(state, *given)
            swept.commits += 1
            if crashed.is_set():
                await asyncio.Event().wait()
            if swept.commits == crash_at:
                if after:
                    await original(state, *given)
                crashed.set()
                await asyncio.Event().wait()
            return await original(state, *given)

        return commit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "commit", counted(store.commit))
        patch.setattr(store, "begin", counted(store.begin))
        async with Platform(Settings(port=0, data=data)) as platform:
            ask = asker(platform)
            await prepare(ask)
            running = asyncio.create_task(_finished(ask))
            await asyncio.wait([running, asyncio.create_task(crashed.wait())], return_when=asyncio.FIRST_COMPLETED)
            running.cancel()
    if crashed.is_set():
        swept.crashes = 1
    async with Platform(Settings(port=0, data=data)) as platform:
        ask = asker(platform)
        await _finished(ask)
        events = (await ask("stepfunctions", "GetExecutionHistory", executionArn=EXECUTION))["events"]
        swept.history = sorted(plain(event) for event in events)
        found = await ask("sqs", "ReceiveMessage", QueueUrl=QUEUE, MaxNumberOfMessages=10)
        swept.messages = [one["Body"] for one in found.get("Messages", ())]
        item = await ask("dynamodb", "GetItem", TableName="tab", Key={"id": {"S": "1"}})
        swept.counter = item["Item"]["n"]["N"]
        assert not await _kept(platform.parts[Doorway].state.at("", "")), "answers are kept for calls that have ended"
        swept.executions = len((await ask("stepfunctions", "ListExecutions", stateMachineArn=INNER))["executions"])
    return swept


QUEUE = "https://sqs.us-east-1.amazonaws.com/000000000000/q"
INNER = "arn:aws:states:us-east-1:000000000000:stateMachine:inner"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:outer:one"
ROLE = "arn:aws:iam::000000000000:role/r"


def asker(platform: Platform) -> Callable[..., Any]:
    doorway = platform.parts[Doorway]

    async def ask(service: str, operation: str, /, **params: Any) -> Any:
        return await doorway.ask(service, operation, params, Principal.root("000000000000"), "us-east-1")

    return ask


async def prepare(ask: Callable[..., Any]) -> None:
    await ask("sqs", "CreateQueue", QueueName="q")
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    types = [{"AttributeName": "id", "AttributeType": "S"}]
    await ask(
        "dynamodb",
        "CreateTable",
        TableName="tab",
        KeySchema=keys,
        AttributeDefinitions=types,
        BillingMode="PAY_PER_REQUEST",
    )
    inner = json.dumps(machine(A={"Type": "Pass", "End": True}))
    await ask("stepfunctions", "CreateStateMachine", name="inner", definition=inner, roleArn=ROLE)
    outer = json.dumps(SWEPT).replace("QUEUE", QUEUE).replace("INNER", INNER)
    made = await ask("stepfunctions", "CreateStateMachine", name="outer", definition=outer, roleArn=ROLE)
    await ask(
        "stepfunctions", "StartExecution", stateMachineArn=made["stateMachineArn"], name="one", input='["a", "b", "c"]'
    )


async def _finished(ask: Callable[..., Any]) -> None:
    while (await ask("stepfunctions", "DescribeExecution", executionArn=EXECUTION))["status"] == "RUNNING":
        await asyncio.sleep(0.005)


def plain(event: dict[str, Any]) -> str:
    """An event without what differs from run to run: times, ids, tokens, and its place among concurrent ones."""
    text = json.dumps({key: one for key, one in event.items() if key not in ("timestamp", "id", "previousEventId")})
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|(Start|Stop)Date\W+\d+|Content-Length.{20}", "", text)


def test_what_nobody_waits_for_is_stopped_after_a_crash(tmp_path: Path) -> None:
    waiting = machine(A={"Type": "Wait", "Seconds": 900, "End": True})
    nesting = machine(
        A={
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync",
            "Parameters": {"StateMachineArn": INNER, "Name": "child"},
            "End": True,
        }
    )
    child = INNER.replace(":stateMachine:", ":execution:") + ":child"

    async def scenario() -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Engine, "_abandon", lambda *_: None)  # the process is gone before the child is stopped
            async with Platform(Settings(port=0, data=tmp_path)) as platform:
                ask = asker(platform)
                for name, definition in (("inner", waiting), ("outer", nesting)):
                    text = json.dumps(definition)
                    await ask("stepfunctions", "CreateStateMachine", name=name, definition=text, roleArn=ROLE)
                outer = INNER.replace(":inner", ":outer")
                await ask("stepfunctions", "StartExecution", stateMachineArn=outer, name="one", input="{}")
                while True:
                    found = await ask("stepfunctions", "GetExecutionHistory", executionArn=EXECUTION)
                    if any(event["type"] == "TaskSubmitted" for event in found["events"]):
                        break
                    await asyncio.sleep(0.005)
                await ask("stepfunctions", "StopExecution", executionArn=EXECUTION)
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            while (found := await ask("stepfunctions", "DescribeExecution", executionArn=child))["status"] == "RUNNING":
                await asyncio.sleep(0.005)
            return str(found["status"])

    assert asyncio.run(asyncio.wait_for(scenario(), 60)) == "ABORTED"
