"""Templates, by the v1 API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import ses, templates
from kumoi.services.ses.pages import page
from kumoi.services.ses.previews import preview
from kumoi.services.ses.records import Template as Stored


def _template(call: Call, given: dict[str, Any]) -> Stored:
    return Stored(
        name=given["TemplateName"],
        created=call.now,
        subject=given.get("SubjectPart"),
        text=given.get("TextPart"),
        html=given.get("HtmlPart"),
    )


@ses.operation
async def create_template(call: Call, Template: dict[str, Any]) -> None:
    """Make a template."""
    await templates.create(call, _template(call, Template))


@ses.operation
async def update_template(call: Call, Template: dict[str, Any]) -> None:
    """Give a template other parts."""
    await templates.update(call, _template(call, Template))


@ses.operation
async def get_template(call: Call, TemplateName: str) -> dict[str, Any]:
    """A template."""
    found = await templates.find(call, TemplateName)
    parts = {"SubjectPart": found.subject, "TextPart": found.text, "HtmlPart": found.html}
    return {"Template": {"TemplateName": found.name, **parts}}


@ses.operation
async def list_templates(call: Call, NextToken: str | None = None, MaxItems: int | None = None) -> dict[str, Any]:
    """The templates, the newest first."""
    found, more = page(call, await templates.listed(call.state), NextToken, MaxItems, 100)
    told = [{"Name": one.name, "CreatedTimestamp": datetime.fromtimestamp(one.created, UTC)} for one in found]
    return {"TemplatesMetadata": told, "NextToken": more}


@ses.operation
async def delete_template(call: Call, TemplateName: str) -> None:
    """Delete a template; one that is not there is passed over."""
    await templates.delete(call.state, TemplateName)


@ses.operation
async def test_render_template(call: Call, TemplateName: str, TemplateData: str) -> dict[str, Any]:
    """What a template comes to with data, as a MIME message."""
    return {"RenderedTemplate": await preview(call, TemplateName, TemplateData)}
