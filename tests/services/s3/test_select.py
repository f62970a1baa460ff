"""SelectObjectContent: queries over CSV, JSON and Parquet, with boto3; what a query may not do."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError, EventStreamError

from kumoi.services.s3.select import dialect
from kumoi.services.s3.select.output import writer
from kumoi.services.s3.select.serialization import Output
from kumoi.wire import AwsError

PEOPLE = b"""name,age,city name,note
Ann,41,Bern,"says ""hi\"""
Bob,9,Kyoto,
Cid,33,"Rio, de",#5
"""
LINES = b"""{"id": 1, "name": "Ann", "tags": ["a", "b"], "at": {"city": "Bern"}, "ok": true}
{"id": 20, "name": "Bob", "tags": [], "at": {"city": null}, "score": 2.5}
{"id": 3, "name": "Cid"}
"""
DOCUMENT = b"""{"rules": [{"id": "r1", "on": {"deep": [1, 2]}}, {"id": "r2"}, {"name": "no id"}], "version": 3}"""


class Answer:
    """The events of one answer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.events = list(answer["Payload"])
        self.body = b"".join(one["Records"]["Payload"] for one in self.events if "Records" in one).decode()

    @property
    def names(self) -> list[str]:
        return [next(iter(one)) for one in self.events]

    @property
    def stats(self) -> dict[str, int]:
        return dict(next(one["Stats"]["Details"] for one in self.events if "Stats" in one))

    @property
    def records(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


@pytest.fixture
def select(s3: Any, bucket: str) -> Any:
    """Put an object and ask it; JSON comes back unless `output` says otherwise."""

    def ask(body: bytes, sql: str, output: Any = None, **form: Any) -> Answer:
        s3.put_object(Bucket=bucket, Key="k", Body=body)
        more = {name: form.pop(name) for name in ("RequestProgress", "ScanRange") if name in form}
        answer = s3.select_object_content(
            Bucket=bucket,
            Key="k",
            Expression=sql,
            ExpressionType="SQL",
            InputSerialization=form,
            OutputSerialization=output or {"JSON": {}},
            **more,
        )
        return Answer(answer)

    return ask


def refused(function: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(ClientError) as raised:
        function(*arguments, **named)
    return str(raised.value.response["Error"]["Code"])


USE = {"FileHeaderInfo": "USE"}


@pytest.mark.parametrize(
    ("sql", "form", "expected"),
    [
        ("SELECT s.name FROM S3Object s WHERE s.age > 10", USE, [{"name": "Ann"}, {"name": "Cid"}]),
        ("select NAME as n from s3object where cast(age as int) between 9 and 33", USE, [{"n": "Bob"}, {"n": "Cid"}]),
        ('SELECT "city name" FROM S3Object LIMIT 2', USE, [{"city name": "Bern"}, {"city name": "Kyoto"}]),
        ("SELECT * FROM S3Object s WHERE s._1 = 'Bob'", {}, [{"_1": "Bob", "_2": "9", "_3": "Kyoto", "_4": ""}]),
        ("SELECT s._1 FROM S3Object s", {"FileHeaderInfo": "IGNORE"}, [{"_1": n} for n in ("Ann", "Bob", "Cid")]),
        ("SELECT COUNT(*), SUM(CAST(age AS INT)), AVG(CAST(age AS FLOAT)), MIN(CAST(age AS INT)) m FROM S3Object", USE,
         [{"_1": 3, "_2": 83, "_3": 83 / 3, "m": 9}]),
        ("SELECT COUNT(*) AS n FROM S3Object[*] WHERE note LIKE '%hi%'", USE, [{"n": 1}]),
        ("SELECT name FROM S3Object WHERE note = ''", USE, [{"name": "Bob"}]),
        ("SELECT name FROM S3Object WHERE name IN ('Ann', 'Zoe') OR NOT age >= 10", USE,
         [{"name": "Ann"}, {"name": "Bob"}]),
        ("SELECT UPPER(name) || '!' AS u, CHAR_LENGTH(name) AS l, age * 2 AS d FROM S3Object LIMIT 1", USE,
         [{"u": "ANN!", "l": 3, "d": 82}]),
        ("SELECT CASE WHEN age < 18 THEN 'young' ELSE 'old' END AS c FROM S3Object", USE,
         [{"c": "old"}, {"c": "young"}, {"c": "old"}]),
        ("SELECT SUBSTRING(name, 2) a, SUBSTRING(name FROM 0 FOR 2) b, TRIM(LEADING 'A' FROM name) c"
         " FROM S3Object LIMIT 1", USE, [{"a": "nn", "b": "A", "c": "nn"}]),
        ("SELECT _9 FROM S3Object LIMIT 1", {}, [{}]),
        ("SELECT s.name FROM S3Object s WHERE s.age = '9'", USE, [{"name": "Bob"}]),
    ],
)  # fmt: skip
def test_csv(select: Any, sql: str, form: dict[str, str], expected: list[Any]) -> None:
    assert select(PEOPLE, sql, CSV=form).records == expected


def test_csv_that_is_written_in_other_ways(select: Any) -> None:
    body = b"a;'b ;\\'c'\r\n# a comment; of, some, length\r\n1;2\r\n3\r\n"
    form = {
        "FieldDelimiter": ";",
        "QuoteCharacter": "'",
        "QuoteEscapeCharacter": "\\",
        "Comments": "#",
        "RecordDelimiter": "\r\n",
    }
    found = select(body, "SELECT * FROM S3Object", CSV=form).records
    assert found == [{"_1": "a", "_2": "b ;'c"}, {"_1": "1", "_2": "2"}, {"_1": "3"}]
    assert select(body, "SELECT s._1 FROM S3Object s WHERE s._2 IS MISSING", CSV=form).records == [{"_1": "3"}]
    assert select(b"", "SELECT * FROM S3Object", CSV={}).records == []
    assert select(b"", "SELECT COUNT(*) FROM S3Object", JSON={"Type": "LINES"}).records == [{"_1": 0}]


def test_csv_comes_out(select: Any) -> None:
    answer = select(PEOPLE, "SELECT name, note, age > 10 FROM S3Object", {"CSV": {}}, CSV=USE)
    assert answer.body == 'Ann,"says ""hi""",true\nBob,,false\nCid,#5,true\n'
    form = {"QuoteFields": "ALWAYS", "FieldDelimiter": "|", "RecordDelimiter": ";", "QuoteCharacter": "'"}
    assert select(PEOPLE, "SELECT name, age FROM S3Object LIMIT 1", {"CSV": form}, CSV=USE).body == "'Ann'|'41';"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT s.id, s.at.city FROM S3Object s", [{"id": 1, "city": "Bern"}, {"id": 20, "city": None}, {"id": 3}]),
        ("SELECT s.name FROM S3Object s WHERE s.id > 2", [{"name": "Bob"}, {"name": "Cid"}]),
        ("SELECT s.name FROM S3Object s WHERE s.at.city IS MISSING", [{"name": "Cid"}]),
        ("SELECT s.name FROM S3Object s WHERE s.at.city IS NULL", [{"name": "Bob"}, {"name": "Cid"}]),
        ("SELECT s.tags[1] AS t FROM S3Object s WHERE s.tags[1] = 'b'", [{"t": "b"}]),
        ("SELECT s.tags FROM S3Object s WHERE s.ok", [{"tags": ["a", "b"]}]),
        ("SELECT * FROM S3Object s WHERE s.id = 3", [{"id": 3, "name": "Cid"}]),
        ("SELECT MAX(s.id) AS m, SUM(s.score) AS t FROM S3Object s", [{"m": 20, "t": 2.5}]),
        ("SELECT COALESCE(s.score, 0) AS c FROM S3Object s WHERE s.id <> 20", [{"c": 0}, {"c": 0}]),
        ("SELECT s.\"name\" FROM S3Object s WHERE s['id'] = 1", [{"name": "Ann"}]),
    ],
)  # fmt: skip
def test_json_lines(select: Any, sql: str, expected: list[Any]) -> None:
    assert select(LINES, sql, JSON={"Type": "LINES"}).records == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM S3Object", [json.loads(DOCUMENT)]),
        ("SELECT r.id FROM S3Object[*].rules[*] r", [{"id": "r1"}, {"id": "r2"}, {}]),
        ("SELECT * FROM S3Object[*].rules[*].id", [{"id": "r1"}, {"id": "r2"}, {}]),
        ("SELECT * FROM S3Object[*].rules[0].\"on\".deep[*]", [{"deep": 1}, {"deep": 2}]),
        ("SELECT s.version FROM S3Object s", [{"version": 3}]),
    ],
)  # fmt: skip
def test_json_documents(select: Any, sql: str, expected: list[Any]) -> None:
    assert select(DOCUMENT, sql, JSON={"Type": "DOCUMENT"}).records == expected


