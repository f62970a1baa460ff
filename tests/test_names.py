from __future__ import annotations

import base64
import os
import re
import uuid as standard

import pytest

from kumoi.names import Arn, arn, hex_id, host_id, span_id, trace_id, unique_id, uuid


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f:1",
        "arn:aws:s3:::bucket/key:with:colons",
        "arn:aws-cn:iam::123456789012:role/path/r",
    ],
)
def test_arns_come_back(text: str) -> None:
    assert str(Arn.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:s3::", "arn:aws:s3:::", "nra:aws:s3:::b", "arn::s3:::b", "arn:aws::::b"]
)
def test_what_is_no_arn(text: str) -> None:
    with pytest.raises(ValueError, match="not an ARN"):
        Arn.parse(text)


def test_a_region_has_its_partition() -> None:
    assert arn("sqs", "cn-north-1", "1", "q") == "arn:aws-cn:sqs:cn-north-1:1:q"
    assert arn("sqs", "us-gov-west-1", "1", "q") == "arn:aws-us-gov:sqs:us-gov-west-1:1:q"
    assert arn("iam", "", "1", "role/r") == "arn:aws:iam::1:role/r"


def test_ids_have_their_published_forms() -> None:
    ids = {uuid() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(standard.UUID(one).version == 4 and str(standard.UUID(one)) == one for one in ids)
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", unique_id("AROA"))
    assert re.fullmatch(r"[0-9a-f]{7}", hex_id(7))
    assert re.fullmatch(r"1-59682f00-[0-9a-f]{24}", trace_id(1_500_000_000.9))


def test_ids_that_are_drawn_in_stock_are_all_different() -> None:
    for draw in (uuid, span_id, host_id, lambda: trace_id(0)):
        assert len({draw() for _ in range(2000)}) == 2000
    assert re.fullmatch(r"[0-9a-f]{16}", span_id())
    assert len(base64.b64decode(host_id(), validate=True)) == 48


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked elsewhere")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_draws_ids_of_its_own() -> None:
    def drawn() -> str:
        return " ".join(draw() for draw in (uuid, span_id, host_id, lambda: trace_id(0)) for _ in range(3))

    drawn()
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, drawn().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 65_536).decode()
    os.close(reading)
    os.close(writing)
    assert len(theirs.split()) == 12
    assert not set(theirs.split()) & set(drawn().split())
