"""Templates and code tried without an API."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

CONTEXT = json.dumps({"arguments": {"id": "abc", "n": 5, "ids": ["a", "b"], "input": {"title": "t", "n": 5}}})
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ('#if($ctx.args.n>3)"big"#{else}"small"#end', "big"),
        ('"#foreach($e in $ctx.args.input.entrySet())$e.key=$e.value;#end"', "title=t;n=5;"),
        ('"#foreach($i in $ctx.args.ids)$i#if($foreach.hasNext),#end#end"', "a,b"),
        ('#set($m={})$util.qr($m.put("a",[1,2]))$util.toJson($m)', {"a": [1, 2]}),
        ('$util.toJson($util.map.copyAndRemoveAllKeys($ctx.args.input,["n"]))', {"title": "t"}),
        ("$util.defaultIfNull($ctx.args.limit,20)", 20),
        ('#return({"a":1})', {"a": 1}),
        ("$util.dynamodb.toMapValuesJson($ctx.args.input)", {"title": {"S": "t"}, "n": {"N": "5"}}),
        ('"$util.typeOf($ctx.args.ids) $util.isNullOrEmpty("")"', "List true"),
        ('$util.toJson($util.parseJson("[1]"))', [1]),
        (
            '"$util.time.epochMilliSecondsToFormatted(0, "yyyy-MM-dd HH:mm:ssZ", "Asia/Tokyo")"',
            "1970-01-01 09:00:00+0900",
        ),
        ('$util.time.parseFormattedToEpochMilliSeconds("1970-01-02", "yyyy-MM-dd")', 86_400_000),
        ('$util.toJson($util.list.sortList([{"n": 2}, {"n": 1}], false, "n"))', [{"n": 1}, {"n": 2}]),
        ('$util.toJson($util.list.sortList([1, "a"], false, ""))', [1, "a"]),
        ("$util.autoUlid().length()", 26),
        ('$util.time.parseISO8601ToEpochMilliSeconds("1970-01-01T00:00:01Z")', 1000),
        ('$util.toJson([$util.str.normalize("e\u0301", "nfc"), $util.str.normalize("\ufb01", "NFKD")])', ["é", "fi"]),
        (
            '$util.dynamodb.toS3ObjectJson("k", "b", "us-east-1", "v")',
            {"S": '{"s3":{"key":"k","bucket":"b","region":"us-east-1","version":"v"}}'},
        ),
        (
            '#set($made = $util.dynamodb.toS3Object("k", "b", "r"))'
            "$util.toJson($util.dynamodb.fromS3ObjectJson($made.S))",
            {"key": "k", "bucket": "b", "region": "r"},
        ),
        (
            '$util.toJson($util.list.copyAndRetainAll([1, "1", [2], {"a": 1}, 3], [{"a": 1}, [2], 3]))',
            [[2], {"a": 1}, 3],
        ),
        ('$util.toJson($util.list.copyAndRemoveAll([1, "1", [2], {"a": 1}, 3], [{"a": 1}, [2], 3]))', [1, "1"]),
        ('$util.toJson($util.map.copyAndRetainAllKeys($ctx.args.input,["n", "x"]))', {"n": 5}),
        ('$util.toJson($util.str.toReplace("abab", "b", "cc"))', "accacc"),
        ('$util.transform.toElasticsearchQueryDSL({"a": {"lte": 2}})', {"range": {"a": {"lte": 2}}}),
    ],
)
def test_templates(client: Any, template: str, value: Any) -> None:
    answer = client.evaluate_mapping_template(template=template, context=CONTEXT)
    assert json.loads(answer["evaluationResult"]) == value


def test_long_lists_and_texts_take_no_long_time(client: Any) -> None:
    context = json.dumps({"arguments": {"text": "x" * 10_000}})
    began = time.perf_counter()
    template = "$util.list.copyAndRetainAll([0..14999], [-15000..-1]).size()"
    answer = client.evaluate_mapping_template(template=template, context=context)
    assert answer["evaluationResult"] == "0" and time.perf_counter() - began < 8, "pair by pair: longer"
    template = '$util.str.toReplace($ctx.args.text, "x", $ctx.args.text)'
    answer = client.evaluate_mapping_template(template=template, context=context)
    assert "longer than" in answer["error"]["message"]


def test_what_a_template_raises_is_part_of_the_answer(client: Any) -> None:
    template = (
        '$util.qr($ctx.stash.put("a", 1))$util.log.info("said", 1)$util.appendError("one")$util.error("two", "T")'
    )
    answer = client.evaluate_mapping_template(template=template, context=CONTEXT)
    assert answer["error"]["message"] == "two" and "evaluationResult" not in answer
    assert json.loads(answer["stash"]) == {"a": 1}
    assert answer["logs"] == ["said 1"]
    assert [one["message"] for one in json.loads(answer["outErrors"])] == ["one"]


def test_code(client: Any) -> None:
    code = """