def test_parquet(select: Any, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    columns = "'Ann' AS name, 41 AS age, DATE '2024-02-29' AS born, {'a': [1, 2]} AS nested, 1.5 AS price"
    duckdb.sql(f"COPY (SELECT {columns} UNION ALL SELECT 'Bob', 9, NULL, NULL, 2.25) TO '{path}' (FORMAT parquet)")
    body = path.read_bytes()
    found = select(body, "SELECT s.name, s.nested.a[1] AS a, s.price FROM S3Object s WHERE s.age > 10", Parquet={})
    assert found.records == [{"name": "Ann", "a": 2, "price": 1.5}]
    assert select(body, "SELECT EXTRACT(DAY FROM born) AS d FROM S3Object LIMIT 1", Parquet={}).records == [{"d": 29}]
    assert select(body, "SELECT COUNT(born), SUM(price) FROM S3Object", Parquet={}).records == [{"_1": 1, "_2": 3.75}]


def test_times(select: Any) -> None:
    sql = (
        "SELECT TO_STRING(TO_TIMESTAMP(t), 'MMMM d, y ''at'' HH:mm') AS s,"
        " EXTRACT(YEAR FROM CAST(t AS TIMESTAMP)) AS y,"
        " DATE_DIFF(day, TO_TIMESTAMP(t), TO_TIMESTAMP('2024-03-02T')) AS d,"
        " DATE_ADD(month, 1, TO_TIMESTAMP(t)) AS m, TO_TIMESTAMP(t) < UTCNOW() AS past FROM S3Object"
    )
    (found,) = select(b"t\n2024-02-28T23:30:00+01:00\n", sql, CSV=USE).records
    assert found == {
        "s": "February 28, 2024 at 22:30",
        "y": 2024,
        "d": 3,
        "m": "2024-03-28T22:30:00.000Z",
        "past": True,
    }


def test_compressed_objects(select: Any, s3: Any, bucket: str) -> None:
    for name, packed in (("GZIP", gzip.compress(PEOPLE)), ("BZIP2", bz2.compress(PEOPLE))):
        answer = select(packed, "SELECT COUNT(*) FROM S3Object", CSV=USE, CompressionType=name)
        assert answer.records == [{"_1": 3}]
        assert answer.stats == {"BytesScanned": len(packed), "BytesProcessed": len(PEOPLE), "BytesReturned": 9}
        assert refused(select, packed[:-8], "SELECT * FROM S3Object", CSV={}, CompressionType=name) == "TruncatedInput"
    assert refused(select, PEOPLE, "SELECT * FROM S3Object", CSV={}, CompressionType="GZIP") == "TruncatedInput"


def test_large_objects_come_in_frames(select: Any, s3: Any, bucket: str) -> None:
    rows = [f"{number},{'x' * 50}\n" for number in range(20_000)]
    body = "".join(rows).encode()
    answer = select(body, "SELECT * FROM S3Object", {"CSV": {}}, CSV={}, RequestProgress={"Enabled": True})
    assert answer.body.encode() == body
    assert answer.names[-2:] == ["Stats", "End"]
    assert answer.names.count("Records") == answer.names.count("Progress") > 4
    assert answer.stats["BytesReturned"] == answer.stats["BytesScanned"] == len(body)
    named = {"Bucket": bucket, "Key": "parts"}
    upload = s3.create_multipart_upload(**named)["UploadId"]
    half = body.index(b"\n", 5_300_000) if len(body) > 6_000_000 else len(body)
    pieces = [body * 5, body[:half]]
    etags = [
        s3.upload_part(**named, UploadId=upload, PartNumber=number, Body=piece)["ETag"]
        for number, piece in enumerate(pieces, 1)
    ]
    parts = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]}
    s3.complete_multipart_upload(**named, UploadId=upload, MultipartUpload=parts)
    counted = s3.select_object_content(
        **named,
        Expression="SELECT COUNT(*) AS n FROM S3Object",
        ExpressionType="SQL",
        InputSerialization={"CSV": {}},
        OutputSerialization={"JSON": {}},
    )
    assert Answer(counted).records == [{"n": 120_000}]


