from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Config = Callable[..., dict[str, Any]]


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_life_of_a_distribution(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    made = client.create_distribution(DistributionConfig=config(Aliases={"Quantity": 1, "Items": ["life.example.com"]}))
    one = made["Distribution"]
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["Location"] == f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{one['Id']}"
    assert one["Id"].startswith("E")
    assert len(one["Id"]) == 14
    assert one["ARN"] == f"arn:aws:cloudfront::{kumoi.account}:distribution/{one['Id']}"
    assert one["DomainName"].endswith(".cloudfront.net")
    client.get_waiter("distribution_deployed").wait(Id=one["Id"], WaiterConfig={"Delay": 1, "MaxAttempts": 2})
    listed = client.list_distributions()["DistributionList"]
    assert [item["Id"] for item in listed["Items"]] == [one["Id"]]
    assert listed["Items"][0]["Aliases"]["Items"] == ["life.example.com"]

    got = client.get_distribution_config(Id=one["Id"])
    assert got["ETag"] == made["ETag"]
    changed = got["DistributionConfig"]
    assert changed["PriceClass"] == "PriceClass_All"
    changed["Comment"] = "another"
    with pytest.raises(ClientError) as caught:
        client.update_distribution(Id=one["Id"], DistributionConfig=changed)
    assert code_of(caught) == ("InvalidIfMatchVersion", 400)
    with pytest.raises(ClientError) as caught:
        client.update_distribution(Id=one["Id"], DistributionConfig=changed, IfMatch="E123")
    assert code_of(caught) == ("PreconditionFailed", 412)
    updated = client.update_distribution(Id=one["Id"], DistributionConfig=changed, IfMatch=got["ETag"])
    assert updated["ETag"] != got["ETag"]
    with pytest.raises(ClientError) as caught:
        client.delete_distribution(Id=one["Id"], IfMatch=updated["ETag"])
    assert code_of(caught) == ("DistributionNotDisabled", 409)
    changed["Enabled"] = False
    updated = client.update_distribution(Id=one["Id"], DistributionConfig=changed, IfMatch=updated["ETag"])
    client.delete_distribution(Id=one["Id"], IfMatch=updated["ETag"])
    with pytest.raises(ClientError) as caught:
        client.get_distribution(Id=one["Id"])
    assert code_of(caught) == ("NoSuchDistribution", 404)
    assert "Items" not in client.list_distributions()["DistributionList"]


def test_creating_once_more(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    given = config()
    first = client.create_distribution(DistributionConfig=given)["Distribution"]["Id"]
    assert client.create_distribution(DistributionConfig=given)["Distribution"]["Id"] == first
    with pytest.raises(ClientError) as caught:
        client.create_distribution(DistributionConfig={**given, "Comment": "other"})
    assert code_of(caught) == ("DistributionAlreadyExists", 409)


def test_an_alias_belongs_to_one_distribution(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    alias = {"Quantity": 1, "Items": [f"www.{kumoi.account}.example.com"]}
    client.create_distribution(DistributionConfig=config(Aliases=alias))
    with pytest.raises(ClientError) as caught:
        client.create_distribution(DistributionConfig=config(Aliases=alias))
    assert code_of(caught) == ("CNAMEAlreadyExists", 409)


BROKEN = [
    ({"behaviour": {"TargetOriginId": "other"}}, ("NoSuchOrigin", 404)),
    ({"behaviour": {"CachePolicyId": "unknown"}}, ("NoSuchCachePolicy", 404)),
    ({"behaviour": {"OriginRequestPolicyId": "unknown"}}, ("NoSuchOriginRequestPolicy", 404)),
    ({"behaviour": {"ResponseHeadersPolicyId": "unknown"}}, ("NoSuchResponseHeadersPolicy", 404)),
    ({"behaviour": {"CachePolicyId": ""}}, ("InvalidArgument", 400)),
    ({"DefaultRootObject": "/index.html"}, ("InvalidDefaultRootObject", 400)),
    ({"Aliases": {"Quantity": 2, "Items": ["a.example.com"]}}, ("InconsistentQuantities", 400)),
    ({"Aliases": {"Quantity": 1, "Items": ["not a name"]}}, ("InvalidArgument", 400)),
    (
        {"CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 402}]}},
        ("InvalidErrorCode", 400),
    ),
    (
        {
            "CustomErrorResponses": {
                "Quantity": 1,
                "Items": [{"ErrorCode": 404, "ResponseCode": "201", "ResponsePagePath": "/a"}],
            }
        },
        ("InvalidResponseCode", 400),
    ),
    (
        {"Restrictions": {"GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 0}}},
        ("InvalidGeoRestrictionParameter", 400),
    ),
    ({"WebACLId": "arn:aws:wafv2:1"}, ("InvalidWebACLId", 400)),
    (
        {"behaviour": {"TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": ["none"]}}},
        ("TrustedKeyGroupDoesNotExist", 400),
    ),
]


@pytest.mark.parametrize(("members", "error"), BROKEN)
def test_what_a_configuration_may_not_say(
    kumoi: Any, config: Config, members: dict[str, Any], error: tuple[str, int]
) -> None:
    with pytest.raises(ClientError) as caught:
        kumoi.client("cloudfront").create_distribution(DistributionConfig=config(**members))
    assert code_of(caught) == error


def test_tags(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    made = client.create_distribution_with_tags(
        DistributionConfigWithTags={
            "DistributionConfig": config(),
            "Tags": {"Items": [{"Key": "a", "Value": "1"}]},
        }
    )["Distribution"]
    client.tag_resource(Resource=made["ARN"], Tags={"Items": [{"Key": "b", "Value": "2"}]})
    client.untag_resource(Resource=made["ARN"], TagKeys={"Items": ["a"]})
    assert client.list_tags_for_resource(Resource=made["ARN"])["Tags"] == {"Items": [{"Key": "b", "Value": "2"}]}
    with pytest.raises(ClientError) as caught:
        client.tag_resource(
            Resource=made["ARN"], Tags={"Items": [{"Key": "kumoi:deployment-seconds", "Value": "soon"}]}
        )
    assert code_of(caught) == ("InvalidTagging", 400)


def test_invalidations(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    id = client.create_distribution(DistributionConfig=config())["Distribution"]["Id"]
    batch = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "1"}
    made = client.create_invalidation(DistributionId=id, InvalidationBatch=batch)["Invalidation"]
    assert client.create_invalidation(DistributionId=id, InvalidationBatch=batch)["Invalidation"]["Id"] == made["Id"]
    client.get_waiter("invalidation_completed").wait(DistributionId=id, Id=made["Id"])
    assert client.list_invalidations(DistributionId=id)["InvalidationList"]["Quantity"] == 1
    with pytest.raises(ClientError) as caught:
        client.create_invalidation(
            DistributionId=id,
            InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["nowhere"]}, "CallerReference": "2"},
        )
    assert code_of(caught) == ("InvalidArgument", 400)
    with pytest.raises(ClientError) as caught:
        client.get_invalidation(DistributionId=id, Id="I404")
    assert code_of(caught) == ("NoSuchInvalidation", 404)


def test_an_alias_moves_and_conflicts_are_told(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    names = {"Quantity": 2, "Items": ["shop.moving.test", "*.moving.test"]}
    old = client.create_distribution(DistributionConfig=config(Aliases=names))["Distribution"]["Id"]
    new = client.create_distribution(DistributionConfig=config())["Distribution"]["Id"]
    given = {"DistributionId": new, "Alias": "shop.moving.test"}
    found = client.list_conflicting_aliases(**given)["ConflictingAliasesList"]
    assert sorted(one["Alias"] for one in found["Items"]) == ["*.moving.test", "shop.moving.test"]
    assert {one["DistributionId"] for one in found["Items"]} == {"*" * 8 + old[-6:]}
    client.associate_alias(TargetDistributionId=new, Alias="shop.moving.test")
    aliases = {
        one["Id"]: one["Aliases"].get("Items", []) for one in client.list_distributions()["DistributionList"]["Items"]
    }
    assert aliases == {old: ["*.moving.test"], new: ["shop.moving.test"]}


@pytest.mark.parametrize("alias", ["localhost", "127.0.0.1", "a b.test"])
def test_what_is_no_domain_name_becomes_no_alias(kumoi: Any, config: Config, alias: str) -> None:
    client = kumoi.client("cloudfront")
    made = client.create_distribution(DistributionConfig=config())["Distribution"]
    with pytest.raises(ClientError) as caught:
        client.associate_alias(TargetDistributionId=made["Id"], Alias=alias)
    assert code_of(caught) == ("InvalidArgument", 400)
    assert client.get_distribution(Id=made["Id"])["Distribution"]["DistributionConfig"]["Aliases"] == {"Quantity": 0}
