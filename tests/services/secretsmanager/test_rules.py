"""Secrets Manager's pure rules, as tables."""

from __future__ import annotations

import string
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from kumoi.services.secretsmanager.filters import read_filters
from kumoi.services.secretsmanager.naming import Wanted, check_name, parse_id
from kumoi.services.secretsmanager.passwords import random_password
from kumoi.services.secretsmanager.records import Rotation, Secret
from kumoi.services.secretsmanager.rotation_windows import next_window
from kumoi.services.secretsmanager.staging import labelled, relabelled
from kumoi.wire import AwsError

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret"
HERE = ("123456789012", "us-east-1")


@pytest.mark.parametrize(
    ("secret_id", "wanted"),
    [
        ("app/db", Wanted("app/db")),
        ("db-a1b2c3", Wanted("db-a1b2c3")),
        (f"{ARN}:app/db-a1B2c3", Wanted("app/db", "a1B2c3", "app/db-a1B2c3", *HERE)),
        (f"{ARN}:app/db", Wanted("app/db", None, None, *HERE)),
    ],
)
def test_what_a_secret_id_means(secret_id: str, wanted: Wanted) -> None:
    assert parse_id(secret_id) == wanted


@pytest.mark.parametrize("secret_id", ["arn:", "arn:aws:s3:::x", f"{ARN}:", f"{ARN[:-6]}other:x"])
def test_arns_of_other_things(secret_id: str) -> None:
    with pytest.raises(AwsError) as error:
        parse_id(secret_id)
    assert error.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize("name", ["a b", "ü", "a\n", "a*"])
def test_names_that_cannot_be(name: str) -> None:
    with pytest.raises(AwsError):
        check_name(name)
    check_name("Valid/_+=.@!-Name")


@pytest.mark.parametrize(
    ("before", "version", "labels", "after"),
    [
        ({}, "1", ["AWSCURRENT"], {"AWSCURRENT": "1"}),
        ({"AWSCURRENT": "1"}, "2", ["AWSCURRENT"], {"AWSCURRENT": "2", "AWSPREVIOUS": "1"}),
        (
            {"AWSCURRENT": "2", "AWSPREVIOUS": "1"},
            "3",
            ["AWSCURRENT", "own"],
            {"AWSCURRENT": "3", "AWSPREVIOUS": "2", "own": "3"},
        ),
        ({"AWSCURRENT": "1"}, "2", ["AWSPENDING"], {"AWSCURRENT": "1", "AWSPENDING": "2"}),
        ({"AWSCURRENT": "2", "AWSPREVIOUS": "1"}, "1", ["AWSCURRENT"], {"AWSCURRENT": "1", "AWSPREVIOUS": "2"}),
    ],
)
def test_where_labels_go(before: dict[str, str], version: str, labels: list[str], after: dict[str, str]) -> None:
    assert labelled(before, version, labels) == after


STAGES = {"AWSCURRENT": "1", "AWSPENDING": "2", "own": "1"}


@pytest.mark.parametrize(
    ("label", "remove", "move", "after"),
    [
        ("AWSCURRENT", "1", "2", {"AWSCURRENT": "2", "AWSPREVIOUS": "1", "AWSPENDING": "2", "own": "1"}),
        ("own", "1", None, {"AWSCURRENT": "1", "AWSPENDING": "2"}),
        ("new", None, "2", {**STAGES, "new": "2"}),
        ("own", None, "1", STAGES),
    ],
)
def test_labels_are_moved_by_those_who_name_the_holder(
    label: str, remove: str | None, move: str | None, after: dict[str, str]
) -> None:
    assert relabelled(STAGES, label, remove_from=remove, move_to=move) == after


@pytest.mark.parametrize(
    ("label", "remove", "move"),
    [("own", None, None), ("own", "2", None), ("own", None, "2"), ("AWSCURRENT", "1", None), ("none", "1", "2")],
)
def test_labels_that_are_not_moved(label: str, remove: str | None, move: str | None) -> None:
    with pytest.raises(AwsError) as error:
        relabelled(STAGES, label, remove_from=remove, move_to=move)
    assert error.value.code == "InvalidParameterException"


