"""Mails that were sent are in the mailbox, as they would have arrived."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from typing import Any

import pytest

MESSAGE_ID = r"0100[0-9a-f]{12}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-000000"


def test_a_mail_is_in_the_mailbox(ses: Any, mailbox: Any) -> None:
    body = {"Text": {"Data": "Grüße aus Köln"}, "Html": {"Data": "<b>Grüße</b>", "Charset": "iso-8859-1"}}
    sent = ses.send_email(
        Source="Läden <orders@shop.example>",
        Destination={
            "ToAddresses": ["Ann <ann@example.com>"],
            "CcAddresses": ["c@example.com"],
            "BccAddresses": ["b@example.com"],
        },
        Message={"Subject": {"Data": "Ihre Bestellung №1"}, "Body": body},
        ReplyToAddresses=["help@shop.example"],
    )
    assert re.fullmatch(MESSAGE_ID, sent["MessageId"])
    found = mailbox.read(sent["MessageId"])
    assert found["from"] == "Läden <orders@shop.example>"
    assert (found["to"], found["cc"], found["bcc"]) == (["ann@example.com"], ["c@example.com"], ["b@example.com"])
    assert (found["subject"], found["text"], found["html"]) == ("Ihre Bestellung №1", "Grüße aus Köln", "<b>Grüße</b>")
    with mailbox.open(f"/{found['number']}/raw") as answer:
        raw = email.message_from_bytes(answer.read(), policy=email.policy.default)
    assert (raw["To"], raw["Reply-To"], raw["Bcc"]) == ("Ann <ann@example.com>", "help@shop.example", None)
    assert raw["Message-ID"] == f"<{sent['MessageId']}@email.amazonses.com>"
    assert raw.get_body(("html",)).get_content().strip() == "<b>Grüße</b>"  # type: ignore[union-attr]


def test_whoever_is_no_identity_sends_nothing(ses: Any, refused: Any, mailbox: Any, hello: Any) -> None:
    to = {"ToAddresses": ["ann@example.com"]}
    code, text = refused(ses.send_email, Source="a@elsewhere.example", Destination=to, Message=hello)
    assert code == "MessageRejected"
    start = "Email address is not verified. The following identities failed the check in region US-EAST-1: "
    assert text == f"{start}a@elsewhere.example"
    assert mailbox.list() == []


def test_domains_send_for_their_subdomains_and_addresses_for_themselves(ses: Any, hello: Any, refused: Any) -> None:
    ses.verify_email_identity(EmailAddress="only@one.example")
    to = {"ToAddresses": ["ann@example.com"]}
    for source in ("a@shop.example", "a@mail.shop.example", "Me <only@one.example>", "only@ONE.example"):
        ses.send_email(Source=source, Destination=to, Message=hello)
    for source in ("other@one.example", "a@notshop.example"):
        assert refused(ses.send_email, Source=source, Destination=to, Message=hello)[0] == "MessageRejected"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Destination": {"ToAddresses": ["ann"]}}, "Missing final '@domain'"),
        ({"Destination": {"ToAddresses": []}}, "Missing required header 'To'."),
        ({"Destination": {"ToAddresses": ["ünal@example.com"]}}, "Local address contains non-ASCII characters"),
        ({"Destination": {"ToAddresses": [f"{n}@example.com" for n in range(51)]}}, "Recipient count exceeds 50."),
        ({"Source": "a@b.example\r\nBcc: x@y.example"}, "Control characters are not allowed in addresses."),
        ({"ReplyToAddresses": ["no"]}, "Missing final '@domain'"),
    ],
)
def test_what_is_no_mail_is_refused(ses: Any, refused: Any, hello: Any, change: dict[str, Any], text: str) -> None:
    given = {
        "Source": "a@shop.example",
        "Destination": {"ToAddresses": ["ann@example.com"]},
        "Message": hello,
        **change,
    }
    assert refused(ses.send_email, **given) == ("InvalidParameterValue", text)


def test_headers_cannot_be_smuggled_in(sesv2: Any, refused: Any, hello: Any) -> None:
    def sent(**simple: Any) -> tuple[str, str]:
        content = {"Simple": {**hello, **simple}}
        to = {"ToAddresses": ["ann@example.com"]}
        return refused(sesv2.send_email, FromEmailAddress="a@shop.example", Destination=to, Content=content)  # type: ignore[no-any-return]

    assert sent(Subject={"Data": "Hello\r\nBcc: x@y.example"})[0] == "BadRequestException"
    assert sent(Headers=[{"Name": "X-A\r\nBcc", "Value": "x"}])[0] == "BadRequestException"
    assert sent(Headers=[{"Name": "Bcc", "Value": "x@y.example"}])[0] == "BadRequestException"
    attachment = {"FileName": 'a"\r\nX: y', "RawContent": b"x"}
    assert sent(Attachments=[attachment])[0] == "BadRequestException"


def test_v2_sends_attachments_headers_and_tags(sesv2: Any, mailbox: Any, hello: Any) -> None:
    attachments = [
        {"FileName": "Rechnung_März.pdf", "RawContent": b"%PDF-1", "ContentType": "application/pdf"},
        {
            "FileName": "logo.png",
            "RawContent": b"\x89PNG",
            "ContentType": "image/png",
            "ContentId": "logo",
            "ContentDisposition": "INLINE",
        },
    ]
    body = {"Html": {"Data": '<img src="cid:logo"><img src="https://elsewhere.example/x.png">'}}
    sent = sesv2.send_email(
        FromEmailAddress="orders@shop.example",
        Destination={"ToAddresses": ["ann@example.com"]},
        Content={
            "Simple": {
                "Subject": {"Data": "Bill"},
                "Body": body,
                "Headers": [{"Name": "List-Unsubscribe", "Value": "<mailto:off@shop.example>"}],
                "Attachments": attachments,
            }
        },
        EmailTags=[{"Name": "kind", "Value": "bill"}],
    )
    found = mailbox.read(sent["MessageId"])
    assert [(one["name"], one["type"], one["size"]) for one in found["attachments"]] == [
        ("logo.png", "image/png", 4),
        ("Rechnung_März.pdf", "application/pdf", 6),
    ]
    assert ["List-Unsubscribe", "<mailto:off@shop.example>"] in found["headers"]
    with mailbox.open(f"/{found['number']}/attachments/1") as answer:
        assert answer.read() == b"%PDF-1"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Rechnung_M%C3%A4rz.pdf"
    with mailbox.open(f"/{found['number']}/html") as answer:
        assert answer.read() == b'<img src="data:image/png;base64,iVBORw=="><img src="https://elsewhere.example/x.png">'
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; img-src data:;")


def test_raw_messages_keep_what_they_are(ses: Any, sesv2: Any, mailbox: Any) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Bcc"] = "A <a@shop.example>", "ann@example.com", "secret@example.com"
    message["Subject"], message["X-Own"] = "Räw", "kept"
    message.set_content("text")
    message.add_attachment(b"123", maintype="application", subtype="x-own", filename="a.bin")
    first = ses.send_raw_email(RawMessage={"Data": message.as_bytes()})
    second = sesv2.send_email(
        Content={"Raw": {"Data": message.as_bytes().replace(b"\n", b"\r\n")}},
        Destination={"ToAddresses": ["other@example.com"]},
    )
    found = mailbox.read(first["MessageId"])
    assert (found["to"], found["bcc"], found["subject"]) == (["ann@example.com"], ["secret@example.com"], "Räw")
    assert found["attachments"][0]["name"] == "a.bin"
    names = [name for name, _ in found["headers"]]
    assert "X-Own" in names and "Bcc" not in names
    again = mailbox.read(second["MessageId"])
    assert (again["to"], again["bcc"]) == ([], ["other@example.com"])


def test_raw_messages_without_a_sender_are_refused(ses: Any, refused: Any) -> None:
    given = refused(ses.send_raw_email, RawMessage={"Data": b"To: ann@example.com\r\n\r\nbody"})
    assert given == ("InvalidParameterValue", "Missing required header 'From'.")


def test_templates_are_sent_with_data(ses: Any, sesv2: Any, mailbox: Any, refused: Any) -> None:
    parts = {"SubjectPart": "Order {{number}}", "TextPart": "{{#each lines}}{{@index}}:{{name}} {{/each}}"}
    ses.create_template(Template={"TemplateName": "order", **parts})
    lines = '{"number": 7, "lines": [{"name": "tea"}, {"name": "jam"}]}'
    to = {"ToAddresses": ["ann@example.com"]}
    one = ses.send_templated_email(Source="a@shop.example", Destination=to, Template="order", TemplateData=lines)
    found = mailbox.read(one["MessageId"])
    assert (found["subject"], found["text"]) == ("Order 7", "0:tea 1:jam ")
    content = {"Template": {"TemplateContent": {"Subject": "Hi {{n}}", "Text": "x"}, "TemplateData": '{"n": 1}'}}
    two = sesv2.send_email(FromEmailAddress="a@shop.example", Destination=to, Content=content)
    assert mailbox.read(two["MessageId"])["subject"] == "Hi 1"
    missing = refused(
        ses.send_templated_email, Source="a@shop.example", Destination=to, Template="x", TemplateData="{}"
    )
    assert missing == ("TemplateDoesNotExist", "Template x does not exist")


def test_many_get_mails_with_data_of_their_own(ses: Any, sesv2: Any, mailbox: Any) -> None:
    ses.create_template(Template={"TemplateName": "hi", "SubjectPart": "Hi {{name}}", "TextPart": "{{shop}}"})
    results = ses.send_bulk_templated_email(
        Source="a@shop.example",
        Template="hi",
        DefaultTemplateData='{"name": "you", "shop": "ours"}',
        Destinations=[
            {"Destination": {"ToAddresses": ["ann@example.com"]}, "ReplacementTemplateData": '{"name": "Ann"}'},
            {"Destination": {"ToAddresses": ["bob@example.com"]}},
            {"Destination": {"ToAddresses": ["nobody"]}},
        ],
    )["Status"]
    assert [one["Status"] for one in results] == ["Success", "Success", "InvalidParameterValue"]
    assert [one["subject"] for one in mailbox.list()] == ["Hi you", "Hi Ann"]
    results = sesv2.send_bulk_email(
        FromEmailAddress="a@shop.example",
        DefaultContent={"Template": {"TemplateName": "hi", "TemplateData": '{"name": "you", "shop": "ours"}'}},
        BulkEmailEntries=[
            {
                "Destination": {"ToAddresses": ["cat@example.com"]},
                "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": '{"name": "Cat"}'}},
            }
        ],
    )["BulkEmailEntryResults"]
    assert mailbox.read(results[0]["MessageId"])["subject"] == "Hi Cat"


def test_sending_can_be_paused(ses: Any, sesv2: Any, refused: Any, hello: Any) -> None:
    mail = {"Source": "a@shop.example", "Destination": {"ToAddresses": ["ann@example.com"]}, "Message": hello}
    ses.create_configuration_set(ConfigurationSet={"Name": "calm"})
    ses.update_configuration_set_sending_enabled(ConfigurationSetName="calm", Enabled=False)
    code, _ = refused(ses.send_email, **mail, ConfigurationSetName="calm")
    assert code == "ConfigurationSetSendingPausedException"
    sesv2.put_account_sending_attributes(SendingEnabled=False)
    assert ses.get_account_sending_enabled()["Enabled"] is False
    assert refused(ses.send_email, **mail)[0] == "AccountSendingPausedException"
    v2 = {"FromEmailAddress": "a@shop.example", "Destination": mail["Destination"], "Content": {"Simple": hello}}
    assert refused(sesv2.send_email, **v2)[0] == "SendingPausedException"


def test_what_was_sent_is_counted(ses: Any, sesv2: Any, hello: Any) -> None:
    to = {"ToAddresses": ["ann@example.com", "bounce@simulator.amazonses.com"]}
    ses.send_email(Source="a@shop.example", Destination=to, Message=hello)
    quota = ses.get_send_quota()
    assert (quota["Max24HourSend"], quota["MaxSendRate"], quota["SentLast24Hours"]) == (50_000.0, 14.0, 2.0)
    (point,) = ses.get_send_statistics()["SendDataPoints"]
    assert (point["DeliveryAttempts"], point["Bounces"], point["Complaints"], point["Rejects"]) == (2, 1, 0, 0)
    account = sesv2.get_account()
    assert account["ProductionAccessEnabled"] is True
    assert account["SendQuota"]["SentLast24Hours"] == 2.0


def test_a_mail_of_megabytes_is_kept_whole(ses: Any, mailbox: Any) -> None:
    content = bytes(range(256)) * 8192
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@shop.example", "ann@example.com", "large"
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename="large.bin")
    sent = ses.send_raw_email(RawMessage={"Data": message.as_bytes()})
    number = mailbox.read(sent["MessageId"])["number"]
    with mailbox.open(f"/{number}/attachments/0") as answer:
        assert answer.read() == content


def test_what_is_too_large_is_refused(ses: Any, refused: Any) -> None:
    raw = b"From: a@shop.example\r\nTo: ann@example.com\r\n\r\n" + b"x" * 10_485_760
    code, text = refused(ses.send_raw_email, RawMessage={"Data": raw})
    assert code == "InvalidParameterValue"
    assert text.startswith("Message length is more than 10485760 bytes long")
