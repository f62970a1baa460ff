"""Glue's catalog through boto3: databases, tables with versions, partitions found by expressions, tags."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.glue.expressions import compiled
from kumoi.wire.errors import AwsError

KINDS = {"year": "int", "city": "string"}


@pytest.mark.parametrize(
    ("expression", "matched"),
    [
        ("year = 2026", True),
        ("year = '2026' AND city <> 'Bern'", True),
        ("year > 999", True),
        ("city > 'M'", False),
        ("NOT (year BETWEEN 2000 AND 2010)", True),
        ("year IN (2025, 2026) OR city = 'x'", True),
        ("city LIKE 'L%n'", True),
        ("city LIKE 'L_n'", False),
        ("city IS NULL", False),
        ("year = -2026", False),
    ],
)
def test_expressions(expression: str, matched: bool) -> None:
    assert compiled(expression, KINDS)({"year": "2026", "city": "London"}) is matched


def test_a_pattern_of_many_wildcards_does_not_run_away() -> None:
    test = compiled("city LIKE '%a%a%a%a%a%a%a%b'", KINDS)
    began = time.thread_time()
    assert not test({"year": "1", "city": "a" * 1000})
    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    "expression",
    [
        "year", "planet = 1", "year = city", "1 = 1", "year = 'x'", "((((", "year = 1; DROP TABLE x", "a" * 3000,
        "upper(city) = 'X'",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(AwsError) as refused:
        compiled(expression, KINDS)
    assert refused.value.code == "InvalidInputException"


def code(action: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        action()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


TABLE = {
    "Name": "Visits",
    "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "int"}], "Location": "s3://b/v/"},
    "PartitionKeys": [{"Name": "year", "Type": "int"}, {"Name": "city", "Type": "string"}],
}


def test_databases_and_tables(kumoi: Any) -> None:
    glue = kumoi.client("glue")
    glue.create_database(DatabaseInput={"Name": "Farm", "Description": "d"}, Tags={"a": "b"})
    assert code(lambda: glue.create_database(DatabaseInput={"Name": "farm"}))[0] == "AlreadyExistsException"
    assert glue.get_database(Name="FARM")["Database"]["Description"] == "d"
    glue.create_table(DatabaseName="farm", TableInput=TABLE)
    assert code(lambda: glue.create_table(DatabaseName="farm", TableInput=TABLE)) == (
        "AlreadyExistsException", "Table already exists."
    )  # fmt: skip
    glue.update_table(DatabaseName="farm", TableInput={**TABLE, "Description": "new"})
    found = glue.get_table(DatabaseName="farm", Name="visits")["Table"]
    assert (found["Description"], found["VersionId"], found["Name"]) == ("new", "1", "visits")
    versions = glue.get_table_versions(DatabaseName="farm", TableName="visits")["TableVersions"]
    assert [one["VersionId"] for one in versions] == ["1", "0"]
    glue.create_table(DatabaseName="farm", TableInput={"Name": "other"})
    assert [one["Name"] for one in glue.get_tables(DatabaseName="farm", Expression="v.*")["TableList"]] == ["visits"]
    first = glue.get_tables(DatabaseName="farm", MaxResults=1)
    rest = glue.get_tables(DatabaseName="farm", MaxResults=1, NextToken=first["NextToken"])
    assert [one["Name"] for one in (*first["TableList"], *rest["TableList"])] == ["other", "visits"]
    errors = glue.batch_delete_table(DatabaseName="farm", TablesToDelete=["other", "nothing"])["Errors"]
    assert [(one["TableName"], one["ErrorDetail"]["ErrorCode"]) for one in errors] == [
        ("nothing", "EntityNotFoundException")
    ]
    arn = f"arn:aws:glue:us-east-1:{kumoi.account}:database/farm"
    glue.tag_resource(ResourceArn=arn, TagsToAdd={"c": "d"})
    assert glue.get_tags(ResourceArn=arn)["Tags"] == {"a": "b", "c": "d"}
    glue.delete_database(Name="farm")
    assert code(lambda: glue.get_table(DatabaseName="farm", Name="visits")) == (
        "EntityNotFoundException", "Database farm not found."
    )  # fmt: skip


def test_partitions(kumoi: Any) -> None:
    glue = kumoi.client("glue")
    glue.create_database(DatabaseInput={"Name": "farm"})
    glue.create_table(DatabaseName="farm", TableInput=TABLE)
    about = {"DatabaseName": "farm", "TableName": "visits"}
    values = [[str(year), city] for year in (2025, 2026) for city in ("London", "Bern")]
    made = [{"Values": one, "StorageDescriptor": {"Location": "s3://b/x/"}} for one in values]
    assert "Errors" not in glue.batch_create_partition(PartitionInputList=made, **about)
    errors = glue.batch_create_partition(PartitionInputList=made[:1], **about)["Errors"]
    assert errors[0]["ErrorDetail"]["ErrorCode"] == "AlreadyExistsException"
    assert code(lambda: glue.create_partition(PartitionInput={"Values": ["1"]}, **about))[0] == "InvalidInputException"
    found = glue.get_partitions(Expression="year = 2026 AND city = 'Bern'", **about)["Partitions"]
    assert [one["Values"] for one in found] == [["2026", "Bern"]]
    pages = glue.get_paginator("get_partitions").paginate(PaginationConfig={"PageSize": 3}, **about)
    assert [len(page["Partitions"]) for page in pages] == [3, 1]
    first = glue.get_partitions(Expression="city = 'Bern'", MaxResults=1, **about)
    rest = glue.get_partitions(Expression="city = 'Bern'", MaxResults=1, NextToken=first["NextToken"], **about)
    assert [one["Values"][0] for one in (*first["Partitions"], *rest["Partitions"])] == ["2025", "2026"]
    assert "NextToken" not in rest
    segments = [
        glue.get_partitions(Segment={"SegmentNumber": number, "TotalSegments": 2}, **about)["Partitions"]
        for number in range(2)
    ]
    assert sorted(one["Values"] for segment in segments for one in segment) == sorted(values)
    glue.update_partition(PartitionValueList=["2026", "Bern"], PartitionInput={"Values": ["2027", "Bern"]}, **about)
    assert glue.get_partition(PartitionValues=["2027", "Bern"], **about)["Partition"]["Values"] == ["2027", "Bern"]
    glue.delete_partition(PartitionValues=["2027", "Bern"], **about)
    assert code(lambda: glue.get_partition(PartitionValues=["2027", "Bern"], **about))[0] == "EntityNotFoundException"
    got = glue.batch_get_partition(PartitionsToGet=[{"Values": one} for one in values], **about)["Partitions"]
    assert len(got) == 3


def test_partition_indexes(kumoi: Any) -> None:
    glue = kumoi.client("glue")
    glue.create_database(DatabaseInput={"Name": "farm"})
    place = {"DatabaseName": "farm", "TableName": "visits"}
    first = {"IndexName": "by_year", "Keys": ["year"]}
    glue.create_table(DatabaseName="farm", TableInput=TABLE, PartitionIndexes=[first])
    glue.create_partition_index(**place, PartitionIndex={"IndexName": "both", "Keys": ["year", "city"]})
    found = glue.get_partition_indexes(**place)["PartitionIndexDescriptorList"]
    assert [(one["IndexName"], one["IndexStatus"]) for one in found] == [("both", "ACTIVE"), ("by_year", "ACTIVE")]
    assert found[0]["Keys"] == [{"Name": "year", "Type": "int"}, {"Name": "city", "Type": "string"}]
    assert code(lambda: glue.create_partition_index(**place, PartitionIndex=first))[0] == "AlreadyExistsException"
    wrong = {"IndexName": "wrong", "Keys": ["id"]}
    assert code(lambda: glue.create_partition_index(**place, PartitionIndex=wrong))[0] == "InvalidInputException"
    glue.delete_partition_index(**place, IndexName="both")
    assert code(lambda: glue.delete_partition_index(**place, IndexName="both"))[0] == "EntityNotFoundException"
    glue.delete_table(DatabaseName="farm", Name="visits")
    glue.create_table(DatabaseName="farm", TableInput=TABLE)
    assert glue.get_partition_indexes(**place)["PartitionIndexDescriptorList"] == []


def test_many_partitions_are_read_page_by_page(kumoi: Any) -> None:
    glue = kumoi.client("glue")
    glue.create_database(DatabaseInput={"Name": "farm"})
    glue.create_table(DatabaseName="farm", TableInput=TABLE)
    about = {"DatabaseName": "farm", "TableName": "visits"}
    values = [[str(1000 + number), "Bern"] for number in range(2100)]
    for at in range(0, len(values), 100):
        glue.batch_create_partition(PartitionInputList=[{"Values": one} for one in values[at : at + 100]], **about)
    pages = list(glue.get_paginator("get_partitions").paginate(**about))
    assert [len(page["Partitions"]) for page in pages] == [1000, 1000, 100]
    assert [one["Values"] for page in pages for one in page["Partitions"]] == values
    last = glue.get_partitions(Expression="year = 3099", **about)
    assert [one["Values"] for one in last["Partitions"]] == [["3099", "Bern"]]


def test_tables_are_searched(kumoi: Any) -> None:
    glue = kumoi.client("glue")
    for database in ("farm", "shop"):
        glue.create_database(DatabaseInput={"Name": database})
    columns = [{"Name": "id", "Type": "int", "Comment": "of the harvest"}]
    for database, name, about in (
        ("farm", "customer-link", {"Description": "Who buys"}),
        ("farm", "links", {"Parameters": {"team": "Blue"}}),
        ("shop", "orders", {"StorageDescriptor": {"Columns": columns}}),
    ):
        glue.create_table(DatabaseName=database, TableInput={"Name": name, **about})

    def names(**asked: Any) -> list[str]:
        return [one["Name"] for one in glue.search_tables(**asked)["TableList"]]

    assert names() == ["customer-link", "links", "orders"]
    assert (names(SearchText="LINK"), names(SearchText='"links"')) == (["customer-link", "links"], ["links"])
    assert (names(SearchText="blue"), names(SearchText="harvest"), names(SearchText="buys")) == (
        ["links"], ["orders"], ["customer-link"]
    )  # fmt: skip
    assert names(Filters=[{"Key": "Name", "Value": "link"}]) == ["customer-link"]  # by the words of a name
    assert names(Filters=[{"Key": "DatabaseName", "Value": "shop"}], SearchText="links") == []
    after = {"Key": "CreateTime", "Value": "2001-01-01T00:00:00Z", "Comparator": "GREATER_THAN"}
    assert len(names(Filters=[after])) == 3
    newest = {"SortCriteria": [{"FieldName": "Name", "Sort": "DESC"}], "MaxResults": 2}
    first = glue.search_tables(**newest)
    assert [one["Name"] for one in first["TableList"]] == ["orders", "links"]
    assert names(**newest, NextToken=first["NextToken"]) == ["customer-link"]
    refused = code(lambda: glue.search_tables(Filters=[{"Key": "Colour", "Value": "x"}]))
    assert refused[0] == "InvalidInputException"
