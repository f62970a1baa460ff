"""What comes at the same moment: one of two workers is served, the other is told; and nobody waits for JSONata."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kumoi.clock import Clock
from kumoi.doorway import Doorway, Principal
from kumoi.platform import Platform, Settings
from kumoi.services.stepfunctions import engine
from kumoi.services.stepfunctions.engine import Engine
from kumoi.services.stepfunctions.map_plan import MapPlans
from kumoi.services.stepfunctions.map_records import (
    CHUNK,
    MapChild,
    MapRunRecord,
    Tally,
    children_of,
    count,
    put_children,
    put_run,
    redrive_run,
    set_some_back,
)
from kumoi.services.stepfunctions.operations import trials
from kumoi.services.stepfunctions.trial import Trial
from kumoi.state.sqlite import SqliteState
from kumoi.wire import AwsError

ARN = "arn:aws:states:us-east-1:000000000000"
ACTIVITY = f"{ARN}:activity:work"
EXECUTION = f"{ARN}:execution:m:one"
Ask = Callable[..., Awaitable[Any]]


def asker(platform: Platform) -> Ask:
    def ask(operation: str, **params: Any) -> Awaitable[Any]:
        caller = Principal.root("000000000000")
        return platform.parts[Doorway].ask("stepfunctions", operation, params, caller, "us-east-1")

    return ask


async def begun(ask: Ask) -> None:
    """An execution that waits for a worker."""
    await ask("CreateActivity", name="work")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": ACTIVITY, "End": True}}})
    await ask("CreateStateMachine", name="m", definition=definition, roleArn="arn:aws:iam::000000000000:role/r")
    await ask("StartExecution", stateMachineArn=f"{ARN}:stateMachine:m", name="one")


def test_after_a_restart_an_activity_s_task_still_goes_to_one_worker(tmp_path: Path) -> None:
    async def scenario() -> int:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            await begun(ask)
            while len((await ask("GetExecutionHistory", executionArn=EXECUTION))["events"]) < 3:
                await asyncio.sleep(0.005)
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            driver = await platform.parts[Engine].driver(EXECUTION)
            assert driver is not None
            await driver.post(lambda _: None)  # it has been taken up
            workers = [asyncio.ensure_future(ask("GetActivityTask", activityArn=ACTIVITY)) for _ in range(2)]
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(workers, timeout=0.1)
            served = sum(worker.done() for worker in workers)
            for worker in workers:
                worker.cancel()
            return served

    assert asyncio.run(asyncio.wait_for(scenario(), 60)) == 1


def test_of_two_reports_of_one_task_one_is_refused(tmp_path: Path) -> None:
    async def scenario() -> tuple[list[Any], Any]:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            await begun(ask)
            token = (await ask("GetActivityTask", activityArn=ACTIVITY))["taskToken"]
            reports = [ask("SendTaskSuccess", taskToken=token, output=str(number)) for number in range(2)]
            answers = await asyncio.gather(*reports, return_exceptions=True)
            return answers, await ask("DescribeExecution", executionArn=EXECUTION)

    answers, ended = asyncio.run(asyncio.wait_for(scenario(), 60))
    (refused,) = [one for one in answers if isinstance(one, AwsError)]
    assert refused.code == "TaskTimedOut"
    assert int(ended["output"]) == next(number for number, one in enumerate(answers) if one == {})


@pytest.mark.parametrize(("where", "part"), [(Trial, "attempt"), (trials, "inspect")])
def test_a_trial_that_takes_long_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, part: str
) -> None:
    begun, others, done = threading.Event(), threading.Event(), getattr(where, part)

    def long(*given: Any, **more: Any) -> Any:
        begun.set()
        assert others.wait(60), "nobody else is answered meanwhile"
        return done(*given, **more)

    monkeypatch.setattr(where, part, long)

    async def scenario() -> str:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            state = json.dumps({"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% 1 + 1 %}", "End": True})
            trial = asyncio.ensure_future(ask("TestState", definition=state, inspectionLevel="DEBUG"))
            while not begun.is_set():
                await asyncio.sleep(0)
            await ask("ListActivities")
            others.set()
            return str((await trial)["output"])

    assert asyncio.run(asyncio.wait_for(scenario(), 120)) == "2"


def test_the_items_of_a_map_run_are_selected_on_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []
    selected = MapPlans.selected

    def noting(*given: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return selected(*given)

    monkeypatch.setattr(MapPlans, "selected", noting)
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "B",
        "States": {"B": {"Type": "Pass", "End": True}},
    }
    mapping = {"Type": "Map", "ItemProcessor": processor, "End": True}

    async def scenario() -> Any:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            definition = json.dumps({"StartAt": "A", "States": {"A": mapping}})
            await ask("CreateStateMachine", name="m", definition=definition, roleArn="arn:aws:iam::000000000000:role/r")
            await ask("StartExecution", stateMachineArn=f"{ARN}:stateMachine:m", name="one", input="[1, 2]")
            while (found := await ask("DescribeExecution", executionArn=EXECUTION))["status"] == "RUNNING":
                await asyncio.sleep(0.005)
            return found["output"]

    assert asyncio.run(asyncio.wait_for(scenario(), 60)) == "[1,2]"
    assert threads == [False, False]


def test_an_execution_that_is_redriven_as_it_is_stopped_goes_on(tmp_path: Path) -> None:
    """Stopping its map run takes longer than the stop: the redrive waits for it, and goes on with that very run."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "B",
        "States": {"B": {"Type": "Task", "Resource": ACTIVITY, "End": True}},
    }
    mapping = {"Type": "Map", "ItemProcessor": processor, "End": True}

    async def scenario() -> tuple[list[Any], Any, Any]:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            await ask("CreateActivity", name="work")
            definition = json.dumps({"StartAt": "A", "States": {"A": mapping}})
            await ask("CreateStateMachine", name="m", definition=definition, roleArn="arn:aws:iam::000000000000:role/r")
            await ask("StartExecution", stateMachineArn=f"{ARN}:stateMachine:m", name="one", input="[1, 2, 3]")
            await ask("GetActivityTask", activityArn=ACTIVITY)
            await ask("StopExecution", executionArn=EXECUTION)
            await ask("RedriveExecution", executionArn=EXECUTION)
            for _ in range(3):
                task = await ask("GetActivityTask", activityArn=ACTIVITY)
                await ask("SendTaskSuccess", taskToken=task["taskToken"], output=task["input"])
            while (ended := await ask("DescribeExecution", executionArn=EXECUTION))["status"] == "RUNNING":
                await asyncio.sleep(0.005)
            runs = (await ask("ListMapRuns", executionArn=EXECUTION))["mapRuns"]
            return runs, ended, await ask("DescribeMapRun", mapRunArn=runs[0]["mapRunArn"])

    runs, ended, run = asyncio.run(asyncio.wait_for(scenario(), 60))
    assert len(runs) == 1
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "[1,2,3]")
    assert (run["status"], run["redriveCount"], run["executionCounts"]["succeeded"]) == ("SUCCEEDED", 1, 3)


