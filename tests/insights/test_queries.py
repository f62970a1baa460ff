"""The language's commands and functions, each over the same few events."""

from __future__ import annotations

from typing import Any

import pytest

ID = "8286a188-ba32-4475-8077-530cd35c09a9"
MESSAGES = [
    f"START RequestId: {ID} Version: $LATEST",
    '{"level":"INFO","service":"pay","latency":12.5,"ok":true,"user":{"id":7,"tags":["a","b"]},"status":200}',
    '{"level":"ERROR","service":"pay","latency":40,"ok":false,"status":500,"a.b":"dotted"}',
    '{"level":"INFO","service":"cart","latency":"7","status":204,"note":"it\'s \\"quoted\\" 雲"}',
    f"[INFO]\t2023-11-14T22:13:24.000Z\t{ID}\tpaid 12 EUR from 10.1.2.3",
    f"[WARN]\t2023-11-14T22:13:25.000Z\t{ID}\tpaid 99 EUR from 192.168.0.9",
    f"REPORT RequestId: {ID}\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 45 MB\tInit Duration: 101.2 ms\t\nXRAY TraceId: 1-5e-7\tSegmentId: 2ab\tSampled: true",
    f"END RequestId: {ID}",
    'prefix {"level":"DEBUG","inner":1}',
]


@pytest.fixture(scope="module")
def events(make_events: Any) -> Any:
    return make_events(MESSAGES)


