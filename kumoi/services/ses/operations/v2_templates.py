"""Templates, by the v2 API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kumoi.doorway import Call
from kumoi.services.ses import sesv2, templates
from kumoi.services.ses.errors import no_template
from kumoi.services.ses.pages import page
from kumoi.services.ses.previews import preview
from kumoi.services.ses.records import Template
from kumoi.services.ses.tags import tags_of


def _template(call: Call, name: str, content: dict[str, Any], tags: list[dict[str, str]] | None = None) -> Template:
    parts = {part.lower(): content.get(part) for part in ("Subject", "Text", "Html")}
    return Template(name=name, created=call.now, tags=tags_of(tags), **parts)


@sesv2.operation
async def create_email_template(
    call: Call, TemplateName: str, TemplateContent: dict[str, Any], Tags: list[dict[str, str]] | None = None
) -> None:
    """Make a template."""
    await templates.create(call, _template(call, TemplateName, TemplateContent, Tags))


@sesv2.operation
async def update_email_template(call: Call, TemplateName: str, TemplateContent: dict[str, Any]) -> None:
    """Give a template other parts."""
    await templates.update(call, _template(call, TemplateName, TemplateContent))


@sesv2.operation
async def get_email_template(call: Call, TemplateName: str) -> dict[str, Any]:
    """A template."""
    found = await templates.find(call, TemplateName)
    parts = {"Subject": found.subject, "Text": found.text, "Html": found.html}
    tags = [{"Key": name, "Value": value} for name, value in found.tags.items()]
    return {"TemplateName": found.name, "TemplateContent": parts, "Tags": tags}


@sesv2.operation
async def list_email_templates(call: Call, NextToken: str | None = None, PageSize: int | None = None) -> dict[str, Any]:
    """The templates, the newest first."""
    found, more = page(call, await templates.listed(call.state), NextToken, PageSize, 100)
    told = [{"TemplateName": one.name, "CreatedTimestamp": datetime.fromtimestamp(one.created, UTC)} for one in found]
    return {"TemplatesMetadata": told, "NextToken": more}


@sesv2.operation
async def delete_email_template(call: Call, TemplateName: str) -> None:
    """Delete a template."""
    if not await templates.delete(call.state, TemplateName):
        raise no_template(call, TemplateName)


@sesv2.operation
async def test_render_email_template(call: Call, TemplateName: str, TemplateData: str) -> dict[str, Any]:
    """What a template comes to with data, as a MIME message."""
    return {"RenderedTemplate": await preview(call, TemplateName, TemplateData)}
