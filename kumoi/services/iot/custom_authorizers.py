"""Custom authorizers at work: which one a client means, what its function says, and who the client is then.

A client tells an authorizer's name and neither account nor region, where AWS's endpoint does: the one of that name is
taken that is active, first in the account that the client's user name means.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

import orjson

from kumoi.doorway import Call, CallDropped, Doorway, Principal, Session
from kumoi.names import DEFAULT_REGION, arn, uuid
from kumoi.services.iot.access_records import DEFAULT_FOR_ALL, Authorizer, authorizer_places, authorizers
from kumoi.services.iot.authorizer_rules import NAME, SIGNATURE, NotAnswered, Presented, Verdict, event, signed, verdict
from kumoi.services.iot.functions import FunctionFailed, said
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError
from kumoi.wire.http import Request

logger = logging.getLogger(__name__)

SECONDS = 5.0
"""How long a function has."""
MOST_CACHED = 10_000


class Refused(Exception):
    """A client is not let in; says why."""


class Found(NamedTuple):
    """An authorizer, and where it is."""

    authorizer: Authorizer
    account: str
    region: str

    @property
    def arn(self) -> str:
        """Its ARN."""
        return arn("iot", self.region, self.account, f"authorizer/{self.authorizer.name}")


class Admitted(NamedTuple):
    """A client that an authorizer lets in, for so many seconds at most; after others it is asked again."""

    principal: Principal
    disconnect_after: int
    refresh_after: int


class CustomAuthorizers:
    """Asks the functions of authorizers about clients."""

    def __init__(self, doorway: Doorway) -> None:
        self._doorway = doorway
        self._cached: dict[tuple[str, float, tuple[str, int]], tuple[Verdict, float]] = {}

    async def admit(self, shown: Presented) -> Admitted | None:
        """Who a client is by the authorizer that it names, or by the default one; None where there is neither.

        Raises Refused.
        """
        found = await self._found(shown)
        return None if found is None else _admitted(found, await self._verdict(found, shown))

    async def over_https(self, request: Request) -> Principal | None:
        """Who publishes over HTTPS, as `admit`."""
        headers = {name.lower(): value for name, value in request.headers.items}
        shown = Presented(
            ("tls", "http") if request.scheme == "https" else ("http",), headers=headers, query=request.query
        )
        found = await self._found(shown)
        if found is None:
            return None
        if not found.authorizer.cached:
            return _admitted(found, await self._verdict(found, shown)).principal
        key = (found.arn, found.authorizer.modified, request.client)
        now = self._doorway.clock.now()
        answer, until = self._cached.get(key, (None, 0.0))
        if answer is None or until <= now:
            answer = await self._verdict(found, shown)
            if len(self._cached) >= MOST_CACHED:
                self._cached.clear()
            self._cached[key] = answer, now + answer.refresh_after
        return _admitted(found, answer).principal

    async def ask_in(
        self, call: Call, authorizer: Authorizer, shown: Presented, token: str | None, *, verified: bool
    ) -> Any:
        """What an authorizer's function says, asked within a call."""
        caller = _caller(Found(authorizer, call.account, call.region))
        params = _invocation(authorizer, shown, token, verified=verified)
        async with asyncio.timeout(SECONDS):
            return await said(await call.to_as(caller, "lambda", "Invoke", **params))

    async def _found(self, shown: Presented) -> Found | None:
        named = shown.given(NAME)
        key = (shown.username or "").partition("?")[0]
        account = (await self._doorway.identity.principal(key or None, None)).account
        found = await _find(self._doorway.state.at(account, DEFAULT_REGION), named)
        if found is None and named is not None:
            raise Refused(f"there is no active authorizer {named}")
        return found

    async def _verdict(self, found: Found, shown: Presented) -> Verdict:
        authorizer = found.authorizer
        token = None if authorizer.token_key is None else shown.given(authorizer.token_key)
        signature = shown.given(SIGNATURE)
        verified = token is not None and signature is not None and signed(authorizer.keys, token, signature)
        if not authorizer.unsigned and not verified:
            raise Refused(f"its token for the authorizer {authorizer.name} is not signed")
        params = _invocation(authorizer, shown, token, verified=verified)
        try:
            async with asyncio.timeout(SECONDS):
                told = await self._doorway.ask("lambda", "Invoke", params, _caller(found), found.region)
                answer = verdict(await said(told))
        except (NotAnswered, FunctionFailed, AwsError, CallDropped, TimeoutError) as error:
            logger.warning("the authorizer %s gave no valid response: %s", authorizer.name, error)
            raise Refused(f"the authorizer {authorizer.name} gave no valid response: {error}") from None
        if answer is None:
            raise Refused(f"the authorizer {authorizer.name} does not let it in")
        return answer


def _admitted(found: Found, answer: Verdict) -> Admitted:
    """The client, whose policies are those of the verdict alone."""
    principal = Principal(
        found.account,
        found.arn,
        answer.principal,
        session=Session(policies=answer.policies),
        region=found.region,
    )
    return Admitted(principal, answer.disconnect_after, answer.refresh_after)


def _caller(found: Found) -> Principal:
    return Principal.of_service(found.account, "iot.amazonaws.com", f"iot:{found.authorizer.name}", found.arn)


def _invocation(authorizer: Authorizer, shown: Presented, token: str | None, *, verified: bool) -> dict[str, Any]:
    told = event(shown, token, uuid(), verified=verified)
    return {"FunctionName": authorizer.function, "Payload": orjson.dumps(told)}


@transactional
async def _find(tx: Transaction, name: str | None) -> Found | None:
    """The active authorizer of a name: here, else wherever there is one; without a name the account's default one."""
    places = await authorizer_places.list(tx, DEFAULT_FOR_ALL if name is None else name)
    if name is None:
        places = [one for one in places if one.account == tx.account]
    for place in sorted(places, key=lambda one: (one.account != tx.account, one.region != tx.region)):
        found = await authorizers.get(tx.at(place.account, place.region), place.authorizer)
        if found is not None and found.active:
            return Found(found, place.account, place.region)
    return None
