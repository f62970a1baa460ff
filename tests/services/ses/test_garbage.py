"""Whatever a client sends, it is told what is wrong: never a failure of the platform's own."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import botocore.session
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


PLACES = {
    "SendEmail": ("POST", "/v2/email/outbound-emails"),
    "SendBulkEmail": ("POST", "/v2/email/outbound-bulk-emails"),
    "CreateEmailIdentity": ("POST", "/v2/email/identities"),
    "CreateConfigurationSet": ("POST", "/v2/email/configuration-sets"),
    "CreateEmailTemplate": ("POST", "/v2/email/templates"),
    "CreateContactList": ("POST", "/v2/email/contact-lists"),
    "CreateContact": ("POST", "/v2/email/contact-lists/t/contacts"),
    "PutSuppressedDestination": ("PUT", "/v2/email/suppression/addresses"),
    "TagResource": ("POST", "/v2/email/tags"),
    "PutAccountDetails": ("POST", "/v2/email/account/details"),
    "CreateConfigurationSetEventDestination": ("POST", "/v2/email/configuration-sets/t/event-destinations"),
}


def _value(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """What may stand where the model has a shape: mostly of its type."""
    if shape.type_name == "structure" and depth < 6:
        kept = {name: _value(member, depth + 1) for name, member in shape.members.items()}
        required = {name: kept.pop(name) for name in shape.required_members}
        return st.fixed_dictionaries(required, optional=kept)
    if shape.type_name == "list" and depth < 6:
        return st.lists(_value(shape.member, depth + 1), max_size=2)
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum)
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name == "blob":
        return raws.map(lambda raw: base64.b64encode(raw).decode())
    return words


def _request(operation: str) -> st.SearchStrategy[tuple[str, Any]]:
    shape = botocore.session.get_session().get_service_model("sesv2").operation_model(operation).input_shape
    return st.tuples(st.just(operation), _value(shape))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked_for=st.one_of(*map(_request, PLACES)))
def test_garbage_to_the_second_api(kumoi: Any, ses: Any, asked_for: tuple[str, Any]) -> None:
    operation, params = asked_for
    scope = f"{kumoi.account}/20260101/us-east-1/ses/aws4_request"
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    asked(kumoi, *PLACES[operation], json.dumps(params), headers)


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
    assert answer.status < 500 or answer.status == 501, content