def test_a_password_has_a_character_of_each_kind() -> None:
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation)
    for _ in range(200):
        password = random_password(4, frozenset(), frozenset(), space=False, each=True)
        assert Counter(next(n for n, kind in enumerate(kinds) if one in kind) for one in password) == Counter(range(4))


def test_a_password_leaves_out_what_is_excluded() -> None:
    without = frozenset(("ExcludePunctuation", "ExcludeUppercase", "ExcludeLowercase"))
    password = random_password(500, frozenset("0123"), without, space=True, each=True)
    assert set(password) == set("456789 ")
    assert len(random_password(33, frozenset(), frozenset(), space=False, each=False)) == 33


@pytest.mark.parametrize(
    ("length", "excluded", "without", "each"),
    [
        (3, "", (), True),
        (9, string.digits, (), True),
        (9, string.digits, ("ExcludePunctuation", "ExcludeUppercase", "ExcludeLowercase"), False),
    ],
)
def test_passwords_that_cannot_be(length: int, excluded: str, without: tuple[str, ...], each: bool) -> None:
    with pytest.raises(AwsError) as error:
        random_password(length, frozenset(excluded), frozenset(without), space=False, each=each)
    assert error.value.code == "InvalidParameterException"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def rotation(**rules: Any) -> Rotation:
    return Rotation(function="f", **rules)


@pytest.mark.parametrize(
    ("rules", "opens", "closes"),
    [
        ({"days": 30}, "2026-03-12T00:00:00", "2026-03-12T23:59:59"),
        ({"days": 1, "duration": "3h"}, "2026-02-11T00:00:00", "2026-02-11T02:59:59"),
        ({"expression": "rate(10 days)"}, "2026-02-20T00:00:00", "2026-02-20T23:59:59"),
        ({"expression": "rate(4 hours)"}, "2026-02-10T16:00:00", "2026-02-10T16:59:59"),
        ({"expression": "cron(0 16 1,15 * ? *)"}, "2026-02-15T16:00:00", "2026-02-15T23:59:59"),
        ({"expression": "cron(0 /8 * * ? *)"}, "2026-02-10T16:00:00", "2026-02-10T16:59:59"),
    ],
)
def test_the_next_window(rules: dict[str, Any], opens: str, closes: str) -> None:
    assert next_window(rotation(**rules), at("2026-02-10T11:30:00")) == (at(opens), at(closes))


@pytest.mark.parametrize(
    "rules",
    [
        {"days": 3, "expression": "rate(3 days)"},
        {"expression": "rate(2 hours)"},
        {"expression": "rate(600 minutes)"},
        {"expression": "cron(5 16 * * ? *)"},
        {"expression": "at(2030-01-01T00:00:00)"},
        {"expression": "cron(0 0 1 1 ? 2020)"},
        {"expression": "often"},
    ],
)
def test_rules_that_cannot_be(rules: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as error:
        next_window(rotation(**rules), at("2026-02-10T11:30:00"))
    assert error.value.code == "InvalidParameterException"


SECRET = Secret(
    name="App/Db",
    suffix="a1b2c3",
    account=HERE[0],
    region=HERE[1],
    created=0,
    changed=0,
    description="The main Database",
    tags={"Team": "Red"},
)


@pytest.mark.parametrize(
    ("key", "values", "holds"),
    [
        ("name", ["App"], True),
        ("name", ["app"], False),
        ("name", ["Db"], False),
        ("name", ["!App"], False),
        ("name", ["x", "App/"], True),
        ("description", ["the main"], True),
        ("description", ["database"], True),
        ("tag-key", ["Te"], True),
        ("tag-value", ["red"], False),
        ("all", ["red database"], True),
        ("all", ["red green"], False),
        ("primary-region", ["us"], False),
        ("owning-service", ["rds"], False),
    ],
)
def test_filters(key: str, values: list[str], holds: bool) -> None:
    (test,) = read_filters([{"Key": key, "Values": values}])
    assert test(SECRET) is holds
