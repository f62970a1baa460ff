"""Replication that is paused, logs and reports in buckets, and experiments over several accounts."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.services.fis.graphs import Window, drawn, queries_of
from kumoi.services.fis.records import ActionRun, Experiment, Template
from kumoi.services.fis.reporting import page

pytestmark = pytest.mark.kumoi_clock


@pytest.fixture
def s3(kumoi: Any) -> Any:
    return kumoi.client("s3")


@pytest.fixture
def source(kumoi: Any, s3: Any) -> str:
    """A bucket that is replicated to one in Ireland and one at home, which are called like it."""
    name = f"source-{kumoi.account}"
    regions = {"ireland": {"CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}, "home": {}, "": {}}
    for beside, given in regions.items():
        s3.create_bucket(Bucket=name + beside, **given)
        s3.put_bucket_versioning(Bucket=name + beside, VersioningConfiguration={"Status": "Enabled"})
    rules = [
        {
            "Priority": number,
            "Status": "Enabled",
            "Filter": {},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{name}{beside}"},
        }
        for number, beside in enumerate(("ireland", "home"))
    ]
    role = f"arn:aws:iam::{kumoi.account}:role/replication"
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration={"Role": role, "Rules": rules})
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "break", "Value": "me"}]})
    return name


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (value := found()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)
    return value


def pausing(**given: str) -> dict[str, Any]:
    target = {"resourceType": "aws:s3:bucket", "resourceTags": {"break": "me"}, "selectionMode": "ALL"}
    action = {
        "actionId": "aws:s3:bucket-pause-replication",
        "parameters": {"duration": "PT10M", "region": "eu-west-1", **given},
        "targets": {"Buckets": "these"},
    }
    return {"targets": {"these": target}, "actions": {"pause": action}}


def test_replication_is_paused_and_goes_on(kumoi: Any, s3: Any, source: str, start: Any) -> None:
    paused = start(**pausing(destinationBuckets=f"{source}ireland,other", prefixes="held/"))
    assert paused["state"]["status"] == "running"
    for key in ("free", "held/1"):
        s3.put_object(Bucket=source, Key=key, Body=b"")

    def keys(beside: str) -> set[str]:
        return {one["Key"] for one in s3.list_objects_v2(Bucket=source + beside).get("Contents", ())}

    until(lambda: keys("home") == {"free", "held/1"} and keys("ireland") == {"free"})
    kumoi.advance(300)
    assert s3.head_object(Bucket=source, Key="held/1")["ReplicationStatus"] == "PENDING"
    assert keys("ireland") == {"free"}
    kumoi.advance(301)
    kumoi.advance(30)
    until(lambda: s3.head_object(Bucket=source, Key="held/1")["ReplicationStatus"] == "COMPLETED")
    assert keys("ireland") == {"free", "held/1"}


def test_buckets_of_others_and_of_other_regions_are_no_targets(kumoi: Any, source: str, start: Any) -> None:
    given = pausing()
    for name, reason in ((f"{source}ireland", "is not of this account and region"), ("no-such-bucket", "is not of")):
        given["targets"]["these"] = {
            "resourceType": "aws:s3:bucket",
            "resourceArns": [f"arn:aws:s3:::{name}"],
            "selectionMode": "ALL",
        }
        state = start(**given)["state"]
        assert state["status"] == "failed"
        assert reason in state["reason"]


def test_logs_and_a_report_come_to_buckets(kumoi: Any, s3: Any, client: Any, start: Any, reached: Any) -> None:
    bucket = f"told-{kumoi.account}"
    s3.create_bucket(Bucket=bucket)
    report = {"outputs": {"s3Configuration": {"bucketName": bucket, "prefix": "reports"}}}
    logs = {"s3Configuration": {"bucketName": bucket, "prefix": "logs/"}, "logSchemaVersion": 2}
    begun = start(logConfiguration=logs, experimentReportConfiguration=report)
    assert (begun["logConfiguration"], begun["experimentReportConfiguration"]) == (logs, report)
    assert begun["experimentReport"]["state"]["status"] == "pending"
    kumoi.advance(61)
    made = reached(begun["id"], "completed")
    found = until(lambda: client.get_experiment(id=made["id"])["experiment"]["experimentReport"].get("s3Reports"))
    key = f"reports/FISreport-{made['id']}.html"
    assert found == [{"arn": f"arn:aws:s3:::{bucket}/{key}", "reportType": "html"}]
    page = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert "aws:fis:wait" in page
    assert "completed: Experiment completed." in page
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"logs/AWSLogs/{kumoi.account}/fis/us-east-1/")["Contents"]
    records = [
        json.loads(line)
        for one in sorted(listed, key=lambda one: one["Key"])
        for line in gzip.decompress(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()).splitlines()
    ]
    assert {one["log_type"] for one in records} == {"experiment-start", "action-start", "action-end", "experiment-end"}
    assert {one["id"] for one in records} == {made["id"]}

    s3.delete_object(Bucket=bucket, Key=key)
    report["outputs"]["s3Configuration"]["bucketName"] = "no-such-bucket"
    failed = start(experimentReportConfiguration=report)["id"]
    kumoi.advance(61)
    told = until(lambda: client.get_experiment(id=failed)["experiment"]["experimentReport"]["state"].get("error"))
    assert told == {"code": "NoSuchBucket"}


def test_a_report_draws_what_a_dashboard_shows(kumoi: Any, s3: Any, client: Any, start: Any) -> None:
    bucket, cloudwatch = f"told-{kumoi.account}", kumoi.client("cloudwatch")
    s3.create_bucket(Bucket=bucket)
    metrics = [["Shop", "Orders", "Kind", "new", {"label": "<orders>"}], ["...", "old"]]
    widgets = [
        {"type": "text", "properties": {"markdown": "no metric"}},
        {"type": "metric", "properties": {"title": "How it goes", "metrics": metrics, "stat": "Sum"}},
    ]
    cloudwatch.put_dashboard(DashboardName="shop", DashboardBody=json.dumps({"widgets": widgets}))
    for kind, value in (("new", 3.0), ("old", 5.0)):
        dimensions = [{"Name": "Kind", "Value": kind}]
        datum = {"MetricName": "Orders", "Dimensions": dimensions, "Value": value, "Timestamp": kumoi.now()}
        cloudwatch.put_metric_data(Namespace="Shop", MetricData=[datum])
    dashboard = f"arn:aws:cloudwatch::{kumoi.account}:dashboard/shop"
    report = {
        "outputs": {"s3Configuration": {"bucketName": bucket}},
        "dataSources": {"cloudWatchDashboards": [{"dashboardIdentifier": dashboard}]},
        "postExperimentDuration": "PT5M",
    }
    name = start(experimentReportConfiguration=report)["id"]

    def told() -> dict[str, Any]:
        return dict(client.get_experiment(id=name)["experiment"]["experimentReport"])

    kumoi.advance(61)
    until(lambda: told()["state"]["status"] == "running")
    kumoi.advance(301)
    until(lambda: told()["state"]["status"] == "completed")
    page = s3.get_object(Bucket=bucket, Key=f"FISreport-{name}.html")["Body"].read().decode()
    assert "<h3>How it goes</h3><svg" in page
    assert page.count("<polyline") == 2
    assert "&lt;orders&gt;" in page


def test_what_is_told_in_a_report_is_text() -> None:
    hostile = "<script>alert('\"1\"')</script>"
    results = [{"Id": "m0", "Label": hostile, "Timestamps": [1.0], "Values": [2.0]}]
    graph = drawn(hostile, results, Window(0.0, 2.0, 0.5, 1.5))
    target = {"resourceType": hostile, "selectionMode": "ALL"}
    action = {"actionId": hostile, "parameters": {hostile: hostile}, "targets": {hostile: hostile}}
    template = Template(
        id=hostile,
        description=hostile,
        role=hostile,
        stop_conditions=[{"source": hostile}],
        targets={hostile: target},
        actions={},
        created=0.0,
        updated=0.0,
    )
    experiment = Experiment(
        id=hostile,
        template=template,
        created=0.0,
        reason=hostile,
        resolved={hostile: [hostile]},
        actions=(ActionRun(name=hostile, definition=action, reason=hostile),),
        mode="run-all",
        tags={},
    )
    told = page(hostile, experiment, [graph])
    assert "<script" not in told
    assert told.count("&lt;script&gt;") > 10


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"metrics": [["N", "M"]]}, [("N", "M", {}, 60, "Average")]),
        (
            {"metrics": [["N", "M", "A", "1"], [".", ".", ".", "2", {"stat": "p99"}]], "period": 300},
            [("N", "M", {"A": "1"}, 300, "Average"), ("N", "M", {"A": "2"}, 300, "p99")],
        ),
        (
            {"metrics": [["N", "M", "A", "1", "B", "2"], ["...", "3"]]},
            [("N", "M", {"A": "1", "B": "2"}, 60, "Average"), ("N", "M", {"A": "1", "B": "3"}, 60, "Average")],
        ),
    ],
)
def test_the_metrics_of_widgets(properties: dict[str, Any], named: list[Any]) -> None:
    found = []
    for query in queries_of(properties):
        stat, metric = query["MetricStat"], query["MetricStat"]["Metric"]
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        found.append((metric["Namespace"], metric["MetricName"], dimensions, stat["Period"], stat["Stat"]))
    assert found == named


@pytest.mark.parametrize("metrics", [None, "x", [1], [[]], [["N"]], [["N", "M", "A"]], [["..."]]])
def test_what_is_no_metric_of_a_widget(metrics: Any) -> None:
    with pytest.raises(ValueError, match=r"metric"):
        queries_of({"metrics": metrics})


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ({"outputs": {}}, "needs an S3 bucket"),
        ({"outputs": {"s3Configuration": {"bucketName": "bbb"}}, "preExperimentDuration": "soon"}, "not valid"),
        (
            {
                "outputs": {"s3Configuration": {"bucketName": "bbb"}},
                "dataSources": {"cloudWatchDashboards": [{"dashboardIdentifier": "d"}]},
            },
            "is not the ARN of a CloudWatch dashboard",
        ),
    ],
)
def test_reports_that_cannot_be_made_are_refused(create: Any, report: dict[str, Any], text: str) -> None:
    with pytest.raises(ClientError, match=text):
        create(experimentReportConfiguration=report)


@pytest.fixture
def elsewhere(kumoi: Any, kumoi_accounts: Iterator[int]) -> Iterator[Any]:
    """Another account, forgotten afterwards."""
    account = type(kumoi)(kumoi._connection, f"{next(kumoi_accounts):012d}")
    yield account
    account.close()
    account.reset()


def test_an_experiment_breaks_several_accounts(
    kumoi: Any, elsewhere: Any, client: Any, create: Any, reached: Any
) -> None:
    accounts = (kumoi, elsewhere)
    for account in accounts:
        kinesis = account.client("kinesis")
        for name, tags in (("tagged", {"break": "me"}), ("alone", {})):
            kinesis.create_stream(StreamName=name, ShardCount=1)
            if tags:
                kinesis.add_tags_to_stream(StreamName=name, Tags=tags)
    target = {"resourceType": "aws:kinesis:stream", "resourceTags": {"break": "me"}, "selectionMode": "ALL"}
    action = {
        "actionId": "aws:kinesis:stream-provisioned-throughput-exception",
        "parameters": {"duration": "PT5M", "percentage": "100"},
        "targets": {"KinesisStreams": "these"},
    }
    made = create(
        targets={"these": target},
        actions={"throttle": action},
        experimentOptions={"accountTargeting": "multi-account"},
    )
    named = {"experimentTemplateId": made["id"]}
    with pytest.raises(ClientError, match="has no target account configuration"):
        client.start_experiment(**named)
    for account in accounts:
        role = f"arn:aws:iam::{account.account}:role/target"
        given = {**named, "accountId": account.account, "roleArn": role, "clientToken": account.account}
        for _ in range(2):  # the token makes one
            told = client.create_target_account_configuration(**given)["targetAccountConfiguration"]
        assert told == {"accountId": account.account, "roleArn": role}
        with pytest.raises(ClientError, match="ConflictException"):
            client.create_target_account_configuration(**given | {"clientToken": "other"})
    with pytest.raises(ClientError, match="is not of the account"):
        client.create_target_account_configuration(**given | {"accountId": "1" * 12})
    client.update_target_account_configuration(**named, accountId=elsewhere.account, description="theirs")
    listed = client.list_target_account_configurations(**named)["targetAccountConfigurations"]
    assert [one.get("description") for one in listed] == [None, "theirs"]
    assert client.get_experiment_template(id=made["id"])["experimentTemplate"]["targetAccountConfigurationsCount"] == 2

    begun = reached(client.start_experiment(**named)["experiment"]["id"], "running", "failed")
    assert (begun["state"]["status"], begun["targetAccountConfigurationsCount"]) == ("running", 2)
    assert client.delete_target_account_configuration(**named, accountId=elsewhere.account)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_target_account_configuration(**named, accountId=elsewhere.account)
    kept = client.get_experiment_target_account_configuration(experimentId=begun["id"], accountId=elsewhere.account)
    assert kept["targetAccountConfiguration"]["description"] == "theirs"
    kept = client.list_experiment_target_account_configurations(experimentId=begun["id"])
    assert len(kept["targetAccountConfigurations"]) == 2
    resolved = client.list_experiment_resolved_targets(experimentId=begun["id"])["resolvedTargets"]
    assert [one["targetInformation"]["arn"].split(":")[4] for one in resolved] == [one.account for one in accounts]

    def throttled(account: Any, stream: str) -> bool:
        try:
            account.client("kinesis").put_record(StreamName=stream, Data=b"", PartitionKey="k")
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ProvisionedThroughputExceededException"
            return True
        return False

    for account in accounts:
        assert (throttled(account, "tagged"), throttled(account, "alone")) == (True, False)
    kumoi.advance(301)
    reached(begun["id"], "completed")
    assert not any(throttled(account, "tagged") for account in accounts)
