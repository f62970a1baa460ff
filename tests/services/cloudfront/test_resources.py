"""Distributions, functions and policies out of templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

View = Callable[..., Any]


def template(bucket: str, comment: str) -> dict[str, Any]:
    function = "function handler(event) { event.request.uri += 'index.html'; return event.request }"
    resources = {
        "Control": {
            "Type": "AWS::CloudFront::OriginAccessControl",
            "Properties": {
                "OriginAccessControlConfig": {
                    "Name": "control",
                    "OriginAccessControlOriginType": "s3",
                    "SigningBehavior": "always",
                    "SigningProtocol": "sigv4",
                }
            },
        },
        "Rewrite": {
            "Type": "AWS::CloudFront::Function",
            "Properties": {
                "Name": "rewrite",
                "AutoPublish": True,
                "FunctionCode": function,
                "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"},
            },
        },
        "Policy": {
            "Type": "AWS::CloudFront::CachePolicy",
            "Properties": {
                "CachePolicyConfig": {
                    "Name": "policy",
                    "MinTTL": "0",
                    "DefaultTTL": 60,
                    "MaxTTL": 600,
                    "ParametersInCacheKeyAndForwardedToOrigin": {
                        "EnableAcceptEncodingGzip": "true",
                        "CookiesConfig": {"CookieBehavior": "none"},
                        "HeadersConfig": {"HeaderBehavior": "none"},
                        "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": ["v"]},
                    },
                }
            },
        },
        "Headers": {
            "Type": "AWS::CloudFront::ResponseHeadersPolicy",
            "Properties": {
                "ResponseHeadersPolicyConfig": {
                    "Name": "headers",
                    "CustomHeadersConfig": {"Items": [{"Header": "X-From", "Value": "template", "Override": True}]},
                }
            },
        },
        "Site": {
            "Type": "AWS::CloudFront::Distribution",
            "Properties": {
                "Tags": [{"Key": "kind", "Value": "site"}],
                "DistributionConfig": {
                    "Comment": comment,
                    "Enabled": True,
                    "HttpVersion": "http2and3",
                    "IPV6Enabled": True,
                    "PriceClass": "PriceClass_100",
                    "Origins": [
                        {
                            "Id": "bucket",
                            "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
                            "OriginAccessControlId": {"Fn::GetAtt": ["Control", "Id"]},
                            "S3OriginConfig": {"OriginAccessIdentity": ""},
                        },
                        {
                            "Id": "api",
                            "DomainName": "api.example.com",
                            "CustomOriginConfig": {
                                "OriginProtocolPolicy": "https-only",
                                "OriginSSLProtocols": ["TLSv1.2"],
                            },
                            "OriginCustomHeaders": [{"HeaderName": "X-A", "HeaderValue": "1"}],
                        },
                    ],
                    "DefaultCacheBehavior": {
                        "TargetOriginId": "bucket",
                        "ViewerProtocolPolicy": "redirect-to-https",
                        "CachePolicyId": {"Ref": "Policy"},
                        "ResponseHeadersPolicyId": {"Ref": "Headers"},
                        "AllowedMethods": ["GET", "HEAD", "OPTIONS"],
                        "CachedMethods": ["GET", "HEAD"],
                        "FunctionAssociations": [
                            {"EventType": "viewer-request", "FunctionARN": {"Fn::GetAtt": ["Rewrite", "FunctionARN"]}}
                        ],
                    },
                    "CacheBehaviors": [
                        {
                            "PathPattern": "/api/*",
                            "TargetOriginId": "api",
                            "ViewerProtocolPolicy": "https-only",
                            "ForwardedValues": {"QueryString": "true", "Cookies": {"Forward": "none"}},
                            "MinTTL": 0,
                        }
                    ],
                    "CustomErrorResponses": [
                        {"ErrorCode": 403, "ResponseCode": 200, "ResponsePagePath": "/index.html"}
                    ],
                    "Restrictions": {"GeoRestriction": {"RestrictionType": "blacklist", "Locations": ["AQ"]}},
                    "ViewerCertificate": {"CloudFrontDefaultCertificate": True},
                },
            },
        },
    }
    outputs = {
        "Domain": {"Value": {"Fn::GetAtt": ["Site", "DomainName"]}},
        "Id": {"Value": {"Ref": "Site"}},
        "Function": {"Value": {"Ref": "Rewrite"}},
    }
    return {"Resources": resources, "Outputs": outputs}


def test_a_site_out_of_a_template(kumoi: Any, view: View) -> None:
    client, cloudfront = kumoi.client("cloudformation"), kumoi.client("cloudfront")
    bucket = f"template-{kumoi.account}"
    kumoi.client("s3").create_bucket(Bucket=bucket)
    kumoi.client("s3").put_object(Bucket=bucket, Key="index.html", Body=b"home")
    quick = {"Delay": 1, "MaxAttempts": 60}
    client.create_stack(StackName="site", TemplateBody=json.dumps(template(bucket, "one")))
    client.get_waiter("stack_create_complete").wait(StackName="site", WaiterConfig=quick)
    stack = client.describe_stacks(StackName="site")["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs["Function"] == f"arn:aws:cloudfront::{kumoi.account}:function/rewrite"
    answer = view(outputs["Domain"], "/")
    assert (answer.status, answer.body, answer.headers["x-from"]) == (200, b"home", "template")
    config = cloudfront.get_distribution_config(Id=outputs["Id"])["DistributionConfig"]
    assert config["Restrictions"]["GeoRestriction"]["Items"] == ["AQ"]
    assert config["Origins"]["Items"][1]["CustomOriginConfig"]["OriginSslProtocols"]["Items"] == ["TLSv1.2"]
    arn = f"arn:aws:cloudfront::{kumoi.account}:distribution/{outputs['Id']}"
    tags = {one["Key"]: one["Value"] for one in cloudfront.list_tags_for_resource(Resource=arn)["Tags"]["Items"]}
    assert tags["kind"] == "site"

    client.update_stack(StackName="site", TemplateBody=json.dumps(template(bucket, "two")))
    client.get_waiter("stack_update_complete").wait(StackName="site", WaiterConfig=quick)
    assert cloudfront.get_distribution(Id=outputs["Id"])["Distribution"]["DistributionConfig"]["Comment"] == "two"
    client.delete_stack(StackName="site")
    client.get_waiter("stack_delete_complete").wait(StackName="site", WaiterConfig=quick)
    assert cloudfront.list_distributions()["DistributionList"]["Quantity"] == 0
    assert cloudfront.list_cache_policies(Type="custom")["CachePolicyList"]["Quantity"] == 0
    with pytest.raises(cloudfront.exceptions.NoSuchFunctionExists):
        cloudfront.describe_function(Name="rewrite")
