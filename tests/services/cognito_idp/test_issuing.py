"""What is stored of tokens, on a store of one's own."""

from __future__ import annotations

import asyncio
import hashlib

from kumoi.clock import Clock
from kumoi.services.cognito_idp.issuing import keep_token
from kumoi.services.cognito_idp.records import RefreshToken, refresh_tokens
from kumoi.state.sqlite import SqliteState


def test_expired_refresh_tokens_go_as_others_come() -> None:
    def token(number: int, expires: float) -> RefreshToken:
        digest = hashlib.sha256(b"%d" % number).hexdigest()
        return RefreshToken(
            pool="p", sub="s", digest=digest, user="u", client="c", origin="o", signed_in=0.0, expires=expires
        )

    async def main() -> None:
        clock = Clock()
        state = await SqliteState.open(None, clock=clock)
        place, now = state.at("1", "r"), clock.now()
        for number in range(40):
            await keep_token(place, token(number, now + 60))
        assert len(await place.run(refresh_tokens.list, "p", "s")) == 40
        clock.advance(61)
        for number in range(40, 120):
            await keep_token(place, token(number, now + 6_000))
        found = await place.run(refresh_tokens.list, "p", "s")
        assert sum(one.expires > clock.now() for one in found) == 80
        assert len(found) < 84
        await state.close()

    asyncio.run(main())
