"""How what was seen is judged: tables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from kumoi.experiments.added_cost import added_usd
from kumoi.experiments.model import Condition, Place
from kumoi.experiments.verdict import Outcome, added_up, arrived, busy, by_fault, met, retries_by_layer


@pytest.mark.parametrize(
    ("condition", "status", "body", "said"),
    [
        (Condition(), 200, None, ""),
        (Condition(), 500, None, "status 500"),
        (Condition(status=404), 404, None, ""),
        (Condition(status=[200, 202]), 201, None, "status 201"),
        (Condition(contains="well"), 200, "all is well", ""),
        (Condition(contains="well"), 200, "ill", "'well' is not in the answer"),
        (Condition(select="a.b", equals=1), 200, {"a": {"b": 1}}, ""),
        (Condition(select="a.b", equals=1), 200, {"a": {"b": 2}}, "a.b is 2, not 1"),
        (Condition(select="n", at_least=2), 200, {"n": 1}, "n is 1, which is not from 2"),
        (Condition(select="n", at_most=2), 200, {"n": 2}, ""),
        (Condition(select="n", at_most=0), 200, {"n": "x"}, "n is 'x'"),
        (Condition(select="n["), 200, {}, "no JMESPath"),
    ],
)
def test_an_answer_meets_what_is_expected(condition: Condition, status: int, body: Any, said: str) -> None:
    found = met(condition, status, body, "")
    assert said in found and bool(found) == bool(said)


def test_an_error_meets_nothing() -> None:
    assert met(Condition(), 0, None, "ConnectionResetError") == "no answer: ConnectionResetError"


@pytest.mark.parametrize(
    ("times", "found", "lost", "duplicated"),
    [
        ("exactly once", {"a": 1, "b": 1}, [], []),
        ("exactly once", {"a": 2}, ["b"], ["a"]),
        ("at least once", {"a": 2, "b": 1}, [], []),
        ("at most once", {"a": 2}, [], ["a"]),
        ("exactly once", {"a": 1, "b": 1, "refused": 1, "stranger": 5}, [], []),
    ],
)
def test_what_was_accepted_must_arrive(
    times: Any, found: dict[str, int], lost: list[str], duplicated: list[str]
) -> None:
    check = arrived("t", Place(table="t", times=times), ["a", "b"], ["refused"], Counter(found))
    assert (check.lost, check.duplicated, check.held) == (lost, duplicated, not lost and not duplicated)


def test_numbers_must_add_up_and_what_was_refused_may_count_or_not() -> None:
    assert added_up("t", 20, 2, accepted=10, refused=0).held
    assert added_up("t", 22, 2, accepted=10, refused=1).held
    over, under = added_up("t", 25, 2, accepted=10, refused=1), added_up("t", 15, 2, accepted=10, refused=1)
    assert (over.surplus, over.missing) == (2, 0) and (under.surplus, under.missing) == (0, 3)


def hop(source: str, operation: str, outcome: str = "ok", **more: str) -> dict[str, Any]:
    given = {"trace": "t", "parent": "p", "target": "x", "fault": ""}
    return {**given, "source": source, "operation": operation, "outcome": outcome, **more}


def test_who_tried_again_is_told_by_layer() -> None:
    hops = [
        hop("lambda:a", "PutItem", "ThrottlingException"),
        hop("lambda:a", "PutItem", "Dropped"),
        hop("lambda:a", "PutItem"),
        hop("lambda:a", "PutItem"),
        hop("lambda:a", "PutItem", "ConditionalCheckFailedException"),
        hop("lambda:a", "PutItem"),
        hop("lambda:a", "GetItem", "InternalServerError"),
        hop("lambda:a", "GetItem", parent="another"),
        hop("sqs:q", "Invoke", "RuntimeError"),
        hop("sns:t", "SendMessage", "InternalFailure"),
    ]
    assert retries_by_layer(hops) == {"SDK in lambda:a": 2, "delivery sns:t": 1, "event source sqs:q": 1}


def test_what_was_done_again_is_priced_with_what_it_set_going() -> None:
    units = {"requests": 1.0, "lambda:invocations": 1.0, "lambda:MB-millisecond-x86": 1024.0 * 1000}
    plain = {
        "region": "us-east-1",
        "request_bytes": 0,
        "response_bytes": 0,
        "units": {"requests": 1.0},
        "service": "sqs",
    }

    def spent(failed: str) -> float:
        invoke = {**plain, "units": units, "service": "lambda", "target": "lambda:f", "parent": ""}
        return added_usd(
            [
                {**hop("sqs:q", "Invoke", failed), **invoke, "span": "1"},
                {**hop("lambda:f", "SendMessage"), **plain, "span": "2", "parent": "1", "target": "sqs:other"},
                {**hop("sqs:q", "Invoke"), **invoke, "span": "3"},
            ]
        )

    assert spent("ok") == 0.0
    assert spent("RuntimeError") == pytest.approx(0.20e-6 + 0.0000166667 + 0.40e-6)


def test_pollers_are_no_business() -> None:
    assert not busy([hop("sqs:q", "ReceiveMessages"), hop("client", "PutItem")])
    assert busy([hop("lambda:a", "PutItem")])


def test_what_became_of_the_requests_that_a_fault_met() -> None:
    hops = [hop("a", "X", fault="f", trace=trace) for trace in ("1", "2", "3", "4")]
    outcomes = [
        Outcome(id="1", accepted=True, slow=False, retries=0, traces=["1"]),
        Outcome(id="2", accepted=True, slow=False, retries=1, traces=["2", "x"]),
        Outcome(id="3", accepted=True, slow=True, retries=0, traces=["3"]),
        Outcome(id="4", accepted=False, slow=False, retries=0, traces=["4"]),
        Outcome(id="5", accepted=True, slow=False, retries=0, traces=["5"]),
    ]
    [found] = by_fault({"f": ("title", 4)}, hops, outcomes)
    assert (found.struck, found.absorbed, found.degraded, found.failed) == (4, 1, 2, 1)