def test_the_children_of_a_redriven_run_are_set_back_some_at_a_time(tmp_path: Path) -> None:
    """Also where the platform ends meanwhile; by then all that failed are told as waiting."""
    run = MapRunRecord(
        arn=f"{ARN}:mapRun:m/Map:1", execution=EXECUTION, status="FAILED", started=1.0, concurrency=1, express=False
    )
    statuses = ["SUCCEEDED", "PENDING", "FAILED", "ABORTED"] * (CHUNK // 2)
    children = [
        MapChild(map_run=run.arn, index=index, arn=f"{run.arn}:{index}", input="1", items=1, status=status, error="e")
        for index, status in enumerate(statuses)
    ]

    async def scenario() -> None:
        state = await SqliteState.open(tmp_path / "db", clock=Clock())
        place = state.at("000000000000", "us-east-1")
        await put_run(place, msgspec.structs.replace(run, total=len(children)))
        await put_children(place, children)
        assert await redrive_run(place, EXECUTION, "Map") == run.arn
        steps = [await set_some_back(place, run.arn)]
        await state.close()
        state = await SqliteState.open(tmp_path / "db", clock=Clock())
        place = state.at("000000000000", "us-east-1")
        tally: Tally = {}
        async for chunk in children_of(place, run.arn):
            for child in chunk:
                count(tally, child, 1, steps[0].redriving)
        assert tally == dict.fromkeys(("SUCCEEDED", "PENDING"), (CHUNK // 2,) * 2) | {"PENDING_REDRIVE": (CHUNK,) * 2}
        while steps[-1].redriving is not None:
            steps.append(await set_some_back(place, run.arn))
        assert [one.redriving for one in steps] == [CHUNK - 1, 2 * CHUNK - 1, None]
        after = [child async for chunk in children_of(place, run.arn) for child in chunk]
        assert [(one.status, one.again, one.redrives) for one in after[:4]] == [
            ("SUCCEEDED", False, 0), ("PENDING", False, 0), ("PENDING", True, 1), ("PENDING", True, 1),
        ]  # fmt: skip
        assert [(one.status, one.again, one.redrives) for one in after[-4:]] == [
            (one.status, one.again, one.redrives) for one in after[:4]
        ]
        await state.close()

    asyncio.run(scenario())


def test_an_execution_is_stopped_before_its_redrive_has_taken_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> Any:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask = asker(platform)
            await begun(ask)
            await ask("StopExecution", executionArn=EXECUTION)
            taken, take_up = asyncio.Event(), Engine.take_up

            async def late(*place: Any) -> Any:
                if not taken.is_set():
                    taken.set()
                    await asyncio.Event().wait()
                return await take_up(*place)

            monkeypatch.setattr(Engine, "take_up", late)
            redriving = asyncio.ensure_future(ask("RedriveExecution", executionArn=EXECUTION))
            await taken.wait()
            stopped = await ask("StopExecution", executionArn=EXECUTION)
            redriving.cancel()
            found = await ask("DescribeExecution", executionArn=EXECUTION)
            assert found["stopDate"] == stopped["stopDate"]
            return found

    found = asyncio.run(asyncio.wait_for(scenario(), 60))
    assert (found["status"], found["redriveCount"]) == ("ABORTED", 1)


def test_an_execution_that_waits_is_put_away_and_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None stays in memory here: a worker, a beat, a report, a timer and a stop all find theirs."""
    monkeypatch.setattr(engine, "RESIDENT", 0)
    waiting = {"Type": "Task", "Resource": ACTIVITY, "HeartbeatSeconds": 600, "Assign": {"kept": 7}, "Next": "B"}
    states = {"A": waiting, "B": {"Type": "Wait", "Seconds": 1, "Next": "C"}}
    last = {"Type": "Pass", "Parameters": {"kept.$": "$kept", "got.$": "$"}, "End": True}
    each = {"StartAt": "A", "States": {**states, "C": last}}
    definition = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": each, "End": True}}}

    async def scenario() -> list[Any]:
        async with Platform(Settings(port=0, data=tmp_path)) as platform:
            ask, drivers = asker(platform), platform.parts[Engine].drivers
            await ask("CreateActivity", name="work")
            text = json.dumps(definition)
            await ask("CreateStateMachine", name="m", definition=text, roleArn="arn:aws:iam::000000000000:role/r")
            for name in ("one", "two"):
                await ask("StartExecution", stateMachineArn=f"{ARN}:stateMachine:m", name=name, input="[0, 1]")
            for number in range(2):
                task = await ask("GetActivityTask", activityArn=ACTIVITY)
                assert not drivers
                await ask("SendTaskHeartbeat", taskToken=task["taskToken"])
                assert not drivers
                await ask("SendTaskSuccess", taskToken=task["taskToken"], output=str(number))
            await ask("StopExecution", executionArn=EXECUTION.replace(":one", ":two"))
            while (found := await ask("DescribeExecution", executionArn=EXECUTION))["status"] == "RUNNING":
                await asyncio.sleep(0.005)
            return [found, await ask("DescribeExecution", executionArn=EXECUTION.replace(":one", ":two"))]

    one, two = asyncio.run(asyncio.wait_for(scenario(), 60))
    assert (one["status"], json.loads(one["output"])) == ("SUCCEEDED", [{"kept": 7, "got": 0}, {"kept": 7, "got": 1}])
    assert two["status"] == "ABORTED"
