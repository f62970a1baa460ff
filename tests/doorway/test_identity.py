from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from kumoi.clock import Clock
from kumoi.doorway import AccessKey, Identity, Principal, access_keys
from kumoi.doorway.identity import AuthMode, InvalidToken, UnknownKey
from kumoi.state import Transaction
from kumoi.state.sqlite import SqliteState

T = TypeVar("T")
ROLE = Principal("123456789012", "arn:aws:sts::123456789012:assumed-role/r/f", "AROAX:f", "lambda:f")


def with_identity(scenario: Callable[[Identity, SqliteState, Clock], Awaitable[T]], mode: AuthMode = "verify") -> T:
    async def run() -> T:
        clock = Clock()
        clock.hold()
        state = await SqliteState.open(None, clock=clock)
        try:
            return await scenario(await Identity.open(state, clock, mode), state, clock)
        finally:
            await state.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("key", "account"),
    [
        ("123456789012", "123456789012"),
        ("test", "000000000000"),
        ("AKIAIOSFODNN7EXAMPLE", "000000000000"),
        (None, "000000000000"),
    ],
)
def test_any_key_is_the_root_of_its_account(key: str | None, account: str) -> None:
    async def scenario(identity: Identity, _state: SqliteState, _clock: Clock) -> Principal:
        return await identity.principal(key, None)

    principal = with_identity(scenario)
    assert (principal.account, principal.arn) == (account, f"arn:aws:iam::{account}:root")


def test_session_credentials_carry_their_principal_and_survive_a_restart() -> None:
    async def scenario(identity: Identity, state: SqliteState, clock: Clock) -> None:
        issued = identity.issue(ROLE, 900)
        again = await Identity.open(state, clock, "verify")
        found = await again.principal(issued.access_key, issued.token)
        assert (found.account, found.arn, found.id, found.source) == (ROLE.account, ROLE.arn, ROLE.id, ROLE.source)
        assert await again.secret(issued.access_key, issued.token, local=False) == issued.secret
        assert again.claims(issued.token, issued.access_key).expires == clock.now() + 900

    with_identity(scenario)


def test_a_token_that_was_tampered_with_is_nobodys() -> None:
    async def scenario(identity: Identity, _state: SqliteState, _clock: Clock) -> None:
        issued = identity.issue(ROLE, 900)
        raw = bytearray(base64.b64decode(issued.token))
        raw[-1] ^= 1
        for token in (base64.b64encode(raw).decode(), "not base64!", "", base64.b64encode(b"short").decode()):
            with pytest.raises(InvalidToken):
                identity.claims(token, issued.access_key)
        with pytest.raises(InvalidToken):
            identity.claims(issued.token, "ASIAAAAAAAAAAAAAAAAA")
        assert (await identity.principal("ASIAAAAAAAAAAAAAAAAA", issued.token)).arn.endswith(":root")

    with_identity(scenario)


def test_sessions_that_are_remembered_are_known_by_key_and_token() -> None:
    async def scenario(identity: Identity, _state: SqliteState, _clock: Clock) -> None:
        one, other = identity.issue(ROLE, 900), identity.issue(ROLE, 900)
        for _ in range(2):
            assert (await identity.principal(one.access_key, one.token)).arn == ROLE.arn
            assert (await identity.principal(other.access_key, one.token)).arn.endswith(":root")
            assert (await identity.principal(one.access_key, one.token[::-1])).arn.endswith(":root")
        for _ in range(1_100):
            issued = identity.issue(ROLE, 900)
            assert (await identity.principal(issued.access_key, issued.token)).access_key == issued.access_key
        assert len(identity._sessions) <= 1024

    with_identity(scenario)


def test_long_term_keys_are_found_until_they_are_forgotten() -> None:
    key = AccessKey("AKIAAAAAAAAAAAAAAAAA", "secret", "123456789012", "arn:aws:iam::123456789012:user/u", "AIDAX")

    async def put(tx: Transaction) -> None:
        await access_keys.put(tx, key)

    async def scenario(identity: Identity, state: SqliteState, _clock: Clock) -> None:
        with pytest.raises(UnknownKey):
            await identity.secret(key.id, None, local=True)
        await state.run(put)
        identity.forget(key.id)
        assert await identity.secret(key.id, None, local=True) == "secret"
        assert (await identity.principal(key.id, None)).arn == key.arn

    with_identity(scenario)


def test_the_secret_that_everybody_knows_opens_an_enforcing_platform_to_its_own_machine_alone() -> None:
    async def scenario(identity: Identity, _state: SqliteState, _clock: Clock) -> None:
        issued = identity.issue(ROLE, 900)
        assert await identity.secret(issued.access_key, issued.token, local=False) == issued.secret
        for key in ("test", "123456789012"):
            assert await identity.secret(key, None, local=True) == "test"
            with pytest.raises(UnknownKey):
                await identity.secret(key, None, local=False)

    with_identity(scenario, "enforce")


def test_a_ticket_is_for_one_purpose_and_a_time() -> None:
    async def scenario(identity: Identity, _state: SqliteState, clock: Clock) -> None:
        ticket = identity.ticket("f/1", clock.now() + 60)
        assert identity.honours(ticket, "f/1")
        assert not identity.honours(ticket, "f/2")
        assert not identity.honours(ticket.replace(".", ".0"), "f/1")
        assert not identity.honours("", "f/1")
        clock.advance(62)
        assert not identity.honours(ticket, "f/1")

    with_identity(scenario)
