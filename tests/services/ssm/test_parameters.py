"""Parameters through boto3."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

Put = Callable[..., int]
Refused = Callable[..., tuple[str, str]]


def names(answer: dict[str, Any]) -> list[str]:
    return [one["Name"] for one in answer["Parameters"]]


def test_a_parameter_is_put_read_overwritten_and_deleted(kumoi: Any, ssm: Any, put: Put, refused: Refused) -> None:
    assert put("/app/url", "http://a", Description="where") == 1
    assert refused(ssm.put_parameter, Name="/app/url", Value="b", Type="String") == (
        "ParameterAlreadyExists",
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    )
    assert ssm.put_parameter(Name="/app/url", Value="http://b", Overwrite=True)["Version"] == 2
    found = ssm.get_parameter(Name="/app/url")["Parameter"]
    assert found.pop("LastModifiedDate")
    assert found == {
        "Name": "/app/url",
        "Type": "String",
        "Value": "http://b",
        "Version": 2,
        "ARN": f"arn:aws:ssm:us-east-1:{kumoi.account}:parameter/app/url",
        "DataType": "text",
    }
    (described,) = ssm.describe_parameters()["Parameters"]
    assert described["Description"] == "where"  # kept, as nothing else was said
    assert described["LastModifiedUser"] == f"arn:aws:iam::{kumoi.account}:root"
    ssm.delete_parameter(Name="/app/url")
    assert refused(ssm.get_parameter, Name="/app/url")[0] == "ParameterNotFound"
    assert refused(ssm.delete_parameter, Name="/app/url")[0] == "ParameterNotFound"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Type": None}, "ValidationException"),
        ({"Type": "Number"}, "ValidationException"),
        ({"Value": ""}, "ValidationException"),
        ({"Value": "x" * 4097}, "ValidationException"),
        ({"KeyId": "alias/k"}, "ValidationException"),
        ({"Tags": [{"Key": "a", "Value": "b"}], "Overwrite": True}, "ValidationException"),
        ({"Tags": [{"Key": str(n), "Value": "b"} for n in range(51)]}, "TooManyTagsError"),
        ({"AllowedPattern": "[0-9]+", "Value": "12a"}, "ParameterPatternMismatchException"),
        ({"AllowedPattern": "[0-9", "Value": "1"}, "InvalidAllowedPatternException"),
        ({"AllowedPattern": "(a|a)*", "Value": "a" * 64 + "b"}, "InvalidAllowedPatternException"),
        ({"Policies": "nonsense", "Tier": "Advanced"}, "InvalidPolicyAttributeException"),
        ({"DataType": "number"}, "ValidationException"),
    ],
)
def test_what_cannot_be_put(ssm: Any, refused: Refused, params: dict[str, Any], code: str) -> None:
    given = {"Name": "p", "Value": "v", "Type": "String", **params}
    given = {name: value for name, value in given.items() if value is not None}
    assert refused(ssm.put_parameter, **given)[0] == code
    assert names(ssm.describe_parameters()) == []


def test_a_type_stays_and_a_pattern_holds_for_later_versions(ssm: Any, put: Put, refused: Refused) -> None:
    put("n", "1", AllowedPattern="[0-9]+")
    kept = {"Name": "n", "Overwrite": True}
    assert refused(ssm.put_parameter, Value="2", Type="StringList", **kept)[0] == "HierarchyTypeMismatchException"
    assert refused(ssm.put_parameter, Value="two", **kept)[0] == "ParameterPatternMismatchException"
    ssm.put_parameter(Value="2", **kept)
    ssm.put_parameter(Value="two", AllowedPattern="[a-z]+", **kept)
    assert ssm.get_parameter(Name="n")["Parameter"]["Value"] == "two"


def test_a_secure_string_is_ciphertext_unless_decryption_is_asked_for(ssm: Any, put: Put) -> None:
    put("/s", "hunter2", Type="SecureString")
    hidden = ssm.get_parameter(Name="/s")["Parameter"]["Value"]
    assert b"hunter2" not in base64.b64decode(hidden, validate=True)
    assert ssm.get_parameter(Name="/s", WithDecryption=True)["Parameter"]["Value"] == "hunter2"
    assert ssm.describe_parameters()["Parameters"][0]["KeyId"] == "alias/aws/ssm"
    by_path = ssm.get_parameters_by_path(Path="/", WithDecryption=True)["Parameters"]
    assert [one["Value"] for one in by_path] == ["hunter2"]
    assert ssm.get_parameter_history(Name="/s")["Parameters"][0]["Value"] == hidden


def test_versions_and_labels_are_selected_by_name(kumoi: Any, ssm: Any, put: Put, refused: Refused) -> None:
    for value in ("one", "two", "three"):
        put("v", value, Overwrite=True)
    labelled = ssm.label_parameter_version(Name="v", ParameterVersion=1, Labels=["prod", "1st"])
    assert (labelled["InvalidLabels"], labelled["ParameterVersion"]) == (["1st"], 1)
    by_label = ssm.get_parameter(Name="v:prod")["Parameter"]
    assert (by_label["Value"], by_label["Selector"], by_label["Name"]) == ("one", ":prod", "v")
    assert ssm.get_parameter(Name="v:2")["Parameter"]["Value"] == "two"
    arn = f"arn:aws:ssm:us-east-1:{kumoi.account}:parameter/v"
    assert ssm.get_parameter(Name=f"{arn}:1")["Parameter"]["Value"] == "one"
    for missing in ("v:9", "v:none"):
        assert refused(ssm.get_parameter, Name=missing)[0] == "ParameterVersionNotFound"
    assert ssm.label_parameter_version(Name="v", Labels=["prod"])["ParameterVersion"] == 3
    assert ssm.get_parameter(Name="v:prod")["Parameter"]["Value"] == "three"
    history = ssm.get_parameter_history(Name="v", MaxResults=2)
    assert [one["Value"] for one in history["Parameters"]] == ["one", "two"]
    rest = ssm.get_parameter_history(Name="v", NextToken=history["NextToken"])["Parameters"]
    assert [(one["Value"], one["Labels"]) for one in rest] == [("three", ["prod"])]
    answer = ssm.unlabel_parameter_version(Name="v", ParameterVersion=3, Labels=["prod", "other"])
    assert (answer["RemovedLabels"], answer["InvalidLabels"]) == (["prod"], ["other"])
    many = [f"l{n}" for n in range(10)]
    ssm.label_parameter_version(Name="v", Labels=many)
    over = refused(ssm.label_parameter_version, Name="v", Labels=["more"])
    assert over[0] == "ParameterVersionLabelLimitExceeded"
    assert refused(ssm.label_parameter_version, Name="v", ParameterVersion=7, Labels=["x"])[0] == (
        "ParameterVersionNotFound"
    )
    assert refused(ssm.label_parameter_version, Name="none", Labels=["x"])[0] == "ParameterNotFound"


def test_a_hundred_versions_are_kept_unless_the_oldest_has_a_label(ssm: Any, put: Put, refused: Refused) -> None:
    for number in range(100):
        put("v", str(number), Overwrite=True)
    ssm.label_parameter_version(Name="v", ParameterVersion=1, Labels=["keep"])
    code, text = refused(ssm.put_parameter, Name="v", Value="x", Overwrite=True)
    assert code == "ParameterMaxVersionLimitExceeded"
    assert "Version 1, the oldest version" in text
    ssm.unlabel_parameter_version(Name="v", ParameterVersion=1, Labels=["keep"])
    assert put("v", "100", Overwrite=True) == 101
    assert refused(ssm.get_parameter, Name="v:1")[0] == "ParameterVersionNotFound"
    assert ssm.get_parameter(Name="v:2")["Parameter"]["Value"] == "1"


def test_several_are_read_and_deleted_at_once(ssm: Any, put: Put) -> None:
    put("a")
    put("/b/c")
    answer = ssm.get_parameters(Names=["a", "/b/c", "none", "a:7"])
    assert names(answer) == ["a", "/b/c"]
    assert answer["InvalidParameters"] == ["none", "a:7"]
    gone = ssm.delete_parameters(Names=["a", "none"])
    assert (gone["DeletedParameters"], gone["InvalidParameters"]) == (["a"], ["none"])
    assert names(ssm.describe_parameters()) == ["/b/c"]


def test_what_lies_below_a_path_comes_in_pages(ssm: Any, put: Put, refused: Refused) -> None:
    for name in ("/p/a", "/p/b", "/p/c/d", "/p/c/e", "/pq/x", "top"):
        put(name)
    put("/p/z", Type="StringList")
    assert names(ssm.get_parameters_by_path(Path="/p")) == ["/p/a", "/p/b", "/p/z"]
    assert names(ssm.get_parameters_by_path(Path="/p/", Recursive=True)) == [
        *("/p/a", "/p/b", "/p/c/d", "/p/c/e", "/p/z")
    ]
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path="/p", Recursive=True, PaginationConfig={"PageSize": 2}
    )
    assert [names(one) for one in pages] == [["/p/a", "/p/b"], ["/p/c/d", "/p/c/e"], ["/p/z"]]
    assert names(ssm.get_parameters_by_path(Path="/")) == ["top"]
    lists = [{"Key": "Type", "Values": ["StringList"]}]
    assert names(ssm.get_parameters_by_path(Path="/p", ParameterFilters=lists)) == ["/p/z"]
    ssm.label_parameter_version(Name="/p/a", Labels=["prod"])
    put("/p/a", "later", Overwrite=True)
    labelled = ssm.get_parameters_by_path(Path="/p", ParameterFilters=[{"Key": "Label", "Values": ["prod"]}])
    assert [(one["Name"], one["Version"]) for one in labelled["Parameters"]] == [("/p/a", 1)]
    assert refused(ssm.get_parameters_by_path, Path="p")[0] == "ValidationException"
    assert refused(ssm.get_parameters_by_path, Path="/p", NextToken="%")[0] == "InvalidNextToken"
    by_name = [{"Key": "Name", "Values": ["/p/a"]}]
    assert refused(ssm.get_parameters_by_path, Path="/p", ParameterFilters=by_name)[0] == "InvalidFilterKey"


def test_pages_go_on_past_what_is_skipped(ssm: Any, put: Put) -> None:
    for number in range(205):
        put(f"/deep/{number:03}/x")
    put("/deep/last")
    assert names(ssm.get_parameters_by_path(Path="/deep")) == ["/deep/last"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"Key": "Name", "Values": ["/f/a"]}, ["/f/a"]),
        ({"Key": "Name", "Option": "BeginsWith", "Values": ["/f/"]}, ["/f/a", "/f/b/c"]),
        ({"Key": "Name", "Option": "Contains", "Values": ["/b/"]}, ["/f/b/c"]),
        ({"Key": "Type", "Values": ["SecureString"]}, ["s"]),
        ({"Key": "KeyId", "Option": "BeginsWith", "Values": ["alias/"]}, ["s"]),
        ({"Key": "Path", "Values": ["/f"]}, ["/f/a"]),
        ({"Key": "Path", "Option": "Recursive", "Values": ["/f"]}, ["/f/a", "/f/b/c"]),
        ({"Key": "Tier", "Values": ["Standard"]}, ["/f/a", "/f/b/c", "s"]),
        ({"Key": "tag:team", "Values": ["red"]}, ["/f/a"]),
        ({"Key": "tag:team"}, ["/f/a"]),
        ({"Key": "Name", "Option": "Near", "Values": ["x"]}, "InvalidFilterOption"),
        ({"Key": "Path", "Option": "Equals", "Values": ["/x"]}, "InvalidFilterOption"),
        ({"Key": "Path", "Values": ["x"]}, "ValidationException"),
        ({"Key": "Label", "Values": ["x"]}, "InvalidFilterKey"),
        ({"Key": "Type", "Values": ["Number"]}, "InvalidFilterValue"),
        ({"Key": "Name"}, "InvalidFilterValue"),
    ],
)
def test_filters(ssm: Any, put: Put, refused: Refused, given: dict[str, Any], found: Any) -> None:
    put("/f/a", Tags=[{"Key": "team", "Value": "red"}])
    put("/f/b/c")
    put("s", Type="SecureString")
    if isinstance(found, str):
        assert refused(ssm.describe_parameters, ParameterFilters=[given])[0] == found
    else:
        assert names(ssm.describe_parameters(ParameterFilters=[given])) == found


def test_filters_of_old_and_two_of_a_kind(ssm: Any, put: Put, refused: Refused) -> None:
    put("one")
    put("two")
    old = [{"Key": "Name", "Values": ["tw"]}]
    assert names(ssm.describe_parameters(Filters=old)) == ["two"]
    new = [{"Key": "Name", "Values": ["two"]}]
    assert refused(ssm.describe_parameters, Filters=old, ParameterFilters=new)[0] == "ValidationException"
    assert refused(ssm.describe_parameters, ParameterFilters=new * 2)[0] == "InvalidFilterKey"


def test_tags(kumoi: Any, ssm: Any, put: Put, refused: Refused) -> None:
    put("/t", Tags=[{"Key": "a", "Value": "1"}])
    place = {"ResourceType": "Parameter", "ResourceId": "/t"}
    ssm.add_tags_to_resource(**place, Tags=[{"Key": "b", "Value": "2"}])
    ssm.remove_tags_from_resource(**place, TagKeys=["a"])
    assert ssm.list_tags_for_resource(**place)["TagList"] == [{"Key": "b", "Value": "2"}]
    assert refused(ssm.list_tags_for_resource, ResourceType="Parameter", ResourceId="none")[0] == "InvalidResourceId"
    assert refused(ssm.list_tags_for_resource, ResourceType="Document", ResourceId="x")[0] == "InvalidResourceType"


def test_parameters_of_aws_are_told_to_be_missing(ssm: Any, refused: Refused) -> None:
    image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    code, text = refused(ssm.get_parameter, Name=image)
    assert code == "ParameterNotFound"
    assert "machine images" in text
    assert ssm.get_parameters(Names=[image])["InvalidParameters"] == [image]
    assert refused(ssm.get_parameters_by_path, Path="/aws/service/global-infrastructure")[0] == "ParameterNotFound"


def test_what_is_not_parameter_store_says_so(ssm: Any, refused: Refused) -> None:
    code, text = refused(ssm.list_documents)
    assert code == "NotImplemented"
    assert "docs/ssm.md" in text
