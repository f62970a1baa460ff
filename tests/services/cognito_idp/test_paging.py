"""Users by the hundred, and what a reset leaves: on a store of one's own."""

from __future__ import annotations

import asyncio

from kumoi.clock import Clock
from kumoi.services.cognito_idp import cognito_idp
from kumoi.services.cognito_idp.paging import page_of_users
from kumoi.services.cognito_idp.records import Place, User, places, users
from kumoi.state import State, Transaction, transactional
from kumoi.state.sqlite import SqliteState


@transactional
async def _fill(tx: Transaction, pool: str, count: int) -> None:
    for number in range(count):
        name = f"user{number:04}"
        made = User(pool=pool, key=name, name=name, sub=name, created=0.0, modified=0.0, status="CONFIRMED")
        await users.put(tx, made)


async def _names(state: State, step: int) -> list[list[str]]:
    pages, token = [], None
    while True:
        shown, more = await page_of_users(state, "p", lambda user: int(user.key[4:]) % step == 0, token, 60, "Token")
        pages.append([user.key for user in shown])
        if not more:
            return pages
        token = more["Token"]


def test_users_are_chosen_page_by_page() -> None:
    async def main() -> None:
        state = (await SqliteState.open(None, clock=Clock())).at("000000000000", "us-east-1")
        await _fill(state, "p", 450)
        await _fill(state, "q", 5)
        assert [len(page) for page in await _names(state, 1)] == [60, 60, 60, 60, 60, 60, 60, 30]
        assert [len(page) for page in await _names(state, 5)] == [60, 30]
        assert (await _names(state, 449)) == [["user0000", "user0449"]]
        await state.close()

    asyncio.run(main())


@transactional
async def _place(tx: Transaction, id: str, account: str) -> None:
    await places.put(tx, Place(id, account, "us-east-1", id))


@transactional
async def _placed(tx: Transaction) -> list[str]:
    return [one.id for one in await places.list(tx)]


def test_a_reset_frees_the_ids_of_the_account_alone() -> None:
    async def main() -> None:
        state = await SqliteState.open(None, clock=Clock())
        await _place(state, "mine", "111111111111")
        await _place(state, "theirs", "222222222222")
        await cognito_idp.reset(None, state, "111111111111")  # type: ignore[arg-type]
        assert await _placed(state) == ["theirs"]
        await cognito_idp.reset(None, state, None)  # type: ignore[arg-type]
        assert await _placed(state) == []
        await state.close()

    asyncio.run(main())
