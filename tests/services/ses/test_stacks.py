"""Templates with identities, configuration sets, event destinations, mail templates and contact lists."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.fixture
def stacks(kumoi: Any) -> Any:
    return kumoi.client("cloudformation")


def settled(stacks: Any) -> dict[str, Any]:
    """The stack, once nothing is under way."""
    while (stack := stacks.describe_stacks(StackName="s")["Stacks"][0])["StackStatus"].endswith("_IN_PROGRESS"):
        continue
    return dict(stack)


def template(events: list[str], subject: str, forwarding: bool) -> str:
    resources = {
        "Identity": {
            "Type": "AWS::SES::EmailIdentity",
            "Properties": {
                "EmailIdentity": "stack.example",
                "ConfigurationSetAttributes": {"ConfigurationSetName": {"Ref": "Set"}},
                "FeedbackAttributes": {"EmailForwardingEnabled": forwarding},
                "MailFromAttributes": {"MailFromDomain": "mail.stack.example"},
                "Tags": [{"Key": "team", "Value": "post"}],
            },
        },
        "Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"SendingOptions": {"SendingEnabled": "true"}}},
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Events": {
            "Type": "AWS::SES::ConfigurationSetEventDestination",
            "Properties": {
                "ConfigurationSetName": {"Ref": "Set"},
                "EventDestination": {
                    "Enabled": True,
                    "MatchingEventTypes": events,
                    "SnsDestination": {"TopicARN": {"Ref": "Topic"}},
                },
            },
        },
        "Mail": {
            "Type": "AWS::SES::Template",
            "Properties": {"Template": {"TemplateName": "receipt", "SubjectPart": subject, "TextPart": "x"}},
        },
        "People": {
            "Type": "AWS::SES::ContactList",
            "Properties": {
                "ContactListName": "people",
                "Topics": [{"TopicName": "n", "DisplayName": "N", "DefaultSubscriptionStatus": "OPT_IN"}],
            },
        },
    }
    outputs = {
        "Set": {"Value": {"Ref": "Set"}},
        "Identity": {"Value": {"Ref": "Identity"}},
        "Token": {"Value": {"Fn::GetAtt": "Identity.DkimDNSTokenName1"}},
        "Value": {"Value": {"Fn::GetAtt": "Identity.DkimDNSTokenValue1"}},
    }
    return json.dumps({"Resources": resources, "Outputs": outputs})


def test_a_stack_is_made_changed_and_deleted(stacks: Any, ses: Any, sesv2: Any, refused: Any) -> None:
    stacks.create_stack(StackName="s", TemplateBody=template(["bounce", "renderingFailure"], "Hi {{name}}", True))
    stack = settled(stacks)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName="s")["StackEvents"]
    told = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    found = sesv2.get_email_identity(EmailIdentity="stack.example")
    assert found["ConfigurationSetName"] == told["Set"]
    assert found["MailFromAttributes"]["MailFromDomain"] == "mail.stack.example"
    assert {"Key": "team", "Value": "post"} in found["Tags"]
    token = found["DkimAttributes"]["Tokens"][0]
    assert told["Identity"] == "stack.example"
    assert (told["Token"], told["Value"]) == (f"{token}._domainkey.stack.example", f"{token}.dkim.amazonses.com")
    (events,) = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=told["Set"])["EventDestinations"]
    assert events["MatchingEventTypes"] == ["BOUNCE", "RENDERING_FAILURE"]
    stacks.update_stack(StackName="s", TemplateBody=template(["send"], "Dear {{name}}", False))
    assert settled(stacks)["StackStatus"] == "UPDATE_COMPLETE"
    assert ses.get_template(TemplateName="receipt")["Template"]["SubjectPart"] == "Dear {{name}}"
    assert sesv2.get_email_identity(EmailIdentity="stack.example")["FeedbackForwardingStatus"] is False
    (events,) = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=told["Set"])["EventDestinations"]
    assert events["MatchingEventTypes"] == ["SEND"]
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert refused(sesv2.get_email_identity, EmailIdentity="stack.example")[0] == "NotFoundException"
    assert ses.list_templates()["TemplatesMetadata"] == []
    assert sesv2.list_contact_lists()["ContactLists"] == []
