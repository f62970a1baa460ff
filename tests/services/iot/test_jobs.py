"""Jobs: made through boto3, done by devices over HTTPS and MQTT."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.iot.job_policies import given_up, rate, tries_again

pytestmark = pytest.mark.kumoi_clock

DOCUMENT = json.dumps({"do": "update"})


@pytest.fixture
def iot(kumoi: Any) -> Any:
    client = kumoi.client("iot")
    client.create_thing_group(thingGroupName="barn")
    for name in ("a", "b"):
        client.create_thing(thingName=name)
        client.add_thing_to_thing_group(thingGroupName="barn", thingName=name)
    return client


@pytest.fixture
def data(kumoi: Any) -> Any:
    return kumoi.client("iot-jobs-data")


@pytest.fixture
def make(iot: Any, kumoi: Any) -> Callable[..., None]:
    def job(job_id: str, *targets: str, **more: Any) -> None:
        arns = [f"arn:aws:iot:us-east-1:{kumoi.account}:{target}" for target in targets]
        given = {"document": DOCUMENT, **more}
        iot.create_job(jobId=job_id, targets=arns, **{name: one for name, one in given.items() if one is not None})

    return job


@pytest.fixture
def device(kumoi: Any, device_type: Any) -> Iterator[Any]:
    one = device_type(kumoi.url, kumoi.account, "a")
    one.connect()
    yield one
    one.close()


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


GROWING = {"baseRatePerMinute": 50, "incrementFactor": 2.0, "rateIncreaseCriteria": {"numberOfNotifiedThings": 100}}


@pytest.mark.parametrize(
    ("rollout", "notified", "succeeded", "expected"),
    [
        ({"maximumPerMinute": 7}, 1000, 1000, 7),
        ({"exponentialRate": GROWING}, 0, 0, 50),
        ({"exponentialRate": GROWING}, 99, 99, 50),
        ({"exponentialRate": GROWING}, 100, 0, 100),
        ({"exponentialRate": GROWING}, 350, 0, 400),
        ({"exponentialRate": GROWING, "maximumPerMinute": 120}, 350, 0, 120),
        ({"exponentialRate": GROWING}, 10**9, 0, 1000),
        ({"exponentialRate": {**GROWING, "rateIncreaseCriteria": {"numberOfSucceededThings": 10}}}, 99, 20, 200),
    ],
)
def test_how_many_things_are_told_in_a_minute(rollout: Any, notified: int, succeeded: int, expected: int) -> None:
    assert rate(rollout, notified, succeeded) == expected


@pytest.mark.parametrize(
    ("criteria", "status", "done", "again"),
    [
        ([("FAILED", 2)], "FAILED", 1, True),
        ([("FAILED", 2)], "FAILED", 2, False),
        ([("FAILED", 2)], "TIMED_OUT", 0, False),
        ([("ALL", 1)], "TIMED_OUT", 0, True),
        ([("ALL", 1)], "REJECTED", 0, False),
        ([("ALL", 1)], "SUCCEEDED", 0, False),
        ([], "FAILED", 0, False),
    ],
)
def test_who_tries_again(criteria: list[tuple[str, int]], status: str, done: int, again: bool) -> None:
    listed = [{"failureType": kind, "numberOfRetries": count} for kind, count in criteria]
    assert tries_again(listed, status, done) is again


@pytest.mark.parametrize(
    ("kind", "percent", "least", "statuses", "ends"),
    [
        ("FAILED", 50.0, 2, ["FAILED", "QUEUED"], True),
        ("FAILED", 51.0, 2, ["FAILED", "QUEUED"], False),
        ("FAILED", 50.0, 3, ["FAILED", "QUEUED"], False),
        ("FAILED", 10.0, 1, ["REJECTED", "TIMED_OUT"], False),
        ("ALL", 100.0, 1, ["REJECTED", "TIMED_OUT"], True),
        ("ALL", 0.0, 1, ["SUCCEEDED"], False),
    ],
)
def test_when_a_job_is_given_up(kind: str, percent: float, least: int, statuses: list[str], ends: bool) -> None:
    criterion = {"failureType": kind, "thresholdPercentage": percent, "minNumberOfExecutedThings": least}
    assert given_up([criterion], Counter(statuses)) is ends


def test_things_do_jobs_one_after_the_other(iot: Any, data: Any, make: Callable[..., None]) -> None:
    make("first", "thinggroup/barn", timeoutConfig={"inProgressTimeoutInMinutes": 5})
    make("second", "thing/a")
    pending = data.get_pending_job_executions(thingName="a")
    assert [one["jobId"] for one in pending["queuedJobs"]] == ["first", "second"]
    begun = data.start_next_pending_job_execution(thingName="a", statusDetails={"step": "1"})["execution"]
    assert (begun["jobId"], begun["status"], begun["jobDocument"]) == ("first", "IN_PROGRESS", DOCUMENT)
    again = data.start_next_pending_job_execution(thingName="a")["execution"]
    assert (again["jobId"], again["versionNumber"]) == ("first", 3)
    stale = {"jobId": "first", "thingName": "a", "status": "SUCCEEDED", "expectedVersion": 1}
    assert refused(lambda: data.update_job_execution(**stale)) == "VersionConflictException"
    done = data.update_job_execution(
        jobId="first", thingName="a", status="SUCCEEDED", includeJobExecutionState=True, includeJobDocument=True
    )
    assert done["executionState"]["statusDetails"] == {"step": "1"}
    assert done["jobDocument"] == DOCUMENT
    late = {"jobId": "first", "thingName": "a", "status": "FAILED"}
    assert refused(lambda: data.update_job_execution(**late)) == "InvalidStateTransitionException"
    assert data.describe_job_execution(jobId="$next", thingName="a")["execution"]["jobId"] == "second"
    shown = iot.describe_job(jobId="first")["job"]
    assert shown["status"] == "IN_PROGRESS"
    assert shown["jobProcessDetails"]["numberOfSucceededThings"] == 1
    assert shown["jobProcessDetails"]["numberOfQueuedThings"] == 1
    data.update_job_execution(jobId="first", thingName="b", status="REJECTED")
    assert iot.describe_job(jobId="first")["job"]["status"] == "COMPLETED"
    assert [job["jobId"] for job in iot.list_jobs(status="COMPLETED")["jobs"]] == ["first"]
    listed = iot.list_job_executions_for_job(jobId="first", status="REJECTED")["executionSummaries"]
    assert [one["thingArn"].rpartition("/")[2] for one in listed] == ["b"]
    assert iot.get_job_document(jobId="first")["document"] == DOCUMENT


def test_what_takes_too_long_times_out(iot: Any, data: Any, kumoi: Any, make: Callable[..., None]) -> None:
    make("slow", "thing/a", timeoutConfig={"inProgressTimeoutInMinutes": 5})
    begun = data.start_next_pending_job_execution(thingName="a")["execution"]
    assert 290 <= begun["approximateSecondsBeforeTimedOut"] <= 300
    kumoi.advance("6m")
    assert iot.describe_job_execution(jobId="slow", thingName="a")["execution"]["status"] == "TIMED_OUT"
    assert iot.describe_job(jobId="slow")["job"]["status"] == "COMPLETED"


def test_jobs_are_cancelled_and_deleted(iot: Any, data: Any, make: Callable[..., None]) -> None:
    make("j", "thinggroup/barn")
    data.start_next_pending_job_execution(thingName="a")
    assert refused(lambda: iot.delete_job(jobId="j")) == "InvalidStateTransitionException"
    assert refused(lambda: iot.cancel_job_execution(jobId="j", thingName="a")) == "InvalidStateTransitionException"
    iot.cancel_job(jobId="j", comment="no longer")
    shown = iot.describe_job(jobId="j")["job"]
    assert (shown["status"], shown["comment"]) == ("CANCELED", "no longer")
    found = {one: iot.describe_job_execution(jobId="j", thingName=one)["execution"]["status"] for one in ("a", "b")}
    assert found == {"a": "IN_PROGRESS", "b": "CANCELED"}
    iot.cancel_job_execution(jobId="j", thingName="a", force=True)
    iot.delete_job_execution(jobId="j", thingName="a", executionNumber=1)
    iot.delete_job(jobId="j")
    assert refused(lambda: iot.describe_job(jobId="j")) == "ResourceNotFoundException"
    assert iot.list_job_executions_for_thing(thingName="b")["executionSummaries"] == []


def test_continuous_jobs_are_for_those_that_come_later(iot: Any, data: Any, make: Callable[..., None]) -> None:
    make("always", "thinggroup/barn", targetSelection="CONTINUOUS")
    iot.create_thing(thingName="late")
    iot.add_thing_to_thing_group(thingGroupName="barn", thingName="late")
    assert data.describe_job_execution(jobId="$next", thingName="late")["execution"]["jobId"] == "always"
    for name in ("a", "b", "late"):
        data.update_job_execution(jobId="always", thingName=name, status="SUCCEEDED")
    assert iot.describe_job(jobId="always")["job"]["status"] == "IN_PROGRESS"


def test_documents_come_from_s3_and_are_checked(iot: Any, kumoi: Any, make: Callable[..., None]) -> None:
    s3 = kumoi.client("s3")
    s3.create_bucket(Bucket=f"jobs-{kumoi.account}")
    s3.put_object(Bucket=f"jobs-{kumoi.account}", Key="d/j.json", Body=b'{"from": "s3"}')
    for number, host in enumerate((f"s3.amazonaws.com/jobs-{kumoi.account}", f"jobs-{kumoi.account}.s3.amazonaws.com")):
        make(f"j{number}", "thing/a", document=None, documentSource=f"https://{host}/d/j.json")
        assert iot.get_job_document(jobId=f"j{number}")["document"] == '{"from": "s3"}'
    for more in ({"document": "{"}, {"documentSource": "https://example.org/a"}, {"documentSource": "x"}):
        given = {"document": None, **more}
        assert refused(lambda given=given: make("no", "thing/a", **given)) == "InvalidRequestException"
    assert refused(lambda: make("no", "thing/nobody")) == "ResourceNotFoundException"
    assert refused(lambda: make("no", "nothing/a")) == "InvalidRequestException"


def test_devices_do_their_jobs_over_mqtt(iot: Any, device: Any, make: Callable[..., None]) -> None:
    base = "$aws/things/a/jobs"
    device.subscribe(*(f"{base}/{one}" for one in ("notify-next", "+/accepted", "+/rejected", "+/+/accepted")))
    device.subscribe(f"{base}/+/+/rejected")

    def told(count: int = 1) -> dict[str, Any]:
        found = [device.get() for _ in range(count)]
        return {message.topic.removeprefix(f"{base}/"): json.loads(message.payload) for message in found}

    make("j", "thing/a")
    assert told()["notify-next"]["execution"]["jobDocument"] == {"do": "update"}
    device.publish(f"{base}/get", b'{"clientToken": "t"}')
    found = told()["get/accepted"]
    assert ([one["jobId"] for one in found["queuedJobs"]], found["clientToken"]) == (["j"], "t")
    device.publish(f"{base}/start-next", b"{}")
    found = told(2)
    assert found["start-next/accepted"]["execution"]["status"] == "IN_PROGRESS"
    device.publish(f"{base}/j/update", b'{"status": "IN_PROGRESS", "statusDetails": {"at": 5}}')
    assert told()["j/update/rejected"]["code"] == "InvalidRequest"
    for said in (
        {"statusDetails": {f"n{number}": "" for number in range(11)}},
        {"statusDetails": {"n": "x" * 1025}},
        {"stepTimeoutInMinutes": 10_081},
        {"stepTimeoutInMinutes": 0},
    ):
        device.publish(f"{base}/j/update", json.dumps({"status": "IN_PROGRESS", **said}))
        assert told()["j/update/rejected"]["code"] == "InvalidRequest"
    device.publish(f"{base}/j/update", b"no JSON")
    assert told()["j/update/rejected"]["code"] == "InvalidJson"
    device.publish(
        f"{base}/j/update", b'{"status": "SUCCEEDED", "expectedVersion": 2, "includeJobExecutionState": true}'
    )
    found = told(2)
    assert found["j/update/accepted"]["executionState"]["status"] == "SUCCEEDED"
    assert found["notify-next"]["execution"] == {}
    device.publish(f"{base}/j/update", b'{"status": "FAILED"}')
    assert told()["j/update/rejected"]["code"] == "InvalidStateTransition"
    device.publish(f"{base}/nothing/get", b"")
    assert told()["nothing/get/rejected"]["code"] == "ResourceNotFound"
    device.publish(f"{base}/$next/get", b"")
    assert told()["$next/get/accepted"]["execution"] == {}
    assert iot.describe_job(jobId="j")["job"]["status"] == "COMPLETED"


@pytest.fixture
def crowd(iot: Any) -> list[str]:
    """Seven things in a group."""
    iot.create_thing_group(thingGroupName="crowd")
    names = [f"c{number}" for number in range(7)]
    for name in names:
        iot.create_thing(thingName=name)
        iot.add_thing_to_thing_group(thingGroupName="crowd", thingName=name)
    return names


def test_a_job_is_rolled_out_minute_by_minute(
    iot: Any, data: Any, kumoi: Any, make: Callable[..., None], crowd: list[str]
) -> None:
    growing = {**GROWING, "baseRatePerMinute": 2, "rateIncreaseCriteria": {"numberOfSucceededThings": 1}}
    rollout = {"maximumPerMinute": 3, "exponentialRate": growing}
    make("j", "thinggroup/crowd", jobExecutionsRolloutConfig=rollout)

    def told() -> list[str]:
        listed = iot.list_job_executions_for_job(jobId="j")["executionSummaries"]
        return [one["thingArn"].rpartition("/")[2] for one in listed]

    kumoi.advance("1s")
    assert told() == crowd[:2]
    iot.delete_thing(thingName=crowd[3])
    for name in crowd[:2]:
        data.update_job_execution(jobId="j", thingName=name, status="SUCCEEDED")
    assert iot.describe_job(jobId="j")["job"]["status"] == "IN_PROGRESS"
    kumoi.advance("1m")
    assert told() == [*crowd[:3], *crowd[4:6]]
    kumoi.advance("1m")
    assert told() == [*crowd[:3], *crowd[4:]]
    job = iot.describe_job(jobId="j")["job"]
    assert (job["jobExecutionsRolloutConfig"], job["jobProcessDetails"]["numberOfQueuedThings"]) == (rollout, 4)
    for name in (crowd[2], *crowd[4:]):
        data.update_job_execution(jobId="j", thingName=name, status="SUCCEEDED")
    assert iot.describe_job(jobId="j")["job"]["status"] == "COMPLETED"


def test_a_job_is_completed_when_those_that_it_has_not_reached_are_gone(
    iot: Any, data: Any, kumoi: Any, make: Callable[..., None], crowd: list[str]
) -> None:
    make("j", "thinggroup/crowd", jobExecutionsRolloutConfig={"maximumPerMinute": 6})
    kumoi.advance("1s")
    for name in crowd[:6]:
        data.update_job_execution(jobId="j", thingName=name, status="SUCCEEDED")
    iot.delete_thing(thingName=crowd[6])
    kumoi.advance("1m")
    assert iot.describe_job(jobId="j")["job"]["status"] == "COMPLETED"


def test_what_fails_is_tried_again_and_given_up(
    iot: Any, data: Any, kumoi: Any, make: Callable[..., None], crowd: list[str]
) -> None:
    abort = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 25.0, "minNumberOfExecutedThings": 4}
    make(
        "j",
        "thinggroup/crowd",
        jobExecutionsRetryConfig={"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 1}]},
        abortConfig={"criteriaList": [abort]},
        jobExecutionsRolloutConfig={"maximumPerMinute": 4},
    )
    kumoi.advance("1s")
    data.update_job_execution(jobId="j", thingName="c0", status="FAILED")
    again = data.start_next_pending_job_execution(thingName="c0")["execution"]
    assert (again["executionNumber"], again["statusDetails"]) == (2, {})
    (summary,) = iot.list_job_executions_for_thing(thingName="c0")["executionSummaries"]
    assert summary["jobExecutionSummary"]["retryAttempt"] == 1
    data.start_next_pending_job_execution(thingName="c1")
    assert iot.describe_job(jobId="j")["job"]["status"] == "IN_PROGRESS"
    data.update_job_execution(jobId="j", thingName="c0", status="FAILED")
    kumoi.advance("1s")
    job = iot.describe_job(jobId="j")["job"]
    assert (job["status"], "abortConfig" in job["comment"]) == ("CANCELED", True)
    found = {one: iot.describe_job_execution(jobId="j", thingName=one)["execution"]["status"] for one in crowd[:4]}
    assert found == {"c0": "FAILED", "c1": "IN_PROGRESS", "c2": "CANCELED", "c3": "CANCELED"}
    kumoi.advance("2m")
    assert len(iot.list_job_executions_for_job(jobId="j")["executionSummaries"]) == 4


def test_what_contradicts_itself_is_refused(iot: Any, make: Callable[..., None]) -> None:
    both = {"numberOfNotifiedThings": 1, "numberOfSucceededThings": 1}
    again = {"failureType": "FAILED", "numberOfRetries": 1}
    for more in (
        {"jobExecutionsRolloutConfig": {"maximumPerMinute": 1001}},
        {"jobExecutionsRolloutConfig": {"exponentialRate": {**GROWING, "rateIncreaseCriteria": both}}},
        {"jobExecutionsRolloutConfig": {"exponentialRate": GROWING, "maximumPerMinute": 49}},
        {"jobExecutionsRetryConfig": {"criteriaList": [again, again]}},
        {"jobExecutionsRetryConfig": {"criteriaList": [again, {**again, "failureType": "ALL"}]}},
    ):
        assert refused(lambda more=more: make("no", "thing/a", **more)) == "InvalidRequestException"
    make("j", "thing/a")
    late = {"jobId": "j", "jobExecutionsRolloutConfig": {"maximumPerMinute": 1}}
    assert refused(lambda: iot.update_job(**late)) == "InvalidRequestException"
    iot.update_job(jobId="j", jobExecutionsRetryConfig={"criteriaList": [again]})
    assert iot.describe_job(jobId="j")["job"]["jobExecutionsRetryConfig"]["criteriaList"] == [again]
