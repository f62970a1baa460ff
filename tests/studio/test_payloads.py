from __future__ import annotations

import resource
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from kumoi.doorway import payloads as recorder
from kumoi.doorway.payloads import LARGEST, PER_EDGE, Payloads
from kumoi.doorway.redaction import HIDDEN, redacted, secrets_in


def call(span: str, params: dict[str, Any], **given: Any) -> Any:
    plain = {"account": "1", "region": "r", "service": "s", "operation": "o", "source": "a", "node": "b"}
    return cast(Any, SimpleNamespace(span=span, params=params, request_bytes=0, **{**plain, **given}))


def test_secrets_are_hidden_wherever_they_are_named() -> None:
    body = '{"password": "hunter2", "user": "ann"}'
    found = redacted(
        {
            "headers": {"Authorization": "Bearer x", "cookie": ["a=1"], "accept": "*/*"},
            "SecretString": "s",
            "NextToken": "page",
            "Payload": body,
            "list": [{"x-api-key": "k"}],
            "Empty": {"token": ""},
        }
    )
    assert found["headers"] == {"Authorization": HIDDEN, "cookie": HIDDEN, "accept": "*/*"}
    assert (found["SecretString"], found["NextToken"], found["Empty"]) == (HIDDEN, "page", {"token": ""})
    assert orjson.loads(found["Payload"]) == {"password": HIDDEN, "user": "ann"}
    assert found["list"] == [{"x-api-key": HIDDEN}]


@pytest.mark.parametrize(
    ("pair", "hidden"),
    [
        ({"Name": "/db/password", "Type": "String", "Value": "x"}, "Value"),
        ({"Name": "/db/dsn", "Type": "SecureString", "Value": "x"}, "Value"),
        ({"ParameterKey": "DbPassword", "ParameterValue": "x"}, "ParameterValue"),
        ({"key": "Cookie", "value": "x"}, "value"),
        ({"KeyId": "k", "Plaintext": "aHVudGVyMg=="}, "Plaintext"),
        ({"Url": "https://x/", "AccessKey": "k"}, "AccessKey"),
        ({"Name": "colour", "Value": "x"}, None),
    ],
)
def test_a_value_beside_the_name_of_a_secret_is_hidden(pair: dict[str, Any], hidden: str | None) -> None:
    assert redacted([pair]) == [{**pair, **({hidden: HIDDEN} if hidden else {})}]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("id eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", f"id {HIDDEN} end"),
        ("curl -H 'Authorization: Bearer abcdef123456'", f"curl -H 'Authorization: Bearer {HIDDEN}'"),
        ("postgres://app:hunter2@db:5432/x", f"postgres://{HIDDEN}@db:5432/x"),
        (
            "https://b/k?X-Amz-Credential=AK&X-Amz-Signature=ab12&v=1",
            f"https://b/k?X-Amz-Credential={HIDDEN}&X-Amz-Signature={HIDDEN}&v=1",
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            f"-----BEGIN RSA PRIVATE KEY-----{HIDDEN}-----END RSA PRIVATE KEY-----",
        ),
        ("user=ann password=hunter2 n=1", f"user=ann password={HIDDEN} n=1"),
        ("x-db_password-1=hunter2;n=1", f"x-db_password-1={HIDDEN};n=1"),
        ("ghp_0123456789abcdefghij", HIDDEN),
        ("?NextToken=page&n=1", "?NextToken=page&n=1"),
        ("the token of appreciation: a clock", "the token of appreciation: a clock"),
    ],
)
def test_a_secret_is_known_by_its_looks(text: str, shown: str) -> None:
    assert redacted({"message": [text]}) == {"message": [shown]}
    restored = shown
    for part in secrets_in(text):
        restored = restored.replace(HIDDEN, part, 1)
    assert restored == text


def test_looking_for_secrets_takes_a_long_text_little_time() -> None:
    pieces = ("a", "a-", "a.", "://a", "secret", "token-", "eyJ-", "eyJaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----")
    for piece in pieces:
        began = time.thread_time()
        redacted(piece * (LARGEST // len(piece)))
        assert time.thread_time() - began < 5, piece


def test_a_text_that_only_looks_like_json_stays() -> None:
    assert redacted({"a": "{not json"}) == {"a": "{not json"}


@pytest.mark.parametrize("depth", [300, 1000])
def test_a_text_that_is_too_deep_to_be_looked_through_is_hidden(depth: int) -> None:
    assert redacted({"a": "[" * depth + '"x"' + "]" * depth}) == {"a": HIDDEN}


def test_an_edge_keeps_its_last_calls_only() -> None:
    kept = Payloads(on=True)
    for number in range(PER_EDGE + 5):
        kept.record(call(str(number), {"n": number}), {"ok": True})
    assert kept.find("4") is None
    assert kept.find("5") is not None
    kept.record(call("else", {}, node="other"), None)
    assert kept.find("5") is not None


def test_what_is_too_large_or_no_json_is_left_out_and_bytes_are_text() -> None:
    kept = Payloads(on=True)
    kept.record(call("big", {"x": "y" * (LARGEST + 1)}), {"Body": object(), "raw": b"\xff", "text": b"hi"})
    found = kept.find("big")
    assert found is not None and found.given is None and found.answered is not None
    assert orjson.loads(found.answered) == {"Body": "<object>", "raw": {"base64": "/w=="}, "text": "hi"}


def test_together_they_stay_below_a_bound(monkeypatch: Any) -> None:
    monkeypatch.setattr(recorder, "TOGETHER", 8000)
    kept = Payloads(on=True)
    for number in range(20):
        kept.record(call(str(number), {"x": "y" * 800}, node=str(number)), None)
    assert [number for number in range(20) if kept.find(str(number))] == [16, 17, 18, 19]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="Linux alone says how much memory a process has")
def test_a_payload_takes_little_more_memory_than_it_has_bytes() -> None:
    def pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    before = pages()
    kept = [recorder.packed({"id": number}) for number in range(20_000)]
    assert kept[-1] == b'{"id":19999}'
    assert (pages() - before) * resource.getpagesize() < 20_000 * 1_000


def test_an_edge_is_forgotten_with_its_last_call(monkeypatch: Any) -> None:
    monkeypatch.setattr(recorder, "TOGETHER", 8000)
    kept = Payloads(on=True)
    for number in range(200):
        kept.record(call(str(number), {}, node=f"queue-{number}"), None)
    assert len(kept._edges) < 9
    kept.clear("1")
    assert not kept._edges


def test_a_call_that_is_recorded_again_is_kept_once() -> None:
    kept = Payloads(on=True)
    for number in range(PER_EDGE + 5):
        kept.record(call("same", {"n": number}), None)
    kept.record(call("same", {}, node="elsewhere"), None)
    for number in range(PER_EDGE + 5):
        kept.record(call(str(number), {}), None)
    found = kept.find("same")
    assert found is not None and found.given == b"{}"


def test_switching_off_forgets() -> None:
    kept = Payloads(on=True)
    kept.record(call("a", {}), None)
    kept.record(call("b", {}, account="2"), None)
    kept.clear("1")
    assert (kept.find("a"), kept.find("b") is None) == (None, False)
    kept.switch(False)
    assert kept.find("b") is None


def test_a_value_that_is_changed_later_is_kept_as_it_was() -> None:
    kept, params = Payloads(on=True), {"list": [1]}
    kept.record(call("a", params), None)
    params["list"].append(2)
    found = kept.find("a")
    assert found is not None and found.given == b'{"list":[1]}'
