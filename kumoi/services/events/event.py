"""An event as rules see it and targets get it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson

from kumoi.names import uuid


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `time` is `2026-01-02T03:04:05Z`; `replay` names the replay that sends it once more."""

    id: str
    detail_type: str
    source: str
    account: str
    time: str
    region: str
    resources: list[str]
    detail: Any
    replay: str | None = None

    @classmethod
    def scheduled(cls, rule_arn: str, account: str, region: str, due: float) -> Event:
        """The event of a scheduled rule that is due (epoch seconds)."""
        return cls(
            id=uuid(),
            detail_type="Scheduled Event",
            source="aws.events",
            account=account,
            time=timestamp(due),
            region=region,
            resources=[rule_arn],
            detail={},
        )

    @classmethod
    def of(cls, document: dict[str, Any], replay: str | None = None) -> Event:
        """The event of a document that `document` made."""
        return cls(
            id=document["id"],
            detail_type=document["detail-type"],
            source=document["source"],
            account=document["account"],
            time=document["time"],
            region=document["region"],
            resources=document["resources"],
            detail=document["detail"],
            replay=replay,
        )

    def document(self) -> dict[str, Any]:
        """The event with AWS's members in AWS's order."""
        replay = {} if self.replay is None else {"replay-name": self.replay}
        return {
            "version": "0",
            "id": self.id,
            "detail-type": self.detail_type,
            "source": self.source,
            "account": self.account,
            "time": self.time,
            "region": self.region,
            **replay,
            "resources": self.resources,
            "detail": self.detail,
        }

    def json(self) -> bytes:
        """The document as compact JSON."""
        return orjson.dumps(self.document())


def timestamp(seconds: float) -> str:
    """Epoch seconds as events write them, without a fraction."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
