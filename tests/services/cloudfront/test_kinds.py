from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Config = Callable[..., dict[str, Any]]

RSA_KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo
4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0/IzW7yWR7QkrmBL7jTKEn5u
+qKhbwKfBstIs+bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyeh
kd3qqGElvW/VDL5AaWTg0nLVkjRo9z+40RQzuVaE8AkAFmxZzow3x+VJYKdjykkJ
0iT9wCS0DRTXu269V264Vf/3jvredZiKRkgwlL9xNAwxXFg0x/XFw005UWVRIkdg
cKWTjpBP2dPwVZ4WWC+9aGVd+Gyn1o0CLelf4rEjGoXbAAEgAqeGUxrcIlbjXfbc
mwIDAQAB
-----END PUBLIC KEY-----
"""


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def cache_policy(**members: Any) -> dict[str, Any]:
    return {
        "Name": "mine",
        "MinTTL": 0,
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": True,
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        },
        **members,
    }


def test_the_life_of_a_policy(kumoi: Any, config: Config) -> None:
    client = kumoi.client("cloudfront")
    made = client.create_cache_policy(CachePolicyConfig=cache_policy())
    id = made["CachePolicy"]["Id"]
    got = client.get_cache_policy_config(Id=id)
    assert got["CachePolicyConfig"]["MaxTTL"] == 31_536_000
    with pytest.raises(ClientError) as caught:
        client.create_cache_policy(CachePolicyConfig=cache_policy())
    assert code_of(caught) == "CachePolicyAlreadyExists"
    own = client.list_cache_policies(Type="custom")["CachePolicyList"]["Items"]
    assert [item["CachePolicy"]["Id"] for item in own] == [id]
    distribution = client.create_distribution(DistributionConfig=config(behaviour={"CachePolicyId": id}))
    using = client.list_distributions_by_cache_policy_id(CachePolicyId=id)["DistributionIdList"]["Items"]
    assert using == [distribution["Distribution"]["Id"]]
    with pytest.raises(ClientError) as caught:
        client.delete_cache_policy(Id=id, IfMatch=made["ETag"])
    assert code_of(caught) == "CachePolicyInUse"
    updated = client.update_cache_policy(Id=id, IfMatch=made["ETag"], CachePolicyConfig=cache_policy(MaxTTL=99_999))
    assert updated["CachePolicy"]["CachePolicyConfig"]["MaxTTL"] == 99_999
    with pytest.raises(ClientError) as caught:
        client.update_cache_policy(Id=id, IfMatch=made["ETag"], CachePolicyConfig=cache_policy())
    assert code_of(caught) == "PreconditionFailed"


def test_managed_policies(kumoi: Any) -> None:
    client = kumoi.client("cloudfront")
    managed = client.list_cache_policies(Type="managed")["CachePolicyList"]["Items"]
    names = {item["CachePolicy"]["CachePolicyConfig"]["Name"] for item in managed}
    assert {"Managed-CachingOptimized", "Managed-CachingDisabled"} <= names
    with pytest.raises(ClientError) as caught:
        client.delete_cache_policy(Id="4135ea2d-6df8-44a3-9df3-4b5a84be39ad", IfMatch="E1")
    assert code_of(caught) == "IllegalUpdate"
    assert client.list_response_headers_policies(Type="managed")["ResponseHeadersPolicyList"]["Quantity"] == 5
    assert client.list_origin_request_policies()["OriginRequestPolicyList"]["Quantity"] == 8


def test_a_policy_that_disables_caching_keys_nothing(kumoi: Any) -> None:
    given = cache_policy(MinTTL=0, DefaultTTL=0, MaxTTL=0)
    given["ParametersInCacheKeyAndForwardedToOrigin"]["EnableAcceptEncodingGzip"] = False
    with pytest.raises(ClientError) as caught:
        kumoi.client("cloudfront").create_cache_policy(CachePolicyConfig=given)
    message = caught.value.response["Error"]["Message"]
    assert message == "The parameter QueryStringBehavior is invalid for policy with caching disabled."


def test_keys_and_key_groups(kumoi: Any) -> None:
    client = kumoi.client("cloudfront")
    given = {"CallerReference": "1", "Name": "key", "EncodedKey": RSA_KEY}
    key = client.create_public_key(PublicKeyConfig=given)
    id = key["PublicKey"]["Id"]
    assert id.startswith("K")
    group = client.create_key_group(KeyGroupConfig={"Name": "group", "Items": [id]})["KeyGroup"]
    assert client.list_key_groups()["KeyGroupList"]["Items"][0]["KeyGroup"]["Id"] == group["Id"]
    with pytest.raises(ClientError) as caught:
        client.delete_public_key(Id=id, IfMatch=key["ETag"])
    assert code_of(caught) == "PublicKeyInUse"
    with pytest.raises(ClientError) as caught:
        client.create_public_key(PublicKeyConfig={**given, "Name": "bad", "EncodedKey": "garbage"})
    assert code_of(caught) == "InvalidArgument"
    with pytest.raises(ClientError) as caught:
        client.update_public_key(Id=id, IfMatch=key["ETag"], PublicKeyConfig={**given, "Name": "other"})
    assert code_of(caught) == "CannotChangeImmutablePublicKeyFields"


def test_access_to_origins(kumoi: Any) -> None:
    client = kumoi.client("cloudfront")
    control = {
        "Name": "control",
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    made = client.create_origin_access_control(OriginAccessControlConfig=control)["OriginAccessControl"]
    listed = client.list_origin_access_controls()["OriginAccessControlList"]
    assert listed["Items"][0]["Id"] == made["Id"]
    given = {"CallerReference": "1", "Comment": "c"}
    identity = client.create_cloud_front_origin_access_identity(CloudFrontOriginAccessIdentityConfig=given)
    again = client.create_cloud_front_origin_access_identity(CloudFrontOriginAccessIdentityConfig=given)
    one = identity["CloudFrontOriginAccessIdentity"]
    assert again["CloudFrontOriginAccessIdentity"]["Id"] == one["Id"]
    assert len(one["S3CanonicalUserId"]) == 96
    client.delete_cloud_front_origin_access_identity(Id=one["Id"], IfMatch=identity["ETag"])
    with pytest.raises(ClientError) as caught:
        client.get_cloud_front_origin_access_identity(Id=one["Id"])
    assert code_of(caught) == "NoSuchCloudFrontOriginAccessIdentity"
