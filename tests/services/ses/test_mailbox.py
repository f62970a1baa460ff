"""The mailbox over HTTP: found, waited for, forgotten; LocalStack's form; letters of other services beside SES's."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import Any

import pytest


def send(ses: Any, hello: Any, *to: str) -> str:
    sent = ses.send_email(Source="a@shop.example", Destination={"ToAddresses": list(to)}, Message=hello)
    return str(sent["MessageId"])


def test_mails_are_found_by_who_they_are_for(ses: Any, mailbox: Any, hello: Any) -> None:
    first, second = send(ses, hello, "ann@example.com"), send(ses, hello, "bob@example.com", "Ann@Example.com")
    send(ses, hello, "joann@example.com")
    assert [one["id"] for one in mailbox.list(to="ann@example.com")] == [second, first]
    assert [one["id"] for one in mailbox.list(to="ann@example.com", limit=1)] == [second]
    assert len(mailbox.list(subject="hell", service="ses")) == 3
    assert mailbox.list(service="sns") == []
    newest = mailbox.list(limit=1)[0]["number"]
    assert mailbox.list(after=newest) == []


def test_a_mail_can_be_waited_for(ses: Any, mailbox: Any, hello: Any) -> None:
    sender = threading.Timer(0.3, send, (ses, hello, "ann@example.com"))
    sender.start()
    assert mailbox.list(to="ann@example.com", wait=30)[0]["subject"] == "Hello"
    sender.join()
    started = time.monotonic()
    assert mailbox.list(to="bob@example.com", wait=0.2) == []
    assert time.monotonic() - started >= 0.2


def test_mails_are_forgotten(ses: Any, mailbox: Any, hello: Any) -> None:
    for to in ("ann@example.com", "ann@example.com", "bob@example.com", "cat@example.com"):
        send(ses, hello, to)
    with mailbox.open(method="DELETE", to="ann@example.com") as answer:
        assert json.load(answer) == {"deleted": 2}
    number = mailbox.list(to="bob@example.com")[0]["number"]
    with mailbox.open(f"/{number}", method="DELETE"):
        pass
    assert [one["to"] for one in mailbox.list()] == [["cat@example.com"]]
    assert mailbox.refusal(f"/{number}") == 404


@pytest.mark.parametrize("query", [{"limit": "x"}, {"wait": "-1"}, {"after": "x"}, {"account": "x"}])
def test_a_query_that_means_nothing_is_refused(mailbox: Any, query: dict[str, str]) -> None:
    assert mailbox.refusal(**query) == 400


def test_localstacks_form(ses: Any, kumoi: Any, hello: Any) -> None:
    identifier = send(ses, hello, "ann@example.com")
    raw = ses.send_raw_email(RawMessage={"Data": b"From: a@shop.example\nTo: b@example.com\nSubject: raw\n\nbody"})
    request = urllib.request.Request(f"{kumoi.url}/_aws/ses", headers=signed_for(kumoi.account))
    with urllib.request.urlopen(request) as answer:
        one, two = json.load(answer)["messages"]
    assert one["Id"] == identifier
    assert (one["Source"], one["Destination"]) == ("a@shop.example", {"ToAddresses": ["ann@example.com"]})
    assert (one["Subject"], one["Body"]) == ("Hello", {"text_part": "How are you?", "html_part": None})
    assert (two["Id"], two["Source"]) == (raw["MessageId"], "a@shop.example")
    assert two["RawData"].endswith("\n\nbody")
    request = urllib.request.Request(f"{kumoi.url}/_aws/ses?id={identifier}", headers=signed_for(kumoi.account))
    request.method = "DELETE"
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 204
    request = urllib.request.Request(f"{kumoi.url}/_aws/ses", headers=signed_for(kumoi.account))
    with urllib.request.urlopen(request) as answer:
        assert [one["Id"] for one in json.load(answer)["messages"]] == [raw["MessageId"]]


def signed_for(account: str) -> dict[str, str]:
    """What makes a request one of an account, while nothing is verified."""
    scope = f"{account}/20260101/us-east-1/ses/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}


def test_topics_mails_and_text_messages_are_beside_them(kumoi: Any, ses: Any, mailbox: Any) -> None:
    sns = kumoi.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ann@example.com")
    (mail,) = mailbox.list(to="ann@example.com", wait=30)
    assert (mail["service"], mail["protocol"], mail["cause"]) == ("sns", "email", topic)
    assert "ConfirmSubscription" in mailbox.read(mail["number"])["text"]
    sns.publish(PhoneNumber="+15550100", Message="Hi")
    (text,) = mailbox.list(to="+15550100", wait=30)
    assert mailbox.read(text["number"])["text"] == "Hi"


def test_user_pools_send_to_it_and_by_ses_where_they_have_an_identity(kumoi: Any, ses: Any, mailbox: Any) -> None:
    idp = kumoi.client("cognito-idp")

    def sign_up(address: str, **pool: Any) -> None:
        made = idp.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"], **pool)["UserPool"]["Id"]
        client = idp.create_user_pool_client(UserPoolId=made, ClientName="c")["UserPoolClient"]["ClientId"]
        attributes = [{"Name": "email", "Value": address}]
        idp.sign_up(ClientId=client, Username="u", Password="Correct-horse-1", UserAttributes=attributes)

    sign_up("ann@example.com")
    (mail,) = mailbox.list(to="ann@example.com")
    assert (mail["service"], mail["subject"]) == ("cognito-idp", "Your verification code")
    assert mailbox.read(mail["number"])["text"].startswith("Your verification code is ")
    arn = f"arn:aws:ses:us-east-1:{kumoi.account}:identity/shop.example"
    by_ses = {"EmailSendingAccount": "DEVELOPER", "SourceArn": arn, "From": "Shop <hi@shop.example>"}
    template = {"EmailSubject": "Welcome", "EmailMessage": "Code: <b>{####}</b>"}
    sign_up("bob@example.com", EmailConfiguration=by_ses, VerificationMessageTemplate=template)
    (mail,) = mailbox.list(to="bob@example.com")
    assert (mail["service"], mail["from"], mail["subject"]) == ("ses", "Shop <hi@shop.example>", "Welcome")
    assert mailbox.read(mail["number"])["html"].startswith("Code: <b>")
