"""Form uploads, as a browser sends them: fields of boto3's generate_presigned_post, then the file."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
import urllib3

from kumoi.services.s3.post_policy import PostPolicy, read_policy
from kumoi.wire import AwsError

MANY = b"0123456789abcdef" * 20_000
"""More than lies in a row of state."""

Send = Callable[..., urllib3.BaseHTTPResponse]


@pytest.fixture
def send() -> Iterator[Send]:
    """Post fields and a file; `boundary` and other headers as given."""
    pool = urllib3.PoolManager()

    def sent(url: str, fields: dict[str, str], file: bytes | None = b"body", name: str = "f.txt", **more: Any) -> Any:
        form: list[tuple[str, Any]] = list(fields.items())
        if file is not None:
            form.append(("file", (name, file, "text/plain")))
        return pool.request("POST", url, fields=form, redirect=False, retries=False, **more)

    yield sent
    pool.clear()


@pytest.fixture
def s3(kumoi: Any) -> Any:
    return kumoi.client("s3", signature_version="s3v4")


def refused(answer: urllib3.BaseHTTPResponse) -> tuple[int, str, str]:
    error = ElementTree.fromstring(answer.data)
    return answer.status, error.findtext("Code") or "", error.findtext("Message") or ""


def test_a_form_uploads_an_object(s3: Any, bucket: str, send: Send) -> None:
    posted = s3.generate_presigned_post(bucket, "folder/a b.txt")
    answer = send(posted["url"], posted["fields"], MANY)
    assert (answer.status, answer.data) == (204, b"")
    found = s3.get_object(Bucket=bucket, Key="folder/a b.txt")
    assert found["Body"].read() == MANY
    assert answer.headers["ETag"] == found["ETag"]
    assert answer.headers["Location"].endswith(f"/{bucket}/folder%2Fa%20b.txt")
    assert found["ContentType"] == "binary/octet-stream"  # the file's own type is not the object's


def test_a_form_of_signature_version_2(kumoi: Any, s3: Any, bucket: str, send: Send) -> None:
    posted = kumoi.client("s3").generate_presigned_post(bucket, "k")  # what boto3 does unless told otherwise
    assert "signature" in posted["fields"]
    assert send(posted["url"], posted["fields"]).status == 204
    del posted["fields"]["signature"]
    assert "named 'Signature'" in refused(send(posted["url"], posted["fields"]))[2]


def test_what_the_form_says_of_the_object(s3: Any, bucket: str, send: Send) -> None:
    fields = {
        "Content-Type": "text/plain",
        "Cache-Control": "no-store",
        "x-amz-meta-colour": "grün",
        "x-amz-storage-class": "STANDARD_IA",
        "tagging": "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>",
    }
    conditions = [{name: value} for name, value in fields.items()]
    posted = s3.generate_presigned_post(bucket, "k", fields, conditions)
    assert send(posted["url"], posted["fields"]).status == 204
    found = s3.head_object(Bucket=bucket, Key="k")
    assert (found["ContentType"], found["CacheControl"], found["StorageClass"]) == (
        "text/plain",
        "no-store",
        "STANDARD_IA",
    )
    assert found["Metadata"]["colour"] == "=?UTF-8?Q?gr=C3=BCn?="
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "b c"}]


def test_the_file_name_becomes_part_of_the_key(s3: Any, bucket: str, send: Send) -> None:
    posted = s3.generate_presigned_post(bucket, "in/${filename}")
    assert send(posted["url"], posted["fields"], name="photo.jpg").status == 204
    assert s3.head_object(Bucket=bucket, Key="in/photo.jpg")["ContentLength"] == 4


@pytest.mark.parametrize(("asked", "status"), [("200", 200), ("204", 204), ("999", 204), ("201", 201)])
def test_success_statuses(s3: Any, bucket: str, send: Send, asked: str, status: int) -> None:
    fields = {"success_action_status": asked}
    posted = s3.generate_presigned_post(bucket, "k", fields, [fields])
    answer = send(posted["url"], posted["fields"])
    assert answer.status == status
    if status == 201:
        told = ElementTree.fromstring(answer.data)
        assert [(one.tag, one.text) for one in told] == [
            ("Location", answer.headers["Location"]),
            ("Bucket", bucket),
            ("Key", "k"),
            ("ETag", '"841a2d689ad86bd1611447453c22c6fc"'),
        ]


def test_success_redirects(s3: Any, bucket: str, send: Send) -> None:
    fields = {"success_action_redirect": "http://localhost/done?x=1"}
    posted = s3.generate_presigned_post(bucket, "a/k", fields, [fields])
    answer = send(posted["url"], posted["fields"])
    assert answer.status == 303
    assert answer.headers["Location"] == (
        f"http://localhost/done?x=1&bucket={bucket}&key=a%2Fk&etag=%22841a2d689ad86bd1611447453c22c6fc%22"
    )


def test_forms_to_a_virtual_host_from_another_page(kumoi: Any, s3: Any, bucket: str, send: Send) -> None:
    page = "https://app.example.com"
    rule = {"AllowedMethods": ["POST"], "AllowedOrigins": [page], "ExposeHeaders": ["ETag"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    posted = s3.generate_presigned_post(bucket, "a/k")
    headers = {"Host": f"{bucket}.s3.us-east-1.amazonaws.com", "Origin": page}
    answer = send(kumoi.url, posted["fields"], headers=headers)
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, page)
    assert answer.headers["Location"] == f"http://{headers['Host']}/a%2Fk"
    refusal = send(kumoi.url, {**posted["fields"], "key": "x"}, headers=headers)
    assert (refusal.status, refusal.headers["Access-Control-Allow-Origin"]) == (403, page)


def test_a_checksum_in_a_form_is_verified(s3: Any, bucket: str, send: Send) -> None:
    for value, expected in (("AAAAAA==", "BadDigest"), ("26gLsg==", None), ("no", "InvalidRequest")):
        fields = {"x-amz-checksum-crc32": value}
        posted = s3.generate_presigned_post(bucket, "k", fields, [fields])
        answer = send(posted["url"], posted["fields"], b"body")
        if expected is not None:
            assert refused(answer)[1] == expected
        else:
            assert (answer.status, answer.headers["x-amz-checksum-crc32"]) == (204, value)


def test_the_policy_decides(s3: Any, bucket: str, send: Send) -> None:
    posted = s3.generate_presigned_post(bucket, "k", Conditions=[["content-length-range", 2, 5]])
    url, fields = posted["url"], posted["fields"]
    status, code, _ = refused(send(url, fields, b"1"))
    assert (status, code) == (400, "EntityTooSmall")
    too_large = send(url, fields, MANY)
    assert refused(too_large)[:2] == (400, "EntityTooLarge")
    assert ElementTree.fromstring(too_large.data).findtext("ProposedSize") == str(len(MANY))
    assert refused(send(url, {**fields, "key": "other"})) == (
        403,
        "AccessDenied",
        'Invalid according to Policy: Policy Condition failed: ["eq", "$key", "k"]',
    )
    assert refused(send(url, {**fields, "Acl": "private"})) == (
        403,
        "AccessDenied",
        "Invalid according to Policy: Extra input fields: acl",
    )
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_forms_that_are_none(kumoi: Any, s3: Any, bucket: str, send: Send) -> None:
    posted = s3.generate_presigned_post(bucket, "k")
    url, fields = posted["url"], posted["fields"]
    unsigned = {name: value for name, value in fields.items() if name != "x-amz-signature"}
    assert refused(send(url, unsigned)) == (
        400,
        "InvalidArgument",
        "Bucket POST must contain a field named 'X-Amz-Signature'.  If it is specified, please check the order of the"
        " fields.",
    )
    assert refused(send(url, {"key": "k", "policy": fields["policy"]}))[:2] == (403, "AccessDenied")
    assert refused(send(url, {**fields, "policy": "!"}))[:2] == (400, "InvalidPolicyDocument")
    assert refused(send(url, fields, None))[2] == "POST requires exactly one file upload per request."
    assert refused(send(url, {**fields, "x-ignore-me": "x" * 30_000}))[1] == "MaxPostPreDataLengthExceeded"
    assert refused(send(f"{kumoi.url}/no-{bucket}", fields))[:2] == (403, "AccessDenied")
    del fields["key"]
    assert "named 'key'" in refused(send(url, fields))[2]
    pool = urllib3.PoolManager()
    plain = pool.request("POST", url, body=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert refused(plain)[:2] == (412, "PreconditionFailed")
    head = b"--x\r\nContent-Disposition: form-data; name="
    cut_off = b"".join((head, b"key\r\n\r\nk\r\n", head, b"file\r\n\r\nabc"))
    for body in (b"", b"--x\r\n", cut_off, b"\xff" * 99):
        broken = pool.request("POST", url, body=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert refused(broken)[:2] == (400, "MalformedPOSTRequest")
    pool.clear()


def test_an_unsigned_form_without_a_policy_is_anybodys(s3: Any, bucket: str, kumoi: Any, send: Send) -> None:
    assert send(f"{kumoi.url}/{bucket}", {"key": "k"}, b"").status == 204
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 0
    assert refused(send(f"{kumoi.url}/no-{bucket}", {"key": "k"}))[:2] == (404, "NoSuchBucket")


def test_a_form_is_told_to_whom_it_concerns(kumoi: Any, s3: Any, bucket: str, send: Send) -> None:
    sqs = kumoi.client("sqs")
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{kumoi.account}:q"
    events = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:Post"]}]}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=events)
    s3.put_object(Bucket=bucket, Key="put", Body=b"")
    posted = s3.generate_presigned_post(bucket, "posted")
    assert send(posted["url"], posted["fields"]).status == 204
    told: list[Any] = []
    while not any("Records" in one for one in told):
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", []):
            told.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    records = [record for one in told for record in one.get("Records", ())]
    assert [(one["eventName"], one["s3"]["object"]["key"]) for one in records] == [("ObjectCreated:Post", "posted")]


def policy(*conditions: Any, expiration: Any = "2030-01-01T00:00:00Z") -> PostPolicy:
    document = {"expiration": expiration, "conditions": list(conditions)}
    return read_policy(base64.b64encode(json.dumps(document).encode()).decode())


@pytest.mark.parametrize(
    ("conditions", "fields", "failure"),
    [
        ([{"key": "k"}], {"key": "k"}, None),
        ([{"Key": "k"}], {"key": "k"}, None),
        ([["starts-with", "$key", ""]], {"key": "k"}, None),
        ([["starts-with", "$key", "user/"]], {"key": "user"}, 'Condition failed: ["starts-with", "$key", "user/"]'),
        ([["eq", "$key", "K"]], {"key": "k"}, 'Condition failed: ["eq", "$key", "K"]'),
        ([{"acl": "private"}], {}, 'Condition failed: ["eq", "$acl", "private"]'),
        ([["starts-with", "$Content-Type", "image/"]], {"content-type": "image/png,image/gif"}, None),
        ([["starts-with", "$Content-Type", "image/"]], {"content-type": "image/png,text/css"}, "Condition failed"),
        ([["content-length-range", "a", 1]], {}, 'Condition failed: ["content-length-range", "a", 1]'),
        ([], {"x-ignore-a": "", "policy": "", "x-amz-signature": ""}, None),
        ([], {"x-amz-meta-a": ""}, "Extra input fields: x-amz-meta-a"),
    ],
)
def test_conditions(conditions: list[Any], fields: dict[str, str], failure: str | None) -> None:
    if failure is None:
        policy(*conditions).check(fields, 0)
    else:
        with pytest.raises(AwsError) as raised:
            policy(*conditions).check(fields, 0)
        assert raised.value.code == "AccessDenied"
        assert failure in raised.value.message


def test_a_policy_expires() -> None:
    with pytest.raises(AwsError, match=r"Invalid according to Policy: Policy expired\."):
        policy().check({}, 2_000_000_000)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"conditions": []},
        {"expiration": "2030-01-01T00:00:00Z"},
        {"expiration": 1, "conditions": []},
        {"expiration": "soon", "conditions": []},
        {"expiration": "2030-01-01T00:00:00Z", "conditions": {}},
        *({"expiration": "2030-01-01T00:00:00Z", "conditions": [one]} for one in (
            1, {}, {"a": "b", "c": "d"}, {"a": 1}, ["eq", "$a"], ["like", "$a", "b"], ["eq", "a", "b"], ["eq", "$a", 1]
        )),
    ],
)  # fmt: skip
def test_documents_that_are_no_policy(document: Any) -> None:
    with pytest.raises(AwsError) as raised:
        read_policy(base64.b64encode(json.dumps(document).encode()).decode())
    assert raised.value.code == "InvalidPolicyDocument"
