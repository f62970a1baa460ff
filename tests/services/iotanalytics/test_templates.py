"""IoT Analytics in CloudFormation templates, as public ones have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TEMPLATE = """
Resources:
  Raw:
    Type: AWS::IoTAnalytics::Channel
    Properties: {ChannelName: raw, RetentionPeriod: {NumberOfDays: "30"}, Tags: [{Key: team, Value: x}]}
  Store:
    Type: AWS::IoTAnalytics::Datastore
    Properties:
      DatastoreName: store
      FileFormatConfiguration:
        ParquetConfiguration: {SchemaDefinition: {Columns: [{Name: t, Type: double}, {Name: temp, Type: double}]}}
  Flow:
    Type: AWS::IoTAnalytics::Pipeline
    Properties:
      PipelineName: flow
      PipelineActivities:
        - Channel: {Name: in, ChannelName: !Ref Raw, Next: add}
          AddAttributes: {Name: add, Attributes: {T: temp}, Next: out}
          Datastore: {Name: out, DatastoreName: !Ref Store}
  Hourly:
    Type: AWS::IoTAnalytics::Dataset
    Properties:
      Actions: [{ActionName: q, QueryAction: {SqlQuery: !Sub "SELECT * FROM ${Store}"}}]
      Triggers: [{Schedule: {ScheduleExpression: rate(1 hour)}}]
      VersioningConfiguration: {Unlimited: "true"}
Outputs:
  Hourly: {Value: !Ref Hourly}
  Id: {Value: !GetAtt Raw.Id}
"""


def test_a_template_makes_changes_and_deletes_everything(client: Any, kumoi: Any, until: Callable[..., Any]) -> None:
    stacks = kumoi.client("cloudformation")

    def ended() -> Any:
        stack = stacks.describe_stacks(StackName="s")["Stacks"][0]
        return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

    stacks.create_stack(StackName="s", TemplateBody=TEMPLATE)
    stack = until(ended, "the stack was not made")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName="s")["StackEvents"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    channel = client.describe_channel(channelName="raw")["channel"]
    assert channel["retentionPeriod"] == {"numberOfDays": 30}
    assert client.list_tags_for_resource(resourceArn=channel["arn"])["tags"] == [{"key": "team", "value": "x"}]
    activities = client.describe_pipeline(pipelineName="flow")["pipeline"]["activities"]
    assert [next(iter(one)) for one in activities] == ["channel", "addAttributes", "datastore"]
    assert activities[1]["addAttributes"]["attributes"] == {"T": "temp"}
    dataset = client.describe_dataset(datasetName=outputs["Hourly"])["dataset"]
    assert dataset["triggers"] == [{"schedule": {"expression": "rate(1 hour)"}}]
    assert dataset["actions"][0]["queryAction"]["sqlQuery"] == "SELECT * FROM store"
    stacks.update_stack(StackName="s", TemplateBody=TEMPLATE.replace("rate(1 hour)", "rate(2 hours)"))
    assert until(ended, "the stack was not changed")["StackStatus"] == "UPDATE_COMPLETE"
    dataset = client.describe_dataset(datasetName=outputs["Hourly"])["dataset"]
    assert dataset["triggers"] == [{"schedule": {"expression": "rate(2 hours)"}}]
    stacks.delete_stack(StackName="s")
    until(lambda: client.list_channels()["channelSummaries"] == [], "the channel is still there")
    until(lambda: client.list_datasets()["datasetSummaries"] == [], "the data set is still there")
