"""Price lists: tiers, free amounts, lists laid over others, and what is refused; and the lists that come with Kumoi."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given, strategies

from kumoi import prices
from kumoi.prices import PriceList, PricesInvalid, Range

TIERED = {"tiers": [[100, 1.0], [300, 0.5], [0.1]], "as_of": "2026-01", "source": "page", "verified": True}


def listed(**item: Any) -> PriceList:
    return PriceList.parse({"sources": {"page": "https://example.com"}, "items": {"shop.apples": item}})


@pytest.mark.parametrize(
    ("quantity", "begin", "usd"),
    [(0, 0, 0), (100, 0, 100), (101, 0, 100.5), (300, 0, 200), (1_000, 0, 270), (10, 95, 7.5), (10, 300, 1.0)],
)
def test_tiers(quantity: float, begin: float, usd: float) -> None:
    figure, own = listed(**{"us-east-1": TIERED})["shop.apples"].figure("us-east-1")
    assert own
    assert figure.cost(quantity, begin) == pytest.approx(usd)
    assert figure.source == "https://example.com"


@given(strategies.floats(0, 1_000), strategies.floats(0, 1_000))
def test_a_quantity_costs_what_its_parts_do(first: float, second: float) -> None:
    figure, _ = listed(**{"us-east-1": TIERED})["shop.apples"].figure("us-east-1")
    assert figure.cost(first + second) == pytest.approx(figure.cost(first) + figure.cost(second, first))


def test_what_is_free_is_shared_by_a_pool_and_by_regions() -> None:
    whole = PriceList.parse(
        {
            "pools": {"fruit": {"always": 100}},
            "items": {
                "shop.apples": {"pool": "fruit", "us-east-1": {"price": 1.0, "verified": True}},
                "shop.pears": {"pool": "fruit", "us-east-1": {"price": 2.0, "verified": True}},
            },
        }
    )
    month = whole.month({("us-east-1", "shop.apples"): 80, ("us-east-1", "shop.pears"): 50, ("x", "shop.nuts"): 1})
    assert month == {
        ("us-east-1", "shop.apples"): (0, Range(0, 0, 0)),
        ("us-east-1", "shop.pears"): (30, Range(60, 60, 60)),
    }
    assert whole.month({("us-east-1", "shop.apples"): 80}, "none")["us-east-1", "shop.apples"][0] == 80


@pytest.mark.parametrize(("free_tier", "billable"), [("none", 50), ("always", 40), ("first-year", 0)])
def test_free_tiers(free_tier: str, billable: float) -> None:
    whole = listed(always=10, first_year=60, **{"us-east-1": {"price": 1}})
    assert whole.month({("us-east-1", "shop.apples"): 50}, free_tier)["us-east-1", "shop.apples"][0] == billable


def test_a_figure_that_nobody_verified_and_one_of_another_region_are_ranges() -> None:
    item = listed(**{"us-east-1": TIERED, "eu-west-1": {"price": 2.0}})["shop.apples"]
    assert item.cost(10, "us-east-1") == Range(10, 10, 10)
    assert item.cost(10, "eu-west-1") == Range(17, 20, 23)
    assert item.cost(10, "sa-east-1") == Range(8.5, 10, 11.5)


def test_a_list_goes_over_another_figure_by_figure() -> None:
    below = listed(**{"us-east-1": TIERED, "eu-west-1": {"price": 2.0}})
    both = listed(**{"us-east-1": {"price": 7.0}}).over(below)
    assert both["shop.apples"].first("us-east-1") == 7.0
    assert both["shop.apples"].first("eu-west-1") == 2.0


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"items": []},
        {"items": {"Apples": {"us-east-1": {"price": 1}}}},
        {"items": {"shop.apples": {}}},
        {"items": {"shop.apples": {"us-east-1": {}}}},
        {"items": {"shop.apples": {"us-east-1": {"price": 1, "tiers": [[1]]}}}},
        {"items": {"shop.apples": {"us-east-1": {"price": -1}}}},
        {"items": {"shop.apples": {"us-east-1": {"price": inf}}}},
        {"items": {"shop.apples": {"us-east-1": {"price": True}}}},
        {"items": {"shop.apples": {"us-east-1": {"price": "1"}}}},
        {"items": {"shop.apples": {"per": 0, "us-east-1": {"price": 1}}}},
        {"items": {"shop.apples": {"us-east-1": {"tiers": [[5, 1.0], [3, 1.0], [1.0]]}}}},
        {"items": {"shop.apples": {"us-east-1": {"tiers": [[5, 1.0]]}}}},
        {"items": {"shop.apples": {"us-east-1": {"tiers": []}}}},
        {"items": {"shop.apples": {"us-east-1": {"tiers": [3]}}}},
        {"items": {"shop.apples": {"mars": {"price": 1}}}},
        {"items": {f"shop.a{number}": {"us-east-1": {"price": 1}} for number in range(2_001)}},
    ],
)
def test_what_is_no_list_is_refused(wrong: Any) -> None:
    with pytest.raises(PricesInvalid):
        PriceList.parse(wrong)


@pytest.mark.parametrize("shipped", [prices.aws(), prices.alternatives()], ids=["aws", "alternatives"])
def test_every_figure_that_comes_with_kumoi_has_a_date_and_a_source(shipped: PriceList) -> None:
    for item in shipped.items.values():
        assert "us-east-1" in item.figures, item.name
        for figure in item.figures.values():
            assert figure.as_of[:2] == "20", item.name
            assert figure.source.startswith("https://"), item.name


def test_some_figures_as_aws_publishes_them() -> None:
    aws = prices.aws()
    assert aws["lambda.requests"].first("us-east-1") * 1e6 == pytest.approx(0.20)
    assert aws["stepfunctions.transitions"].first("ap-northeast-1") * 1e3 == pytest.approx(0.025)
    assert aws["dynamodb.write-units"].first("ap-northeast-1") * 1e6 == pytest.approx(0.715)
    month = aws.month({("us-east-1", "lambda.gb-seconds-x86"): 400_000 + 7e9})
    billable, usd = month["us-east-1", "lambda.gb-seconds-x86"]
    assert billable == 7e9
    assert usd.middle == pytest.approx(6e9 * 0.0000166667 + 1e9 * 0.000015)
