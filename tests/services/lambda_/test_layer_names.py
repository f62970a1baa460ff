"""How layers are named, as tables."""

from __future__ import annotations

import pytest

from kumoi.services.lambda_.layer_names import LayerName, parse_layer, parse_layer_version
from kumoi.wire.errors import AwsError

HERE = ("000000000000", "us-east-1")
THEIRS = "arn:aws:lambda:eu-west-1:123456789012:layer:tools"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tools", LayerName(*HERE, "tools", 0)),
        ("tools:3", LayerName(*HERE, "tools", 3)),
        (THEIRS, LayerName("123456789012", "eu-west-1", "tools", 0)),
        (f"{THEIRS}:3", LayerName("123456789012", "eu-west-1", "tools", 3)),
    ],
)
def test_a_layer_is_named_by_itself_or_by_its_arn(text: str, name: LayerName) -> None:
    assert parse_layer(text, *HERE) == name


@pytest.mark.parametrize("text", ["", "a b", "t" * 141, "arn:aws:s3:::bucket", f"{THEIRS}:", f"tools:{'9' * 19}"])
def test_what_names_no_layer_is_refused(text: str) -> None:
    with pytest.raises(AwsError, match="'layerName' failed to satisfy constraint") as refused:
        parse_layer(text, *HERE)
    assert refused.value.code == "ValidationException"


def test_a_version_is_named_by_its_arn() -> None:
    assert parse_layer_version(f"{THEIRS}:3") == LayerName("123456789012", "eu-west-1", "tools", 3)
    for text in ("tools:3", THEIRS, f"{THEIRS}:x", f"{THEIRS}:{'9' * 19}"):
        with pytest.raises(AwsError, match="'arn' failed to satisfy constraint"):
            parse_layer_version(text)
