"""Contact lists, and mails that go to nobody who opted out."""

from __future__ import annotations

from typing import Any

TOPIC = {"TopicName": "news", "DisplayName": "News", "DefaultSubscriptionStatus": "OPT_IN"}


def test_who_is_on_a_list(sesv2: Any, refused: Any) -> None:
    sesv2.create_contact_list(ContactListName="people", Topics=[TOPIC])
    assert refused(sesv2.create_contact_list, ContactListName="more")[0] == "LimitExceededException"
    person = {"ContactListName": "people", "EmailAddress": "ann@example.com"}
    sesv2.create_contact(**person, AttributesData='{"name": "Ann"}')
    assert refused(sesv2.create_contact, **person)[0] == "AlreadyExistsException"
    found = sesv2.get_contact(**person)
    assert found["TopicDefaultPreferences"] == [{"TopicName": "news", "SubscriptionStatus": "OPT_IN"}]
    assert found["AttributesData"] == '{"name": "Ann"}'
    out = [{"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}]
    sesv2.update_contact(**person, TopicPreferences=out)
    assert sesv2.get_contact(**person)["TopicPreferences"] == out
    wanted = {"FilteredStatus": "OPT_OUT", "TopicFilter": {"TopicName": "news"}}
    (one,) = sesv2.list_contacts(ContactListName="people", Filter=wanted)["Contacts"]
    assert one["EmailAddress"] == "ann@example.com"
    sesv2.delete_contact(**person)
    assert refused(sesv2.get_contact, **person)[0] == "NotFoundException"


def test_whoever_opted_out_gets_nothing(sesv2: Any, hello: Any, mailbox: Any) -> None:
    sesv2.create_contact_list(ContactListName="people", Topics=[TOPIC])
    out = [{"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}]
    sesv2.create_contact(ContactListName="people", EmailAddress="ann@example.com", TopicPreferences=out)
    sent = sesv2.send_email(
        FromEmailAddress="a@shop.example",
        Destination={"ToAddresses": ["ann@example.com", "bob@example.com"]},
        Content={"Simple": hello},
        ListManagementOptions={"ContactListName": "people", "TopicName": "news"},
    )
    assert mailbox.read(sent["MessageId"])["outcomes"] == {"ann@example.com": "unsubscribed"}
    contacts = sesv2.list_contacts(ContactListName="people")["Contacts"]
    assert [one["EmailAddress"] for one in contacts] == ["ann@example.com", "bob@example.com"]