import { util } from '@aws-appsync/utils'; import * as ddb from '@aws-appsync/utils/dynamodb';
export function request(ctx) { const { id, ...v } = ctx.args.input;
  return ddb.put({ key: { id: id ?? util.autoId() }, item: v, condition: { id: { attributeExists: false } } }) }
export const response = (ctx) => { if (ctx.error) util.error(ctx.error.message, ctx.error.type); return ctx.result }
"""
    context = json.dumps({"arguments": {"input": {"id": "1", "t": "x"}}})
    answer = client.evaluate_code(runtime=RUNTIME, code=code, context=context, function="request")
    assert json.loads(answer["evaluationResult"]) == {
        "operation": "PutItem",
        "key": {"id": {"S": "1"}},
        "attributeValues": {"t": {"S": "x"}},
        "condition": {"expression": "(attribute_not_exists(#id))", "expressionNames": {"#id": "id"}},
    }
    failed = json.dumps({"error": {"message": "m", "type": "t"}})
    answer = client.evaluate_code(runtime=RUNTIME, code=code, context=failed, function="response")
    assert answer["error"]["message"] == "m"


CODED = """
export function request(ctx) {
  const s3 = util.dynamodb.toS3Object('k', 'b', 'r');
  return {
    s3, back: util.dynamodb.fromS3ObjectJson(s3.S), largest: util.math.maxVal(1, 2),
    normal: util.str.normalize('e\u0301', 'nfc'),
    xml: util.xml.toMap('<a><b>1</b></a>'), query: util.transform.toElasticsearchQueryDSL({ a: { eq: 1 } }),
    local: util.time.epochMilliSecondsToFormatted(0, 'HH:mm', ctx.args.zone),
  }
}
export const response = () => 1
"""


def test_utilities_of_code(client: Any) -> None:
    context = json.dumps({"arguments": {"zone": "Asia/Tokyo"}})
    answer = client.evaluate_code(runtime=RUNTIME, code=CODED, context=context, function="request")
    assert json.loads(answer["evaluationResult"]) == {
        "s3": {"S": '{"s3":{"key":"k","bucket":"b","region":"r"}}'},
        "back": {"key": "k", "bucket": "b", "region": "r"},
        "largest": 2,
        "normal": "é",
        "xml": {"a": {"b": 1}},
        "query": '{"term":{"a":1}}',
        "local": "09:00",
    }


def test_what_appsync_js_leaves_out(client: Any) -> None:
    code = "export function request(ctx) {\n  while (true) {}\n}\nexport const response = () => 1"
    with pytest.raises(client.exceptions.BadRequestException) as refused:
        client.evaluate_code(code=code, runtime=RUNTIME, context=CONTEXT, function="request")
    answer = refused.value.response
    assert (answer["Error"]["Message"], answer["reason"]) == ("The code contains one or more errors.", "CODE_ERROR")
    (error,) = answer["detail"]["codeErrors"]
    assert error["errorType"] == "UNSUPPORTED_SYNTAX_TYPE"
    assert error["location"] == {"line": 2, "column": 3, "span": 5}


def test_ids_that_sort_in_code(client: Any) -> None:
    code = "export const request = () => [util.autoUlid(), util.autoKsuid()]\nexport const response = () => 1"
    answer = client.evaluate_code(code=code, runtime=RUNTIME, context="{}", function="request")
    ulid, ksuid = json.loads(answer["evaluationResult"])
    assert (len(ulid), len(ksuid)) == (26, 27)
    assert ulid[:2] in ("01", "02") and ksuid.isalnum()
