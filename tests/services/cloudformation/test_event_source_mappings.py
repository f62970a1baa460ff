"""Event source mappings of templates: what a template states no more is as it would be had it never been stated."""

from __future__ import annotations

from typing import Any


def test_what_is_taken_out_of_a_mapping_is_no_longer_so(kumoi: Any, stacks: Any, function: Any) -> None:
    function("f", "def handler(event, context): pass")
    client = kumoi.client("lambda")
    plain = {"FunctionName": "f", "EventSourceArn": {"Fn::GetAtt": ["Jobs", "Arn"]}}
    full = {
        **plain,
        "BatchSize": 5,
        "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"a": [1]}}'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": 3,
        "ScalingConfig": {"MaximumConcurrency": 4},
        "Tags": [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "dev"}],
    }

    def deploy(properties: dict[str, Any]) -> dict[str, Any]:
        mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
        jobs = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}  # no less than the function has
        stack = stacks.deploy("s", {"Jobs": jobs, "Mapping": mapping})
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), stacks.reasons("s")
        (found,) = client.list_event_source_mappings(FunctionName="f")["EventSourceMappings"]
        return dict(found)

    made = deploy(full)
    assert (made["BatchSize"], made["ScalingConfig"]) == (5, {"MaximumConcurrency": 4})
    tags = client.list_tags(Resource=made["EventSourceMappingArn"])["Tags"]
    assert (tags["team"], tags["stage"], tags["aws:cloudformation:stack-name"]) == ("a", "dev", "s")

    changed = deploy({**plain, "Tags": [{"Key": "team", "Value": "b"}]})
    assert changed["UUID"] == made["UUID"]
    assert (changed["BatchSize"], changed["MaximumBatchingWindowInSeconds"]) == (10, 0)
    assert changed["FunctionResponseTypes"] == []
    assert not {"FilterCriteria", "ScalingConfig"} & changed.keys()
    tags = client.list_tags(Resource=made["EventSourceMappingArn"])["Tags"]
    assert tags["team"] == "b"
    assert "stage" not in tags
