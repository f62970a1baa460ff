"""Enhanced filters: the rules as tables, and set by resolvers in VTL and JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kumoi.services.appsync.realtime.filters import of_arguments, parsed, transformed
from kumoi.services.appsync.resolving.outcomes import FieldError

Resolve = Callable[..., None]
Mutate = Callable[[str], dict[str, Any]]
PAYLOAD = {"n": 5, "s": "hello", "b": True, "l": ["x", "y"], "in": {"deep": {"n": 1}}, "none": None}


def one(name: str, operator: str, value: Any) -> dict[str, Any]:
    return {"filterGroup": [{"filters": [{"fieldName": name, "operator": operator, "value": value}]}]}


@pytest.mark.parametrize(
    ("name", "operator", "value", "holds"),
    [
        ("n", "eq", 5, True),
        ("n", "eq", "5", False),
        ("b", "eq", True, True),
        ("b", "eq", 1, False),
        ("none", "eq", None, True),
        ("missing", "eq", 1, False),
        ("n", "ne", 4, True),
        ("missing", "ne", 4, True),
        ("n", "le", 5, True),
        ("n", "lt", 5, False),
        ("n", "ge", 5, True),
        ("n", "gt", 4, True),
        ("n", "gt", "4", False),
        ("s", "gt", "hallo", True),
        ("b", "ge", 0, False),
        ("s", "contains", "ell", True),
        ("l", "contains", "x", True),
        ("l", "contains", "z", False),
        ("s", "notContains", "ell", False),
        ("l", "notContains", "z", True),
        ("s", "beginsWith", "he", True),
        ("n", "beginsWith", "5", False),
        ("n", "in", [1, 5], True),
        ("n", "notIn", [1, 5], False),
        ("n", "between", [5, 9], True),
        ("n", "between", [6, 9], False),
        ("l", "containsAny", ["z", "y"], True),
        ("l", "containsAny", ["z"], False),
        ("in.deep.n", "eq", 1, True),
        ("in.deep.n.m", "eq", 1, False),
    ],
)
def test_operators(name: str, operator: str, value: Any, holds: bool) -> None:
    assert parsed(one(name, operator, value)).holds(PAYLOAD) is holds


def test_groups_are_alternatives() -> None:
    wanted = {"filterGroup": [*one("n", "eq", 1)["filterGroup"], *one("s", "eq", "hello")["filterGroup"]]}
    assert parsed(wanted).holds(PAYLOAD)
    both = {
        "filterGroup": [
            {
                "filters": [
                    *one("n", "eq", 1)["filterGroup"][0]["filters"],
                    *one("s", "eq", "hello")["filterGroup"][0]["filters"],
                ]
            }
        ]
    }
    assert not parsed(both).holds(PAYLOAD)
    assert parsed(None).holds(PAYLOAD)
    assert parsed({"filterGroup": []}).holds(PAYLOAD)


@pytest.mark.parametrize(
    "given",
    [
        "{",
        [],
        {},
        {"filterGroup": 1},
        {"filterGroup": [1]},
        {"filterGroup": [{"filters": [1]}]},
        one("n", "like", 1),
        one("a.b.c.d.e.f", "eq", 1),
        one("", "eq", 1),
        one("n", "in", list(range(6))),
        one("n", "containsAny", list(range(21))),
        one("n", "between", [1]),
        one("n", "eq", [1]),
        {"filterGroup": one("n", "eq", 1)["filterGroup"] * 11},
    ],
)
def test_what_is_no_filter(given: Any) -> None:
    with pytest.raises(FieldError):
        parsed(given)


def test_arguments() -> None:
    assert of_arguments({}).holds(PAYLOAD)
    assert of_arguments({"n": 5, "s": "hello"}).holds(PAYLOAD)
    assert not of_arguments({"n": 5, "s": "bye"}).holds(PAYLOAD)
    assert of_arguments({"none": None}).holds(PAYLOAD)
    assert not of_arguments({"n": None}).holds(PAYLOAD)


CONDITION = {"n": {"gt": 1, "lt": 9}, "or": [{"s": {"eq": "a"}}, {"and": [{"s": {"eq": "b"}}, {"t": {"ne": "c"}}]}]}


def fields(filter: dict[str, Any]) -> list[list[str]]:
    return [
        [f"{x['fieldName']} {x['operator']} {x['value']}" for x in group["filters"]] for group in filter["filterGroup"]
    ]


def test_a_condition_becomes_a_filter() -> None:
    assert fields(transformed(CONDITION)) == [["n gt 1", "n lt 9", "s eq a"], ["n gt 1", "n lt 9", "s eq b", "t ne c"]]
    assert fields(transformed(CONDITION, ["n", "or"], {"owner": {"eq": "me"}})) == [["owner eq me"]]
    assert transformed({}) == {"filterGroup": []}
    for bad in ([], {"n": 1}, {"or": [{str(n): {"eq": 1}} for n in range(11)]}):
        with pytest.raises(FieldError):
            transformed(bad)


def test_a_template_sets_a_filter(subscriber: Any, mutate: Mutate, resolve: Resolve) -> None:
    response = (
        '$extensions.setSubscriptionFilter($util.transform.toSubscriptionFilter({"n":{"ge":$ctx.args.least}}))null'
    )
    resolve("filtered", '{"version":"2018-05-29","payload":null}', response, of="Subscription")
    reached(subscriber(), mutate)


def test_code_sets_a_filter(subscriber: Any, mutate: Mutate, resolve: Resolve) -> None:
    code = """