def test_without_commands_the_newest_events_come_with_their_pointers(events: Any) -> None:
    answer = events.answer("", limit=2)
    assert [[one["field"] for one in row] for row in answer.rows] == [["@timestamp", "@message", "@ptr"]] * 2
    assert answer.rows[0][0]["value"] == "2023-11-14 22:13:28.000"
    assert answer.rows[0][1]["value"] == MESSAGES[-1]
    assert answer.statistics["recordsScanned"] == answer.statistics["recordsMatched"] == len(MESSAGES)
    assert answer.statistics["bytesScanned"] == sum(len(message.encode()) for message in MESSAGES)


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("level = 'ERROR'", 1),
        ("level != 'ERROR'", 8),
        ("status >= 204", 2),
        ("status = '200' or status = 204", 2),
        ("status in [200, '500']", 2),
        ("status not in [200, 500]", 7),
        ("ok = 1", 1),
        ("ok = true", 1),
        ("ok = false", 1),
        ('ok = "true"', 1),
        ("latency > 10", 2),
        ("latency = 40", 1),
        ("latency * 2 = 25", 1),
        ("@message like 'paid'", 2),
        ("@message not like 'paid'", 7),
        ("@message like /paid \\d\\d EUR/", 2),
        ("@message =~ /(?i)PAID 1/", 1),
        ("not (level like /./)", 5),
        ("ispresent(user.id)", 1),
        ("user.id = 7", 1),
        ("user.tags.1 = 'b'", 1),
        ("a.b = 'dotted'", 1),
        ("@type = 'REPORT'", 1),
        (f"@requestId = '{ID}'", 5),
        ("@duration > 12 and @billedDuration < 14", 1),
        ("@memorySize = 128000000", 1),
        ("@xrayTraceId = '1-5e-7' and @xraySegmentId = '2ab'", 1),
        ("inner = 1 and level = 'DEBUG'", 1),
        ("isempty(level)", 5),
        ("strcontains(@message, 'EUR') = 1", 2),
        ("note like /quoted/", 1),
        ("level = 'INFO' | filter service = 'pay'", 1),
        ("@logStream = 's' and @log = '1:/aws/lambda/f'", 9),
        ("@timestamp >= 1700000008000", 1),
        ("unknown = 1", 0),
        ("service > 'd'", 2),
        ("level in []", 0),
    ],
)
def test_filters(events: Any, condition: str, count: int) -> None:
    answer = events.answer(f"fields @message | filter {condition}")
    assert len(answer.rows) == count
    assert answer.statistics["recordsMatched"] == count


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3 - -1", "10"),
        ("7 / 2", "3.5"),
        ("1 / 3", "0.3333"),
        ("1 / 0", None),
        ("7 % 4", "3"),
        ("2 ^ 10", "1024"),
        ("@maxMemoryUsed / 1000 / 1000", "45"),
        ("abs(-2)", "2"),
        ("ceil(1.2) + floor(1.8)", "3"),
        ("greatest(1, 5, 3) - least(4, 2)", "3"),
        ("sqrt(16)", "4"),
        ("log(1)", "0"),
        ("log(-1)", None),
        ("round(2.567, 1)", "2.6"),
        ("strlen('雲居')", "2"),
        ("toupper('a')", "A"),
        ("tolower('A')", "a"),
        ("concat('a', 5, 'b')", "a5b"),
        ("trim('  a ')", "a"),
        ("trim('xax', 'x')", "a"),
        ("ltrim(' a')", "a"),
        ("substr('abcdef', 2)", "cdef"),
        ("substr('abcdef', 1, 2)", "bc"),
        ("replace('aXa', 'X', 'b')", "aba"),
        ("regex_replace('a1b22', '[0-9]+', '-')", "a-b-"),
        ("strcontains('abc', 'd')", "0"),
        ("startsWith('abc', 'ab')", "1"),
        ("coalesce(unknown, 'x')", "x"),
        ("coalesce(unknown, 3)", "3"),
        ("if(1 > 2, 'a', 'b')", "b"),
        ("case(1 = 2, 1, 2 = 2, 2, 3)", "2"),
        ("isblank(' ')", "1"),
        ("ispresent(unknown)", "0"),
        ("fromMillis(1700000000123)", "2023-11-14 22:13:20.123"),
        ("toMillis(@timestamp)", "1700000006000"),
        ("datefloor(@timestamp, 1h)", "2023-11-14 22:00:00.000"),
        ("dateceil(@timestamp, 1d)", "2023-11-15 00:00:00.000"),
        ("datefloor(@timestamp, 1mo)", "2023-11-01 00:00:00.000"),
        ("bin(5s)", "2023-11-14 22:13:25.000"),
        ("now()", "1700001000"),
        ("isValidIp('10.0.0.1')", "1"),
        ("isValidIpV4('300.0.0.1')", "0"),
        ("isValidIpV6('2001:db8::1')", "1"),
        ("isIpv4InSubnet('10.1.2.3', '10.1.0.0/16')", "1"),
        ("isIpInSubnet('10.2.2.3', '10.1.0.0/16')", "0"),
        ("isIpv6InSubnet('2001:db8:1::ff', '2001:db8::/32')", "1"),
        ("isIpv6InSubnet('2001:db9::', '2001:db8::/32')", "0"),
        ("isPrivateIP('192.168.1.1')", "1"),
        ("isPublicIP('8.8.8.8')", "1"),
        ("ipv4ToNumber('0.0.1.0')", "256"),
        ("md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("base64decode(base64encode('a b'))", "a b"),
        ("base64decode('%%')", None),
        ("urldecode(urlencode('a b&'))", "a b&"),
        ("jsonStringify(jsonParse('{\"a\": [1]}'))", '{"a":[1]}'),
        ("jsonParse('no json')", None),
        ("unmask(@type)", "REPORT"),
        ("split('a,b', ',')", '["a","b"]'),
        ("toNumber('12.50')", "12.5"),
    ],
)
def test_functions(events: Any, expression: str, value: str | None) -> None:
    (row,) = events.ask(f"filter @type = 'REPORT' | fields {expression} as x")
    assert row.get("x") == value


def test_a_column_without_alias_is_named_by_its_text(events: Any) -> None:
    (row,) = events.ask("filter @type = 'REPORT' | fields  abs( -1 ), @duration")
    assert row == {"abs( -1 )": "1", "@duration": "12.34"}


def test_display_decides_what_is_shown_and_parse_adds_to_it(events: Any) -> None:
    query = "fields @message | parse @message 'paid * EUR from *' as amount, address | filter amount > 50"
    (row,) = events.ask(query)
    assert row == {"@message": MESSAGES[5], "amount": "99", "address": "192.168.0.9"}
    assert events.ask(f"{query} | display address") == [{"address": "192.168.0.9"}]


@pytest.mark.parametrize(
    ("parse", "rows"),
    [
        ("'[*]*paid * EUR' as a, b, c", [("WARN", "99"), ("INFO", "12")]),
        (r"/\[(?<a>\w+)\].*paid (?<c>\d+)/", [("WARN", "99"), ("INFO", "12")]),
        (r"/\[(\w+)\].*paid (\d+)/ as a, c", [("WARN", "99"), ("INFO", "12")]),
    ],
)
def test_parsing_by_glob_and_by_regex(events: Any, parse: str, rows: list[tuple[str, str]]) -> None:
    found = events.ask(f"parse @message {parse} | filter ispresent(a) | display a, c")
    assert [(row["a"], row["c"]) for row in found] == rows


