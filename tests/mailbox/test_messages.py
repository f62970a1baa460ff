"""Messages are read whatever they are made of."""

from __future__ import annotations

from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from kumoi.mailbox.messages import header, read


def test_texts_and_attachments_are_told_apart() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("text")
    message.add_alternative("<p>html</p>", subtype="html")
    message.add_attachment("a,b", subtype="csv", filename="Tabelle_ä.csv")
    content = read(message.as_bytes())
    assert (content.text, content.html) == ("text\n", "<p>html</p>\n")
    assert [(one.name, one.type, one.content) for one in content.attachments] == [
        ("Tabelle_ä.csv", "text/csv", b"a,b\n")
    ]
    assert ("Subject", "Grüße") in content.headers


def test_what_claims_to_be_what_it_is_not_is_shown_nevertheless() -> None:
    raw = (
        b"Subject: =?nonsense?q?x?=\r\nContent-Type: text/plain; charset=no-such\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n!!! not base64"
    )
    content = read(raw)
    assert content.text is not None
    assert header("a\r\n b") == "a b"


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(raw: bytes) -> None:
    read(raw)


_PIECES = [
    *(b"Content-Type: ", b"multipart/mixed; boundary=", b"text/html", b"message/rfc822", b"\r\n", b"\r\n\r\n", b"--b"),
    *(b"b", b'"', b";", b"=?utf-8?b?", b"?=", b"Content-Disposition: attachment; filename*=", b"utf-8''%", b"\xff"),
    *(b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"=", b"x-uuencode", b"begin 6", b"From: "),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=40))
def test_any_message_can_be_read(pieces: list[bytes]) -> None:
    read(b"".join(pieces))
