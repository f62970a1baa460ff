"""What a template comes to with data, as TestRenderTemplate answers it: a MIME message without addresses."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.services.ses.addresses import Address
from kumoi.services.ses.composing import composed
from kumoi.services.ses.drafts import data_of, rendered
from kumoi.services.ses.handlebars import RenderingError
from kumoi.services.ses.templates import cannot_render, find


async def preview(call: Call, name: str, data: str) -> str:
    """The message; MissingRenderingAttribute, InvalidTemplate (v2: BadRequestException)."""
    template = await find(call, name)
    try:
        made = rendered(template, data_of(call, data))
    except RenderingError as error:
        raise cannot_render(call, error, name) from error
    raw = composed(
        message_id="preview",
        region=call.region,
        now=call.now,
        source=Address("", "preview"),
        to=(),
        cc=(),
        reply_to=(),
        subject=made.subject,
        text=made.text,
        html=made.html,
    )
    lines = raw.decode("utf-8", "replace").split("\n")
    return "\r\n".join(line for line in lines if not line.startswith(("From: preview", "Message-ID: <preview@")))
