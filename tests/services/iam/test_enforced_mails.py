"""`--auth enforce`: who may send mails from which identity, to whom, and read the mailbox."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

ACCOUNT, OTHER = "311111111111", "322222222222"
Helper = Callable[..., Any]
MESSAGE = {"Subject": {"Data": "Hello"}, "Body": {"Text": {"Data": "text"}}}


def mail(source: str, *to: str) -> dict[str, Any]:
    return {"Source": source, "Destination": {"ToAddresses": list(to)}, "Message": MESSAGE}


def test_identities_senders_and_recipients(
    connect: Helper, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    connect("ses").verify_domain_identity(Domain="shop.example")
    arn = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/shop.example"
    condition = {
        "StringEquals": {"ses:FromAddress": "orders@shop.example"},
        "ForAllValues:StringLike": {"ses:Recipients": ["*@example.com"]},
    }
    policy = document(["ses:SendEmail", "ses:SendRawEmail"], arn, Condition=condition)
    key = new_user(connect, "sender", policy)
    user, v2 = connect("ses", key), connect("sesv2", key)
    user.send_email(**mail("Shop <orders@shop.example>", "ann@example.com"))
    user.send_raw_email(RawMessage={"Data": b"From: orders@shop.example\nTo: ann@example.com\n\nx"})
    content = {"Content": {"Simple": MESSAGE}, "Destination": {"ToAddresses": ["ann@example.com"]}}
    v2.send_email(FromEmailAddress="orders@shop.example", **content)
    code, text = refusal(user.send_email, **mail("other@shop.example", "ann@example.com"))
    assert code == "AccessDenied"
    assert "is not authorized to perform: ses:SendEmail on resource:" in text
    refusal(user.send_email, **mail("orders@shop.example", "ann@example.com", "eve@elsewhere.example"))
    refusal(v2.send_email, FromEmailAddress="other@shop.example", **content)
    refusal(user.list_identities)


def test_an_identity_s_policy_lets_another_account_send(
    connect: Helper, document: Helper, new_user: Helper, refusal: Helper
) -> None:
    ses = connect("ses")
    ses.verify_domain_identity(Domain="lent.example")
    arn = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/lent.example"
    other = connect("ses", account=OTHER)
    given = {**mail("a@lent.example", "ann@example.com"), "SourceArn": arn}
    refusal(other.send_email, **given)
    principal = {"AWS": f"arn:aws:iam::{OTHER}:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "ses:SendEmail", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    ses.put_identity_policy(Identity="lent.example", PolicyName="lend", Policy=policy)
    other.send_email(**given)


def test_the_mailbox_takes_the_platform_s_token(connect: Helper) -> None:
    url = connect("ses").meta.endpoint_url
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{url}/_kumoi/mail?account={ACCOUNT}")
    with error.value as answer:
        assert answer.code == 401
