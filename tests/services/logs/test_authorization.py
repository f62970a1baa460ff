"""Which permissions the calls of CloudWatch Logs need: whatever a request may read by, it is asked for the group."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kumoi.services.logs.authorization import AUTHORIZATION

GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:"
ELSEWHERE = "arn:aws:logs:eu-west-1:999999999999:log-group:"


@pytest.mark.parametrize(
    ("operation", "params", "resources"),
    [
        ("FilterLogEvents", {"logGroupName": "a"}, [f"{GROUP}a:*"]),
        ("FilterLogEvents", {"logGroupIdentifier": f"{ELSEWHERE}a"}, [f"{GROUP}a:*"]),
        ("GetLogEvents", {"logGroupName": "a", "logStreamName": "s"}, [f"{GROUP}a:log-stream:s"]),
        ("GetLogEvents", {"logGroupIdentifier": f"{ELSEWHERE}a:*", "logStreamName": "s"}, [f"{GROUP}a:log-stream:s"]),
        ("StartLiveTail", {"logGroupIdentifiers": [f"{ELSEWHERE}a", f"{GROUP}b"]}, [f"{GROUP}a:*", f"{GROUP}b:*"]),
        ("StartQuery", {"queryString": "limit 1"}, ["*"]),
        ("StartQuery", {"logGroupNames": ["a", "b"], "queryString": "limit 1"}, [f"{GROUP}a:*", f"{GROUP}b:*"]),
        ("StartQuery", {"logGroupName": "a", "queryString": "filter source = 'b'"}, [f"{GROUP}a:*"]),
        ("StartQuery", {"queryString": f"SOURCE 'a', '{ELSEWHERE}b'"}, [f"{GROUP}a:*", f"{GROUP}b:*"]),
        ("StartQuery", {"queryString": "source logGroups(namePrefix: ['a'])"}, ["*"]),
        ("StartQuery", {"logGroupName": "a", "queryString": "SOURCE logGroups(regions: ['*'])"}, [f"{GROUP}a:*", "*"]),
        (
            "StartQuery",
            {"logGroupName": "a", "queryString": "join where left.k=right.k (SOURCE 'secret' | limit 1)"},
            [f"{GROUP}a:*", f"{GROUP}secret:*"],
        ),
    ],
)
def test_what_is_asked(operation: str, params: dict[str, Any], resources: list[str]) -> None:
    call: Any = SimpleNamespace(account="000000000000", region="us-east-1", operation=operation, params=params)
    assert [(ask.action, ask.resource) for ask in AUTHORIZATION.asks(call)] == [
        (f"logs:{operation}", resource) for resource in resources
    ]


@pytest.mark.parametrize(
    ("operation", "params", "where"),
    [
        ("FilterLogEvents", {"logGroupName": "a", "unmask": True}, f"{GROUP}a:*"),
        ("GetLogEvents", {"logGroupName": "a", "logStreamName": "s", "unmask": True}, f"{GROUP}a:*"),
        ("GetLogRecord", {"logRecordPointer": "p", "unmask": True}, "*"),
        ("StartQuery", {"logGroupName": "a", "queryString": "fields Unmask(@message)"}, f"{GROUP}a:*"),
    ],
)
def test_who_sees_without_masks_is_allowed_to(operation: str, params: dict[str, Any], where: str) -> None:
    call: Any = SimpleNamespace(account="000000000000", region="us-east-1", operation=operation, params=params)
    asks = [(ask.action, ask.resource) for ask in AUTHORIZATION.asks(call)]
    assert [action for action, _ in asks] == [f"logs:{operation}", "logs:Unmask"]
    assert asks[1][1] == where
