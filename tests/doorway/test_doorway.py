"""The guards around a call, with two small services that call one another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kumoi.blobs import MemoryBlobs
from kumoi.clock import Clock
from kumoi.doorway import (
    AuthMode,
    Call,
    CallDropped,
    Doorway,
    Fault,
    Faults,
    Hop,
    HopBatch,
    Hops,
    Identity,
    Parts,
    Principal,
    Registry,
    Service,
    Trace,
)
from kumoi.doorway.hop import TABLE
from kumoi.lake import Lake
from kumoi.state.sqlite import SqliteState
from kumoi.wire.errors import AwsError, aws_error

ACCOUNT = "123456789012"


def services() -> list[Service]:
    shop = Service("shop", "kumoi.services", modules=(), resource=("ItemName",))
    bank = Service("bank", "kumoi.services", modules=())
    gate = Service("gate", "kumoi.services", modules=())

    @shop.operation
    async def buy(call: Call, ItemName: str) -> Any:
        call.meter("items", 2)
        return await call.to("bank", "Pay", Amount=5)

    @bank.operation
    async def pay(call: Call, Amount: int) -> Any:
        if Amount < 0:
            raise aws_error("NotEnough", "there is too little")
        return {"Paid": Amount, "Caller": call.caller.arn, "Account": call.account}

    @bank.operation
    async def stumble(call: Call) -> None:
        raise KeyError("a mistake of ours")

    @gate.operation
    async def enter(call: Call, ItemName: str) -> Any:
        return await call.doorway.hand_on(call, "shop", "Buy", (ACCOUNT, call.region), "shop:here", ItemName=ItemName)

    return [shop, bank, gate]


def run(scenario: Callable[[Doorway], Awaitable[Any]], auth: AuthMode = "off") -> Any:
    async def main() -> Any:
        clock = Clock()
        state = await SqliteState.open(None, clock=clock)
        lake = await Lake.open(None)
        doorway = Doorway(
            Registry(services()),
            state=state,
            blobs=MemoryBlobs(),
            lake=lake,
            clock=clock,
            identity=await Identity.open(state, clock, auth),
            faults=Faults(clock),
            hops=Hops(lake),
            parts=Parts(),
            directory=Path,
        )
        try:
            return await scenario(doorway)
        finally:
            doorway.hops.flush()
            await lake.close()
            await state.close()

    return asyncio.run(main())


def call(doorway: Doorway, operation: str, **params: Any) -> Call:
    service = {"Buy": "shop", "Enter": "gate"}.get(operation, "bank")
    return Call(doorway, service, operation, params, Principal.root(ACCOUNT), ACCOUNT, trace=Trace("1-a-b", "origin"))


def test_a_call_and_the_call_it_makes_leave_two_hops_of_one_trace() -> None:
    async def scenario(doorway: Doorway) -> list[Hop]:
        answer = await doorway.dispatch(call(doorway, "Buy", ItemName="arn:aws:shop:::item/apple"))
        assert answer == {"Paid": 5, "Caller": f"arn:aws:iam::{ACCOUNT}:root", "Account": ACCOUNT}
        return doorway.hops.latest(10)

    inner, outer = run(scenario)
    assert (outer.source, outer.target, outer.operation, outer.outcome) == ("client", "shop:apple", "Buy", "ok")
    assert (inner.source, inner.target, inner.operation, inner.outcome) == ("shop:apple", "bank", "Pay", "ok")
    assert (outer.trace, outer.parent) == ("1-a-b", "origin")
    assert (inner.trace, inner.parent) == ("1-a-b", outer.span)
    assert outer.units == {"requests": 1, "items": 2}
    assert outer.duration_us >= inner.duration_us >= 0


def test_what_was_handed_on_comes_again_as_it_came() -> None:
    async def scenario(doorway: Doorway) -> list[Hop]:
        doorway.faults.add(Fault(action="duplicate", service="shop", resource="here", id="twice"))
        assert (await doorway.dispatch(call(doorway, "Enter", ItemName="apple")))["Paid"] == 5
        return doorway.hops.latest(10)

    hops = run(scenario)
    assert [(hop.service, hop.target, hop.outcome, hop.fault) for hop in hops] == [
        ("bank", "bank", "ok", ""),
        ("bank", "bank", "ok", ""),
        ("shop", "shop:here", "ok", "twice"),
        ("shop", "shop:here", "ok", "twice"),
    ]


def test_errors_pass_and_are_on_the_hop() -> None:
    async def scenario(doorway: Doorway) -> list[Hop]:
        with pytest.raises(AwsError, match="there is too little"):
            await doorway.dispatch(call(doorway, "Pay", Amount=-1))
        return doorway.hops.latest(1)

    assert [hop.outcome for hop in run(scenario)] == ["NotEnough"]


def test_what_a_handler_did_not_foresee_is_an_internal_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(doorway: Doorway) -> AwsError:
        with pytest.raises(AwsError) as failed:
            await doorway.dispatch(call(doorway, "Stumble"))
        return failed.value

    error = run(scenario)
    assert (error.code, error.default_status) == ("InternalFailure", 500)
    assert "a mistake of ours" not in error.message
    assert "a mistake of ours" in caplog.text


def test_a_fault_before_keeps_the_handler_from_running_and_one_after_does_not() -> None:
    async def scenario(doorway: Doorway) -> list[str]:
        doorway.faults.add(Fault(action="fail", error="SlowDown", service="shop", id="before"))
        with pytest.raises(AwsError, match="SlowDown"):
            await doorway.dispatch(call(doorway, "Buy", ItemName="apple"))
        doorway.faults.clear()
        doorway.faults.add(Fault(action="drop", phase="after", service="shop", id="after"))
        with pytest.raises(CallDropped):
            await doorway.dispatch(call(doorway, "Buy", ItemName="apple"))
        return [f"{hop.operation} {hop.outcome} {hop.fault}" for hop in doorway.hops.latest(10)]

    assert run(scenario) == ["Buy SlowDown before", "Pay ok ", "Buy Dropped after"]


def test_who_follows_an_effect_is_told_before_a_fault_holds_the_answer_back() -> None:
    async def scenario(doorway: Doorway) -> list[str]:
        told: list[str] = []
        stop = doorway.hops.follow(told.append, "bank")
        late = Fault(action="delay", delay_ms=900_000, phase="after", service="bank", operation="Pay")
        doorway.faults.add(late)
        waiting = asyncio.create_task(doorway.dispatch(call(doorway, "Pay", Amount=1)))
        while not told:
            await asyncio.sleep(0)
        assert (told, doorway.hops.latest(1)) == (["Pay"], [])
        doorway.clock.advance(900)
        await waiting
        doorway.faults.clear()
        await doorway.dispatch(call(doorway, "Buy", ItemName="apple"))
        stop()
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        return told

    assert run(scenario) == ["Pay", "Pay", "Pay"]


def test_enforcement_without_policies_holds_the_account_boundary() -> None:
    async def scenario(doorway: Doorway) -> None:
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        foreign = call(doorway, "Pay", Amount=1)
        foreign.account = "999999999999"
        with pytest.raises(AwsError, match="is not authorized to perform: bank:Pay"):
            await doorway.dispatch(foreign)

    run(scenario, auth="enforce")


def test_members_that_are_not_built_are_named() -> None:
    async def scenario(doorway: Doorway) -> None:
        with pytest.raises(AwsError, match="does not implement Currency of Pay yet"):
            await doorway.dispatch(call(doorway, "Pay", Amount=1, Currency="EUR"))

    run(scenario)


def test_hops_reach_the_lake() -> None:
    async def scenario(doorway: Doorway) -> tuple[Hop, list[dict[str, Any]]]:
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        doorway.hops.flush()
        return doorway.hops.latest(1)[0], await doorway.lake.scan("hops", account=ACCOUNT, region=None)

    hop, (row,) = run(scenario)
    assert row == {**hop.shown(), "units": "requests=1", "seq": 1}
    assert (row["target"], row["operation"], row["outcome"], row["units"]) == ("bank", "Pay", "ok", "requests=1")
    columns = set(TABLE.columns) - {"units"}
    assert {name: row[name] for name in columns} == {name: getattr(hop, name) for name in columns}


def test_a_listener_hears_of_its_services_from_when_it_begins_until_it_stops() -> None:
    async def scenario(doorway: Doorway) -> list[str]:
        heard = list[str]()

        async def pay() -> None:
            heard.append("-")
            await doorway.dispatch(call(doorway, "Pay", Amount=1))

        await pay()
        stop = doorway.hops.listen(lambda hop: heard.append(hop.operation), ("bank",))
        doorway.hops.listen(lambda hop: heard.append("never"), ("post",))
        await pay()
        stop()
        await pay()
        return heard

    assert run(scenario) == ["-", "-", "Pay", "-"]


def test_a_listener_that_fails_does_not_fail_the_call(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(doorway: Doorway) -> tuple[Any, list[str]]:
        heard = list[str]()

        def stumble(hop: Hop) -> None:
            raise KeyError(hop.operation)

        doorway.hops.listen(stumble)
        doorway.hops.listen(lambda hop: heard.append(hop.operation))
        return await doorway.dispatch(call(doorway, "Pay", Amount=1)), heard

    answer, heard = run(scenario)
    assert (answer["Paid"], heard) == (1, ["Pay"])
    assert "a listener failed at the hop bank Pay" in caplog.text


def test_hops_of_a_kind_are_taken_together() -> None:
    async def scenario(doorway: Doorway) -> list[list[tuple[str, str]]]:
        taken = list[list[tuple[str, str]]]()

        def take(batch: HopBatch) -> None:
            taken.append([*zip(batch.column("operation"), batch.column("outcome"), strict=True)])

        hops = doorway.hops
        stop = hops.take_by_kind(lambda hop: take if hop.operation == "Pay" else None, ("bank",))
        for _ in range(2):
            await doorway.dispatch(call(doorway, "Pay", Amount=1))
            with pytest.raises(AwsError):
                await doorway.dispatch(call(doorway, "Stumble"))
        assert not taken
        hops.hand_over()
        hops.hand_over()
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        hops.flush()  # as once a second
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        hops.clear("another")
        stop()
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        hops.flush()
        return taken

    assert run(scenario) == [[("Pay", "ok")] * 2, [("Pay", "ok")], [("Pay", "ok")]]


def test_who_cannot_take_hops_keeps_them_from_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(doorway: Doorway) -> int:
        taken = list[Hop]()

        def stumble(batch: HopBatch) -> None:
            raise KeyError(batch.first.operation)

        doorway.hops.take_by_kind(lambda _hop: stumble)
        doorway.hops.take_by_kind(lambda _hop: lambda batch: taken.extend(batch.hops))
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        doorway.hops.hand_over()
        return len(taken)

    assert run(scenario) == 1
    assert "hops bank Pay could not be taken" in caplog.text


@pytest.mark.parametrize(("account", "left"), [(ACCOUNT, 0), (None, 0), ("another", 1)])
def test_what_is_cleared_is_not_taken(account: str | None, left: int) -> None:
    async def scenario(doorway: Doorway) -> int:
        taken = list[Hop]()
        doorway.hops.take_by_kind(lambda _hop: lambda batch: taken.extend(batch.hops))
        await doorway.dispatch(call(doorway, "Pay", Amount=1))
        doorway.hops.clear(account)
        doorway.hops.hand_over()
        return len(taken)

    assert run(scenario) == left


def test_a_batch_tells_its_hops_by_columns_and_units() -> None:
    def hop(outcome: str, **units: float) -> Hop:
        ends = ("client", "bank:b", "bank", "Pay")
        return Hop(1, ACCOUNT, "us-east-1", "t", "s", "", *ends, outcome, 10, 1, 2, "r", "", units)

    hops = [hop("ok", requests=1, read=0.5), hop("Refused", requests=1), hop("ok", requests=3, read=2.0), hop("ok")]
    batch = HopBatch(hops)
    assert (len(batch), batch.first, batch.calls) == (4, hops[0], 6)
    assert list(batch.column("outcome")) == ["ok", "Refused", "ok", "ok"]
    assert {unit: list(values) for unit, values in batch.units.items()} == {"requests": [1, 3, 1], "read": [0.5, 2.0]}
    reading, succeeded = batch.having("read"), batch.succeeded
    assert reading is not None and reading.hops == [hops[0], hops[2]]
    assert succeeded is not None and succeeded.hops == [hops[0], *hops[2:]]
    assert reading.succeeded is reading and reading.having("requests") is reading
    assert (list(batch.unit("write")), batch.having("write"), HopBatch(hops[1:2]).succeeded) == ([], None, None)
