"""AWS's bulk price list files, JSON and CSV, as lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kumoi import prices
from kumoi.prices import PriceList, PricesInvalid, bulk


def offer(code: str, *products: tuple[str, str, str, list[tuple[str, str, str]]]) -> bytes:
    """A price list file: usage type, region, group, and (begin, end, USD) of each product."""
    whole: dict[str, Any] = {
        "formatVersion": "v1.0",
        "offerCode": code,
        "publicationDate": "2026-09-21T18:00:00Z",
        "products": {},
        "terms": {"OnDemand": {}, "Reserved": {}},
    }
    for number, (usage, region, group, tiers) in enumerate(products):
        sku = f"SKU{number}"
        attributes = {"usagetype": usage, "regionCode": region, "group": group, "servicecode": code}
        whole["products"][sku] = {"sku": sku, "attributes": attributes}
        whole["terms"]["OnDemand"][sku] = {
            f"{sku}.T": {
                "priceDimensions": {
                    f"{sku}.T.{at}": {"beginRange": begin, "endRange": end, "pricePerUnit": {"USD": usd}}
                    for at, (begin, end, usd) in enumerate(tiers)
                }
            }
        }
    return json.dumps(whole).encode()


LAMBDA = offer(
    "AWSLambda",
    (
        "APN1-Lambda-GB-Second",
        "ap-northeast-1",
        "AWS-Lambda-Duration",
        [
            ("15000000000", "Inf", "0.0000133334"),
            ("0", "6000000000", "0.0000166667"),
            ("6000000000", "15000000000", "0.000015"),
        ],
    ),
    ("APN1-Lambda-GB-Second", "ap-northeast-1", "AWS-Lambda-Duration-Provisioned", [("0", "Inf", "0.0000097222")]),
    ("Request", "us-east-1", "AWS-Lambda-Requests", [("0", "Inf", "0.0000002")]),
    ("USE1-Unheard-Of", "us-east-1", "", [("0", "Inf", "1")]),
)


def test_json_becomes_figures_with_the_date_of_the_file() -> None:
    found = bulk.read(LAMBDA, "lambda.json")
    assert set(found["items"]) == {"lambda.gb-seconds-x86", "lambda.requests"}
    assert found["items"]["lambda.gb-seconds-x86"]["ap-northeast-1"] == {
        "tiers": [[6e9, 0.0000166667], [15e9, 0.000015], [0.0000133334]],
        "as_of": "2026-09-21",
        "source": "lambda.json",
        "verified": True,
    }
    over = PriceList.parse(found).over(prices.aws())
    assert over["lambda.requests"].what == "Lambda requests"
    assert over["lambda.requests"].margin("us-east-1") == 0.0


@pytest.mark.parametrize(
    ("usage", "group", "item"),
    [
        ("EUW2-Lambda-Storage-GB-Second", "AWS-Lambda-Storage-Duration", "lambda.ephemeral-gb-seconds"),
        ("Lambda-Provisioned-GB-Second", "AWS-Lambda-Duration-Provisioned", "lambda.gb-seconds-provisioned"),
        ("APN1-Lambda-Edge-GB-Second", "AWS-Lambda-Edge-Duration", "lambda.edge-gb-seconds"),
        ("EUW2-Lambda-Edge-Request", "AWS-Lambda-Edge-Requests", "lambda.edge-requests"),
    ],
)
def test_the_other_figures_of_lambda(usage: str, group: str, item: str) -> None:
    found = bulk.read(offer("AWSLambda", (usage, "eu-west-2", group, [("0", "Inf", "0.5")])))
    assert list(found["items"]) == [item] and item in prices.aws()


def test_a_first_tier_that_is_free_is_left_to_the_pools() -> None:
    storage = offer(
        "AmazonDynamoDB", ("TimedStorage-ByteHrs", "us-east-1", "", [("0", "25", "0"), ("25", "Inf", "0.25")])
    )
    assert bulk.read(storage)["items"]["dynamodb.gb-months"]["us-east-1"]["tiers"] == [[0.25]]


def test_us_east_1_names_the_requests_of_queues_in_its_own_way() -> None:
    queues = offer(
        "AWSQueueService",
        ("Requests-RBP", "us-east-1", "", [("0", "Inf", "0.0000004")]),
        ("Global-Requests", "us-east-1", "", [("0", "Inf", "0")]),
        ("APN1-Requests-FIFO-Tier1", "ap-northeast-1", "", [("0", "Inf", "0.0000005")]),
    )
    found = bulk.read(queues)["items"]
    assert found["sqs.standard-requests"]["us-east-1"]["tiers"] == [[0.0000004]]
    assert found["sqs.fifo-requests"]["ap-northeast-1"]["tiers"] == [[0.0000005]]


def test_csv_becomes_the_same() -> None:
    lines = [
        '"FormatVersion","v1.0"',
        '"Disclaimer","…"',
        '"Publication Date","2026-09-01T00:00:00Z"',
        '"Version","1"',
        '"OfferCode","AWSQueueService"',
        '"SKU","TermType","StartingRange","EndingRange","PricePerUnit","Currency",'
        '"serviceCode","usageType","Region Code","Group"',
        '"A","OnDemand","0","100000000000","0.0000004","USD","AWSQueueService","EUW1-Requests-Tier1","eu-west-1",""',
        '"A","OnDemand","100000000000","Inf","0.0000003","USD","AWSQueueService","EUW1-Requests-Tier1","eu-west-1",""',
        '"B","Reserved","0","Inf","9","USD","AWSQueueService","EUW1-Requests-FIFO-Tier1","eu-west-1",""',
    ]
    found = bulk.read("\n".join(lines).encode(), "sqs.csv")
    assert found == {
        "items": {
            "sqs.standard-requests": {
                "eu-west-1": {
                    "tiers": [[1e11, 0.0000004], [0.0000003]],
                    "as_of": "2026-09-01",
                    "source": "sqs.csv",
                    "verified": True,
                }
            }
        }
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"{}",
        b'{"products": {}, "terms": {}}',
        b'{"products": {"A": 1}, "terms": {"OnDemand": {"A": {}}}}',
        b'{"products": {"A": {"attributes": {"usagetype": "Request"}}}, "terms": {"OnDemand": {"A": {"T": {}}}}}',
        b"a,b,c\n1,2,3\n",
        offer("AWSLambda", ("Request", "us-east-1", "AWS-Lambda-Requests", [("0", "Inf", "free")])),
    ],
)
def test_what_is_no_price_file_is_refused(content: bytes) -> None:
    with pytest.raises(PricesInvalid):
        bulk.read(content)