def test_logfmt(make_events: Any) -> None:
    events = make_events(['level=info msg="a b" n=5', "level=warn n=x"])
    found = events.ask("parse @message logfmt as l | display l.level, l.msg, l.n | sort l.n")
    assert found == [{"l.level": "info", "l.msg": "a b", "l.n": "5"}, {"l.level": "warn", "l.n": "x"}]


def test_stats_by_field_and_bin(events: Any) -> None:
    found = events.ask(
        "filter ispresent(status) | stats count(*) as n, avg(latency), max(latency) as m, sum(status) by service "
        "| sort n desc"
    )
    assert found == [
        {"service": "pay", "n": "2", "avg(latency)": "26.25", "m": "40", "sum(status)": "700"},
        {"service": "cart", "n": "1", "avg(latency)": "7", "m": "7", "sum(status)": "204"},
    ]
    bins = events.ask("stats count(*) by bin(5s)")
    assert bins == [
        {"bin(5s)": "2023-11-14 22:13:25.000", "count(*)": "4"},
        {"bin(5s)": "2023-11-14 22:13:20.000", "count(*)": "5"},
    ]
    shifted = events.ask("stats count(*) as n by bin(5s) as t offset 1s | sort t")
    assert [row["n"] for row in shifted] == ["1", "5", "3"]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ("count()", "9"),
        ("count(level)", "4"),
        ("count_distinct(level)", "3"),
        ("min(latency)", "7"),
        ("max(level)", "INFO"),
        ("sortsFirst(level)", "DEBUG"),
        ("sortsLast(level)", "INFO"),
        ("pct(status, 50)", "204"),
        ("median(status)", "204"),
        ("stddev(latency)", "17.64"),
        ("earliest(level)", "INFO"),
        ("latest(level)", "DEBUG"),
        ("earliest(@timestamp)", "1700000000000"),
        ("max(@timestamp) - min(@timestamp)", "8000"),
        ("sum(latency) / count(latency)", "19.8333"),
        ("values(service)", '["cart","pay"]'),
        ("count_over_time(*)", "9"),
        ("rate(toMillis(@timestamp), 1s)", "1000"),
    ],
)
def test_aggregates(events: Any, aggregate: str, value: str) -> None:
    (row,) = events.ask(f"stats {aggregate} as x")
    if "stddev" in aggregate:
        assert float(row["x"]) == pytest.approx(17.64, abs=0.1)
    else:
        assert row["x"] == value


def test_stats_over_stats(events: Any) -> None:
    answer = events.answer("stats count(*) as n by level, service | stats max(n) as most, count(*) as groups")
    assert answer.rows == [[{"field": "most", "value": "5"}, {"field": "groups", "value": "5"}]]
    assert answer.statistics["recordsMatched"] == len(MESSAGES)


def test_stats_of_nothing_have_no_rows(events: Any) -> None:
    assert events.ask("filter level = 'NONE' | stats count(*)") == []


def test_histogram(events: Any) -> None:
    found = events.ask("filter latency > 0 | stats count(*) as n by histogram(latency, 10) as h | sort h")
    assert found == [{"h": "0", "n": "1"}, {"h": "10", "n": "1"}, {"h": "40", "n": "1"}]


def test_sorting_numbers_before_texts(make_events: Any) -> None:
    events = make_events(['{"v":10}', '{"v":"9"}', '{"v":"x"}', "{}", '{"v":-1}'])
    assert [row.get("v") for row in events.ask("fields v | sort v asc")] == ["-1", "9", "10", "x", None]
    assert [row.get("v") for row in events.ask("fields v | sort v desc")] == ["10", "9", "-1", "x", None]
    assert [row["v"] for row in events.ask("fields v | sort abs(v) desc, @timestamp | limit 2")] == ["10", "9"]


def test_dedup_keeps_the_first_in_order(events: Any) -> None:
    found = events.ask("filter ispresent(service) | sort latency desc | dedup service | display service, latency")
    assert found == [{"service": "pay", "latency": "40"}, {"service": "cart", "latency": "7"}]


