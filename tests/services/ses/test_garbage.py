"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import base64
import http.client
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

words = st.sampled_from(
    ["", "x", "ü", "\u0000", "a@shop.example", "shop.example", "\u202e@ü.example", "a@b", "@", "a@", "<a@shop.example>",
     "N\r\nBcc: x <a@shop.example>", '"q" <a@shop.example>', "t", "{{", "{{a}}", "{{#each a}}{{/each}}", "{}", "[1]",
     '{"a": [{"b": null}]}', "us-ascii", "utf-7", "idna", "rot13", "base64", "no-such", "=?utf-8?b?/w==?=", "x" * 2000]
)  # fmt: skip
raws = st.lists(
    st.sampled_from(
        [b"From: a@shop.example", b"From: =?x?q?", b"\r\n", b"\r\n\r\n", b"To: ", b"b@example.com", b"\xff\xfe",
         b"\x00", b"Content-Type: multipart/mixed; boundary=b", b"--b", b"X-SES-MESSAGE-TAGS: a=b, a=c", b": x", b" ",
         b"Content-Type: text/plain; charset*=utf-7''%", b"X-SES-CONFIGURATION-SET: \xc3", b"Bcc: ,,,"]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=words, to=words, subject=words, text=words, charset=words, tag=words)
def test_mails_of_garbage(
    kumoi: Any, ses: Any, source: str, to: str, subject: str, text: str, charset: str, tag: str
) -> None:
    sent(
        kumoi,
        Action="SendEmail",
        Source=source,
        **{
            "Destination.ToAddresses.member.1": to,
            "Message.Subject.Data": subject,
            "Message.Subject.Charset": charset,
            "Message.Body.Text.Data": text,
            "Message.Body.Text.Charset": charset,
            "Tags.member.1.Name": tag,
            "Tags.member.1.Value": tag,
        },
    )


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=raws, to=words)
def test_raw_garbage(kumoi: Any, ses: Any, raw: bytes, to: str) -> None:
    data = base64.b64encode(raw or b"x").decode()
    sent(kumoi, Action="SendRawEmail", **{"RawMessage.Data": data, "Destinations.member.1": to})


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(template=words, data=words)
def test_templates_of_garbage(kumoi: Any, ses: Any, template: str, data: str) -> None:
    for action in ("CreateTemplate", "UpdateTemplate"):
        named = {"Template.TemplateName": "t", "Template.SubjectPart": template}
        sent(kumoi, Action=action, **named, **{"Template.TextPart": f"{template}{data}"})
    sent(kumoi, Action="TestRenderTemplate", TemplateName="t", TemplateData=data)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.lists(st.sampled_from(["1", "0", "x", "raw", "html", "attachments", "-1", "9" * 40, "ü", ""]), max_size=4),
    name=st.sampled_from(["to", "wait", "limit", "after", "account", "subject"]),
    value=words,
    method=st.sampled_from(["GET", "DELETE", "POST", "HEAD"]),
)
def test_garbage_to_the_mailbox(kumoi: Any, path: list[str], name: str, value: str, method: str) -> None:
    query = urlencode({"account": kumoi.account, name: value})
    asked(kumoi, method, f"/_kumoi/mail/{'/'.join(map(quote, path))}?{query}", None, {})


def sent(kumoi: Any, **members: str) -> None:
    scope = f"{kumoi.account}/20260101/us-east-1/ses/aws4_request"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    asked(kumoi, "POST", "/", urlencode({"Version": "2010-12-01", **members}), headers)


def asked(kumoi: Any, method: str, path: str, body: str | None, headers: dict[str, str]) -> None:
    address = urlsplit(kumoi.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert answer.status < 500, content
