"""The outbox: every delivery is tried until it is taken or given up, on the platform's clock, across restarts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kumoi.clock import Clock
from kumoi.delivery import Delivery, DeliveryFailed, Failure, Outbox
from kumoi.delivery.outbox import LANE_WIDTH, LOOK_SECONDS
from kumoi.delivery.retry import RetryPolicy
from kumoi.state import Transaction, transactional
from kumoi.state.sqlite import SqliteState
from kumoi.state.timers import TimerRunner

FAILED = DeliveryFailed("ERROR_FROM_TARGET", "not now", retry=True)


class Target:
    """Notes each try, and answers with the next of `answers` (an error, or None), then takes everything."""

    def __init__(self, *answers: Exception | None) -> None:
        self.answers = list(answers)
        self.tried: list[tuple[str, int]] = []
        self.given_up: list[tuple[str, Failure]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.at_once = self.most_at_once = 0

    async def attempt(self, delivery: Delivery) -> None:
        self.tried.append((delivery.id, delivery.attempts))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.open.wait()
        finally:
            self.at_once -= 1
        if self.answers and (answer := self.answers.pop(0)) is not None:
            raise answer

    async def give_up(self, delivery: Delivery, failure: Failure) -> None:
        self.given_up.append((delivery.id, failure))


HELD = DeliveryFailed("ERROR_FROM_TARGET", "the door is locked", retry=True, held="the door")


class Post:
    """An outbox with a pause of ten seconds, at work; `locked` says what still holds its deliveries up."""

    def __init__(self, state: SqliteState, clock: Clock, target: Target) -> None:
        self.state, self.clock, self.target = state, clock, target
        self.timers = TimerRunner(state, clock)
        self.locked = {"the door"}
        self.outbox = Outbox(
            "post",
            state=state,
            clock=clock,
            timers=self.timers,
            attempt=target.attempt,
            give_up=target.give_up,
            pause=lambda _delivery, _attempts: 10.0,
            lasts=lambda held: held in self.locked,
        )

    async def send(self, *ids: str, policy: RetryPolicy | None = None, account: str = "1") -> None:
        made = [
            Delivery(
                id=one,
                account=account,
                region="r",
                lane="lane",
                content=b"",
                accepted=self.clock.now(),
                policy=policy or RetryPolicy(),
            )
            for one in ids
        ]
        await accept(self.state, self.outbox, made)

    async def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.timers.idle()


@transactional
async def accept(tx: Transaction, outbox: Outbox, deliveries: Sequence[Delivery]) -> None:
    await outbox.accept(tx, deliveries)


@asynccontextmanager
async def working(path: Path | None, clock: Clock, target: Target) -> AsyncIterator[Post]:
    state = await SqliteState.open(path, durability="normal", clock=clock)
    post = Post(state, clock, target)
    await post.outbox.resume()
    await post.timers.start()
    try:
        yield post
    finally:
        await post.timers.stop()
        await post.outbox.stop()
        await state.close()


def run(scenario: Callable[[Post], Awaitable[Any]], *answers: Exception | None) -> None:
    async def main() -> None:
        clock = Clock()
        clock.hold()
        async with working(None, clock, Target(*answers)) as post:
            await scenario(post)

    asyncio.run(main())


def test_what_fails_is_tried_again_after_its_pause() -> None:
    async def scenario(post: Post) -> None:
        await post.send("a")
        await post.outbox.tried(["a"])
        await post.advance(9)
        assert post.target.tried == [("a", 0)]
        await post.advance(1)
        assert post.target.tried == [("a", 0), ("a", 1)]
        await post.advance(1000)
        assert len(post.target.tried) == 2
        assert post.target.given_up == []

    run(scenario, FAILED)


def test_a_timer_that_comes_during_a_try_does_not_shorten_the_pause() -> None:
    async def scenario(post: Post) -> None:
        post.target.open.clear()
        await post.send("a")
        await post.outbox.resume()  # its timer is due at once, while the first try is under way
        waiting = asyncio.create_task(post.timers.idle())
        await asyncio.sleep(0)
        post.target.open.set()
        await waiting
        assert post.target.tried == [("a", 0)]
        await post.advance(10)
        assert post.target.tried == [("a", 0), ("a", 1)]

    run(scenario, FAILED)


@pytest.mark.parametrize(
    ("policy", "exhausted"),
    [(RetryPolicy(retries=2), "MaximumRetryAttempts"), (RetryPolicy(age=25), "MaximumEventAgeInSeconds")],
)
def test_what_goes_on_failing_is_given_up_once(policy: RetryPolicy, exhausted: str) -> None:
    async def scenario(post: Post) -> None:
        await post.send("a", policy=policy)
        await post.outbox.tried(["a"])
        for _ in range(5):
            await post.advance(10)
        assert [attempts for _, attempts in post.target.tried] == [0, 1, 2]
        assert [(one, failure.exhausted) for one, failure in post.target.given_up] == [("a", exhausted)]

    run(scenario, *[FAILED] * 9)


def test_what_is_held_up_is_not_tried_before_that_is_over() -> None:
    async def scenario(post: Post) -> None:
        ids = [str(number) for number in range(600)]
        await post.send(*ids)
        await post.outbox.tried(ids)
        assert len(post.target.tried) == 600
        await post.advance(3600)
        await post.send("later")
        await post.outbox.tried(["later"])
        assert len(post.target.tried) == 601
        post.locked.clear()
        await post.advance(LOOK_SECONDS)
        assert sorted(post.target.tried[601:]) == sorted((one, 0) for one in [*ids, "later"])
        await post.advance(3600)
        assert (len(post.target.tried), post.target.given_up) == (1202, [])

    run(scenario, *[HELD] * 601)


def test_what_is_held_up_for_too_long_is_given_up_once() -> None:
    async def scenario(post: Post) -> None:
        await post.send("a", policy=RetryPolicy(age=3600))
        await post.send("b")
        await post.outbox.tried(["a", "b"])
        for _ in range(130):
            await post.advance(LOOK_SECONDS)
        assert [one for one, _ in post.target.tried] == ["a", "b", "a"]
        assert [(one, failure.exhausted) for one, failure in post.target.given_up] == [
            ("a", "MaximumEventAgeInSeconds")
        ]

    run(scenario, *[HELD] * 9)


def test_what_was_held_up_is_tried_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        clock.hold()
        async with working(tmp_path / "db", clock, Target(HELD)) as post:
            await post.send("a")
            await post.outbox.tried(["a"])
        again = Target()
        async with working(tmp_path / "db", clock, again) as post:
            await post.timers.idle()
            assert again.tried == [("a", 0)]

    asyncio.run(main())


def test_what_cannot_succeed_is_given_up_at_once() -> None:
    async def scenario(post: Post) -> None:
        await post.send("a")
        await post.outbox.tried(["a"])
        await post.advance(1000)
        assert (len(post.target.tried), [one for one, _ in post.target.given_up]) == (1, ["a"])

    run(scenario, DeliveryFailed("NO_RESOURCE", "gone", retry=False))


def test_what_ends_together_is_removed_without_what_cannot_be(tmp_path: Path) -> None:
    async def ended(_tx: Transaction, delivery: Delivery) -> None:
        if delivery.id == "bad":
            raise RuntimeError("nothing can follow it")

    async def main() -> None:
        clock = Clock()
        clock.hold()
        async with working(tmp_path / "db", clock, Target()) as post:
            post.outbox._ended = ended
            await post.send("one", "bad", "two")
            await post.outbox.tried(["one", "bad", "two"])
        again = Target()
        async with working(tmp_path / "db", clock, again) as post:
            await post.timers.idle()
            assert again.tried == [("bad", 0)]

    asyncio.run(main())


def test_a_lane_has_a_width() -> None:
    async def scenario(post: Post) -> None:
        ids = [str(number) for number in range(3 * LANE_WIDTH)]
        post.target.open.clear()
        await post.send(*ids)
        while post.target.at_once < LANE_WIDTH:
            await asyncio.sleep(0)
        post.target.open.set()
        await post.outbox.tried(ids)
        assert post.target.most_at_once == LANE_WIDTH
        assert sorted(one for one, _ in post.target.tried) == sorted(ids)

    run(scenario)


def test_an_account_is_forgotten_without_the_others() -> None:
    async def scenario(post: Post) -> None:
        await post.send("mine", account="1")
        await post.send("theirs", account="2")
        await post.outbox.tried(["mine", "theirs"])
        await post.outbox.forget("1")
        await post.outbox.resume()
        await post.advance(10)
        assert [one for one, attempts in post.target.tried if attempts == 1] == ["theirs"]

    run(scenario, FAILED, FAILED)


def test_what_was_under_way_or_waiting_at_the_end_is_tried_after_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        clock.hold()
        first = Target(FAILED)
        async with working(tmp_path / "db", clock, first) as post:
            await post.send("waiting")
            await post.outbox.tried(["waiting"])
            first.open.clear()
            await post.send("under way")
            while not first.at_once:
                await asyncio.sleep(0)
        second = Target()
        async with working(tmp_path / "db", clock, second) as post:
            await post.timers.idle()
            assert second.tried == [("under way", 0)]
            await post.advance(10)
            assert second.tried == [("under way", 0), ("waiting", 1)]
        third = Target()
        async with working(tmp_path / "db", clock, third) as post:
            await post.advance(1000)
            assert third.tried == []

    asyncio.run(main())
