"""What is signed, and how often: a signature costs as much as a whole call."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from kumoi.services.sns.hand_over import HandOver
from kumoi.services.sns.notification import Handover
from kumoi.services.sns.signing import Signer


class CountingSigner(Signer):
    """Counts the signatures that were made, not taken from memory."""

    made = 0

    async def _pair(self) -> Any:
        pair, owner = await super()._pair(), self

        class Key:
            def sign(self, *given: Any) -> bytes:
                owner.made += 1
                return pair.key.sign(*given)

        return pair._replace(key=Key())


def handover(number: int, message: str = "m", *, fifo: bool = False) -> Handover:
    topic = "arn:aws:sns:us-east-1:000000000000:t"
    endpoint = "arn:aws:sqs:us-east-1:000000000000:q"
    return Handover(
        topic=topic,
        subscription=f"{topic}:{number}",
        protocol="sqs",
        endpoint=endpoint,
        message_id=message,
        text=message,
        time=0.0,
        fifo=fifo,
    )


def test_a_message_is_signed_once_for_all_and_not_for_those_who_get_it_raw(tmp_path: Path) -> None:
    signer = CountingSigner(tmp_path)
    hand_over = HandOver(SimpleNamespace(endpoint="http://k"), signer, None)  # type: ignore[arg-type]

    async def scenario() -> None:
        assert await hand_over._body(handover(0), {"RawMessageDelivery": "true"}) == "m"
        assert "Signature" not in json.loads(await hand_over._body(handover(1, fifo=True), {}))
        assert signer.made == 0
        bodies = [json.loads(await hand_over._body(handover(number), {})) for number in range(5)]
        assert (signer.made, len({one["Signature"] for one in bodies})) == (1, 1)
        assert len({one["UnsubscribeURL"] for one in bodies}) == 5
        await hand_over._body(handover(0, "another"), {})
        assert signer.made == 2

    asyncio.run(scenario())