import { util, extensions } from '@aws-appsync/utils';
export const request = (ctx) => ({ payload: null });
export function response(ctx) {
  const rules = { text: { ne: 'secret' } };
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ n: { ge: ctx.args.least } }, [], rules));
  return null;
}
"""
    resolve("filtered", code=code, of="Subscription")
    one = subscriber()
    reached(one, mutate)
    mutate('mutation { add(room: "a", n: 7, text: "secret") { id n text } }')
    assert one.silent()


def reached(one: Any, mutate: Mutate) -> None:
    assert one.start("1", "subscription { filtered(least: 5) { n } }")["type"] == "start_ack"
    mutate('mutation { add(room: "a", n: 4) { id n } }')
    mutate('mutation { add(room: "a", n: 6) { id n } }')
    assert one.receive()["payload"]["data"] == {"filtered": {"n": 6}}


def test_resolvers_refuse_subscriptions(subscriber: Any, resolve: Resolve) -> None:
    resolve("refused", '{"version":"2018-05-29","payload":null}', '$util.error("not you", "Mine")', of="Subscription")
    answer = subscriber().start("1", "subscription { refused { id } }")
    assert answer["payload"]["errors"] == [{"errorType": "Mine", "message": "not you"}]


def test_a_bad_filter_refuses_the_subscription(subscriber: Any, resolve: Resolve) -> None:
    response = '$extensions.setSubscriptionFilter({"filterGroup": 1})null'
    resolve("refused", '{"version":"2018-05-29","payload":null}', response, of="Subscription")
    answer = subscriber().start("1", "subscription { refused { id } }")
    assert "Invalid subscription filter" in answer["payload"]["errors"][0]["message"]


def test_a_mutation_ends_subscriptions(subscriber: Any, mutate: Mutate, resolve: Resolve) -> None:
    invalidation = (
        '$extensions.setSubscriptionInvalidationFilter({"filterGroup":[{"filters":'
        '[{"fieldName":"room","operator":"eq","value":"$ctx.args.room"}]}]})null'
    )
    resolve("onAdd", '{"version":"2018-05-29","payload":null}', invalidation, of="Subscription")
    code = """
import { extensions } from '@aws-appsync/utils';
export const request = (ctx) => ({ payload: null });
export function response(ctx) {
  extensions.invalidateSubscriptions({ subscriptionField: 'onAdd', payload: { room: ctx.args.room } });
  return { id: '1' };
}
"""
    resolve("kick", code=code)
    one = subscriber()
    one.start("1", 'subscription { onAdd(room: "a") { id } }')
    one.start("2", 'subscription { onAdd(room: "b") { id } }')
    mutate('mutation { kick(room: "a") { id } }')
    assert one.receive() == {"id": "1", "type": "complete"}
    mutate('mutation { add(room: "b") { id room } }')
    assert one.receive()["id"] == "2"


def test_extensions_have_their_place(mutate: Mutate, resolve: Resolve) -> None:
    resolve("kick", '{"version":"2018-05-29","payload":null}', "$extensions.setSubscriptionFilter({})null")
    assert "Subscription only" in mutate('mutation { kick(room: "a") { id } }')["errors"][0]["message"]