def test_limits(events: Any) -> None:
    assert len(events.ask("fields @message | limit 3")) == 3
    assert len(events.ask("fields @message | sort level | limit 3", limit=100)) == 3
    assert events.ask("sort @timestamp asc | limit 4 | stats count(level) as n") == [{"n": "3"}]


def test_oldest_first(events: Any) -> None:
    found = events.ask("fields @message | sort @timestamp asc | limit 1")
    assert found == [{"@message": MESSAGES[0]}]


def test_unnest_makes_a_record_of_each_element(make_events: Any) -> None:
    events = make_events(['{"items":[{"n":1},{"n":2}],"id":"a"}', '{"items":3,"id":"b"}'])
    found = events.ask(
        "fields jsonParse(@message) as j | unnest j.items into item | display id, item.n, item | sort id"
    )
    assert found == [
        {"id": "a", "item.n": "1", "item": '{"n":1}'},
        {"id": "a", "item.n": "2", "item": '{"n":2}'},
        {"id": "b", "item": "3"},
    ]


def test_json_parsed_from_a_field(make_events: Any) -> None:
    events = make_events(['{"body":"{\\"a\\":{\\"b\\":[5,6]}}"}'])
    assert events.ask("fields jsonParse(body) as j | display j.a.b[1], j.a.b.0, j.a") == [
        {"j.a.b[1]": "6", "j.a.b.0": "5", "j.a": '{"b":[5,6]}'}
    ]


def test_join(make_events: Any) -> None:
    events = make_events(['{"id":1,"status":500}', '{"id":2,"status":502}', '{"id":3,"status":200}'])
    events.put(['{"id":1,"took":10}', '{"id":3,"took":30}'], group="other")
    query = (
        "filter status >= 500 | join type={} left=api right=fn where api.id = fn.id (SOURCE 'other' | filter took > 0) "
        "| fields api.id, status, fn.took, fn.@log | sort api.id"
    )
    assert events.ask(query.format("inner")) == [
        {"api.id": "1", "status": "500", "fn.took": "10", "fn.@log": "1:other"}
    ]
    assert events.ask(query.format("left"))[1] == {"api.id": "2", "status": "502"}
    assert events.ask(
        "join left=a right=b where a.id=b.id (SOURCE 'other' | stats max(took) as most by id) "
        "| display id, b.most | sort id"
    ) == [{"id": "1", "b.most": "10"}, {"id": "3", "b.most": "30"}]


def test_patterns(make_events: Any) -> None:
    events = make_events([f"user {n} logged in from 10.0.0.{n}" for n in range(8)] + ["ERROR disk is full"] * 2)
    found = events.ask("pattern @message | sort @sampleCount desc")
    assert found == [
        {
            "@pattern": "user <Number-1> logged in from <IPAddress-2>",
            "@ratio": "0.8",
            "@sampleCount": "8",
            "@severityLabel": "NONE",
        },
        {"@pattern": "ERROR disk is full", "@ratio": "0.2", "@sampleCount": "2", "@severityLabel": "ERROR"},
    ]
    assert events.ask("pattern @message | filter @severityLabel = 'ERROR' | display @sampleCount") == [
        {"@sampleCount": "2"}
    ]
    assert events.answer("pattern @message").statistics["recordsMatched"] == 10


def test_patterns_put_words_that_change_into_one(make_events: Any) -> None:
    events = make_events([f"order of {name} was shipped today" for name in ("anna", "ben", "cleo")])
    assert [row["@pattern"] for row in events.ask("pattern @message")] == ["order of <Token-1> was shipped today"]


def test_differences_to_the_time_before(make_events: Any) -> None:
    from kumoi.services.logs.query_run import Span

    events = make_events([])
    start = 1_700_000_000_000
    events.put(["a 1", "a 2"], start=start - 100_000)
    events.put(["a 3", "new failure"], start=start)
    found = events.ask("filter @message like /./ | pattern @message | diff", span=Span(start, start + 100_000))
    assert {row["@pattern"]: row["@sampleCountDifference"] for row in found} == {
        "a <Number-1>": "-1",
        "new failure": "1",
    }
    found = events.ask("pattern @message | diff previousDay", span=Span(start, start + 100_000))
    assert {row["@previousSampleCount"] for row in found} == {"0"}
