"""Repositories through boto3 and templates: kept with their settings; images are none."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
LIFECYCLE = json.dumps({"rules": []}, indent=100)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_repository_lives_and_has_settings(kumoi: Any) -> None:
    ecr = kumoi.client("ecr")
    made = ecr.create_repository(repositoryName="shop/api", tags=[{"Key": "team", "Value": "cats"}])["repository"]
    assert made["repositoryUri"] == f"{kumoi.account}.dkr.ecr.us-east-1.amazonaws.com/shop/api"
    with pytest.raises(ClientError) as error:
        ecr.create_repository(repositoryName="shop/api")
    assert code(error) == "RepositoryAlreadyExistsException"
    with pytest.raises(ClientError) as error:
        ecr.get_repository_policy(repositoryName="shop/api")
    assert code(error) == "RepositoryPolicyNotFoundException"
    ecr.set_repository_policy(repositoryName="shop/api", policyText=POLICY)
    assert ecr.get_repository_policy(repositoryName="shop/api")["policyText"] == POLICY
    ecr.put_lifecycle_policy(repositoryName="shop/api", lifecyclePolicyText=LIFECYCLE)
    assert ecr.delete_lifecycle_policy(repositoryName="shop/api")["lifecyclePolicyText"] == LIFECYCLE
    ecr.put_image_tag_mutability(repositoryName="shop/api", imageTagMutability="IMMUTABLE")
    ecr.tag_resource(resourceArn=made["repositoryArn"], tags=[{"Key": "stage", "Value": "dev"}])
    ecr.untag_resource(resourceArn=made["repositoryArn"], tagKeys=["team"])
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "stage", "Value": "dev"}]
    (told,) = ecr.describe_repositories(repositoryNames=["shop/api"])["repositories"]
    assert told["imageTagMutability"] == "IMMUTABLE"
    assert ecr.list_images(repositoryName="shop/api")["imageIds"] == []
    with pytest.raises(ClientError) as error:
        ecr.describe_images(repositoryName="shop/api", imageIds=[{"imageTag": "v1"}])
    assert code(error) == "ImageNotFoundException"
    ecr.delete_repository(repositoryName="shop/api")
    with pytest.raises(ClientError) as error:
        ecr.describe_repositories(repositoryNames=["shop/api"])
    assert code(error) == "RepositoryNotFoundException"


def test_tags_that_are_set_at_once_are_all_kept(kumoi: Any) -> None:
    ecr = kumoi.client("ecr")
    arn = ecr.create_repository(repositoryName="tagged")["repository"]["repositoryArn"]
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(lambda n: ecr.tag_resource(resourceArn=arn, tags=[{"Key": n, "Value": n}]), "abcdefghijklmnop")
        )
    assert {one["Key"] for one in ecr.list_tags_for_resource(resourceArn=arn)["tags"]} == set("abcdefghijklmnop")


def test_pages(kumoi: Any) -> None:
    ecr = kumoi.client("ecr")
    for number in range(5):
        ecr.create_repository(repositoryName=f"r{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    assert [one["repositoryName"] for page in pages for one in page["repositories"]] == [f"r{n}" for n in range(5)]


def test_what_cannot_be_says_so(kumoi: Any) -> None:
    ecr = kumoi.client("ecr")
    ecr.create_repository(repositoryName="aa")
    for call in (
        lambda: ecr.set_repository_policy(repositoryName="aa", policyText="{"),
        lambda: ecr.tag_resource(resourceArn="arn:aws:ecr:us-east-1:1:image/aa", tags=[]),
        lambda: ecr.tag_resource(resourceArn="aa", tags=[]),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert code(error) == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        ecr.get_authorization_token()
    assert code(error) == "NotImplemented"


def test_a_template_makes_changes_and_deletes_one(kumoi: Any) -> None:
    stacks, ecr = kumoi.client("cloudformation"), kumoi.client("ecr")

    def template(**properties: Any) -> str:
        return json.dumps({"Resources": {"R": {"Type": "AWS::ECR::Repository", "Properties": properties}}})

    lifecycle = {"LifecyclePolicyText": '{"rules": []}'}
    stacks.create_stack(StackName="s", TemplateBody=template(LifecyclePolicy=lifecycle, RepositoryPolicyText={"a": 1}))
    (made,) = ecr.describe_repositories()["repositories"]
    assert ecr.get_lifecycle_policy(repositoryName=made["repositoryName"])["lifecyclePolicyText"] == '{"rules": []}'
    scanning = {"ScanOnPush": True}
    stacks.update_stack(StackName="s", TemplateBody=template(ImageScanningConfiguration=scanning))
    (changed,) = ecr.describe_repositories()["repositories"]
    assert changed["imageScanningConfiguration"] == {"scanOnPush": True}
    with pytest.raises(ClientError):
        ecr.get_repository_policy(repositoryName=made["repositoryName"])
    stacks.delete_stack(StackName="s")
    assert ecr.describe_repositories()["repositories"] == []