def test_scan_ranges(select: Any) -> None:
    body = b"".join(b"%04d\n" % number for number in range(5000))  # five bytes a record
    sql = "SELECT COUNT(*) AS n, MIN(CAST(_1 AS INT)) AS a, MAX(CAST(_1 AS INT)) AS z FROM S3Object"
    for scanned, expected in (
        ({"Start": 0, "End": 9}, {"n": 2, "a": 0, "z": 1}),
        ({"Start": 1, "End": 10}, {"n": 2, "a": 1, "z": 2}),
        ({"Start": 24_990}, {"n": 2, "a": 4998, "z": 4999}),
        ({"End": 10}, {"n": 2, "a": 4998, "z": 4999}),
        ({"Start": 11, "End": 12}, {"n": 0}),
    ):
        assert select(body, sql, CSV={}, ScanRange=scanned).records == [expected]
    assert refused(select, body, sql, CSV={}, ScanRange={"Start": 9, "End": 2}) == "InvalidScanRange"


def test_scan_ranges_of_parquet_are_of_row_groups(select: Any, tmp_path: Path) -> None:
    path = tmp_path / "numbers.parquet"
    duckdb.sql(f"COPY (SELECT n FROM range(6000) AS t (n)) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    sql = "SELECT COUNT(*) AS n, MIN(s.n) AS a, MAX(s.n) AS z FROM S3Object s"
    body = path.read_bytes()
    half = len(body) // 2
    whole = select(body, sql, Parquet={}, ScanRange={"Start": 0, "End": len(body)}).records
    assert whole == [{"n": 6000, "a": 0, "z": 5999}]
    (head,) = select(body, sql, Parquet={}, ScanRange={"Start": 0, "End": half}).records
    (tail,) = select(body, sql, Parquet={}, ScanRange={"Start": half + 1}).records
    assert (head["n"] + tail["n"], head["z"] + 1, tail["z"]) == (6000, tail["a"], 5999)
    assert select(body, "SELECT * FROM S3Object", Parquet={}, ScanRange={"Start": 0, "End": 4}).records[0] == {"n": 0}


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT", "UnsupportedSqlStructure"),
        ("SELECT * FROM S3Object WHERE (", "ParseUnexpectedToken"),
        ("SELECT 'a FROM S3Object", "ParseUnexpectedToken"),
        ("SELECT * FROM S3Object; SELECT 1", "UnsupportedSqlStructure"),
        ("DROP TABLE S3Object", "UnsupportedSqlStructure"),
        ("SELECT * FROM '/etc/passwd'", "UnsupportedSqlStructure"),
        ("SELECT * FROM S3Object, S3Object", "UnsupportedSqlStructure"),
        ("SELECT name FROM S3Object GROUP BY name", "UnsupportedSqlStructure"),
        ("SELECT name FROM S3Object ORDER BY name", "UnsupportedSqlStructure"),
        ("SELECT DISTINCT name FROM S3Object", "UnsupportedSqlStructure"),
        ("SELECT * FROM S3Object UNION SELECT * FROM S3Object", "UnsupportedSqlStructure"),
        ("SELECT name, COUNT(*) FROM S3Object", "UnsupportedSqlStructure"),
        ("SELECT 1 FROM read_csv('/etc/passwd')", "UnsupportedSqlStructure"),
        ("SELECT read_text('/etc/passwd') FROM S3Object", "UnsupportedFunction"),
        ("SELECT getenv('HOME') FROM S3Object", "UnsupportedFunction"),
        ("SELECT (SELECT 1) FROM S3Object", "UnsupportedSqlOperation"),
        ("SELECT name FROM S3Object WHERE name IN (SELECT 1 FROM S3Object)", "UnsupportedSqlStructure"),
        ("SELECT nobody FROM S3Object", "MissingHeaders"),
        ("SELECT CAST(name AS INT) FROM S3Object", "CastFailed"),
        ("SELECT CAST(name AS JSON) FROM S3Object", "ParseInvalidTypeParam"),
        ("SELECT LOWER() FROM S3Object", "EvaluatorInvalidArguments"),
        ("SELECT name FROM S3Object LIMIT name", "ParseUnexpectedToken"),
        ("SELECT name FROM Table1", "UnsupportedSqlStructure"),
        ("SELECT name FROM S3Object WHERE " + "NOT " * 5000 + "TRUE", "ParseUnexpectedToken"),
        ("SELECT '" + "x" * 300_000 + "' FROM S3Object", "ExpressionTooLong"),
    ],
)
def test_what_a_query_may_not_be(select: Any, sql: str, code: str) -> None:
    try:
        found = select(PEOPLE, sql, CSV=USE)
    except EventStreamError as error:
        assert error.response["Error"]["Code"] == code
    except ClientError as error:
        assert error.response["Error"]["Code"] == code
    else:
        raise AssertionError(found.body)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ExpressionType": "PartiQL"}, "InvalidExpressionType"),
        ({"InputSerialization": {}}, "MissingRequiredParameter"),
        ({"InputSerialization": {"CSV": {}, "JSON": {"Type": "LINES"}}}, "ObjectSerializationConflict"),
        ({"InputSerialization": {"CompressionType": "GZIP"}}, "InvalidDataSource"),
        ({"InputSerialization": {"CSV": {}, "CompressionType": "ZSTD"}}, "InvalidCompressionFormat"),
        ({"InputSerialization": {"CSV": {"FileHeaderInfo": "MAYBE"}}}, "InvalidFileHeaderInfo"),
        ({"InputSerialization": {"CSV": {"RecordDelimiter": "|"}}}, "NotImplemented"),
        ({"InputSerialization": {"CSV": {"QuoteCharacter": "ab"}}}, "InvalidRequestParameter"),
        ({"InputSerialization": {"JSON": {"Type": "ARRAY"}}}, "InvalidJsonType"),
        ({"OutputSerialization": {}}, "ObjectSerializationConflict"),
        ({"OutputSerialization": {"CSV": {"QuoteFields": "NEVER"}}}, "InvalidQuoteFields"),
        ({"Key": "none"}, "NoSuchKey"),
    ],
)
def test_requests_that_are_refused(s3: Any, bucket: str, changes: dict[str, Any], code: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=b"a\n")
    request = {
        "Bucket": bucket,
        "Key": "k",
        "Expression": "SELECT * FROM S3Object",
        "ExpressionType": "SQL",
        "InputSerialization": {"CSV": {}},
        "OutputSerialization": {"CSV": {}},
    }
    assert refused(s3.select_object_content, **request | changes) == code


def test_files_that_are_not_what_is_said(select: Any) -> None:
    for body, code, form in (
        (b'{"a": 1\n{"b": ', "JSONParsingError", {"JSON": {"Type": "LINES"}}),
        (b"PAR1 or not", "ParquetParsingError", {"Parquet": {}}),
        (b"a,\xff\xfe\n", "InvalidTextEncoding", {"CSV": {}}),
    ):
        with pytest.raises((ClientError, EventStreamError)) as raised:
            select(body, "SELECT * FROM S3Object", **form)
        assert raised.value.response["Error"]["Code"] == code


def test_paths_behind_from() -> None:
    query = dialect.read("SELECT s.x FROM S3Object[*].a.\"b c\"[*][2] AS s WHERE s.x = 'FROM S3Object[*]' LIMIT 7")
    assert query.steps == ("a", "b c", dialect.Each(), 2)
    assert (query.aliases, query.limit) == ({"s", "s3object"}, 7)
    with pytest.raises(AwsError):
        dialect.read("SELECT * FROM S3Object[*].a b c d")


def test_numbers_and_names_as_json_has_them() -> None:
    write = writer(Output("json"), ["a", "b"], ["number", "text"], records=False)
    assert write((2.0, None)) == '{"a":2}\n'
    assert write((10**30, "x")) == f'{{"a":{10**30},"b":"x"}}\n'


def test_a_query_that_nobody_reads_to_its_end_ends(kumoi: Any, s3: Any, bucket: str) -> None:
    body = b"".join(b"%d,%s\n" % (number, b"x" * 100) for number in range(50_000))
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    for _ in range(8):  # more than get on at the same time
        answer = s3.select_object_content(
            Bucket=bucket,
            Key="k",
            Expression="SELECT * FROM S3Object",
            ExpressionType="SQL",
            InputSerialization={"CSV": {}},
            OutputSerialization={"CSV": {}},
        )
        next(iter(answer["Payload"]))
        answer["Payload"].close()
    counted = s3.select_object_content(
        Bucket=bucket,
        Key="k",
        Expression="SELECT COUNT(*) FROM S3Object",
        ExpressionType="SQL",
        InputSerialization={"CSV": {}},
        OutputSerialization={"CSV": {}},
    )
    assert Answer(counted).body == "50000\n"
