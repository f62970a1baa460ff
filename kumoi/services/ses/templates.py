"""Templates in the key space."""

from __future__ import annotations

import msgspec

from kumoi.doorway import Call
from kumoi.services.ses.errors import invalid, no_template, taken
from kumoi.services.ses.records import Template, templates
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

MOST_BYTES = 512_000


def check(call: Call, template: Template) -> None:
    """Raise for a template without any part, or one that is too large."""
    parts = (template.subject, template.text, template.html)
    if not template.name or len(template.name) > 64:
        raise invalid(call, "Template names have 1 to 64 characters.")
    if all(part is None for part in parts):
        raise invalid(call, "The template must have a subject, a text part or an HTML part.")
    if sum(len((part or "").encode()) for part in parts) > MOST_BYTES:
        raise invalid(call, f"Template is larger than {MOST_BYTES} bytes.")


async def create(call: Call, template: Template) -> None:
    """Store a new template."""
    check(call, template)
    if not await _create(call.state, template):
        name = template.name
        raise taken(call, "", f"Template {name} already exists.", Name=name)


@transactional
async def _create(tx: Transaction, template: Template) -> bool:
    if await templates.get(tx, template.name) is not None:
        return False
    await templates.put(tx, template)
    return True


async def update(call: Call, template: Template) -> None:
    """Give a template other parts."""
    check(call, template)
    if not await _update(call.state, template):
        raise no_template(call, template.name)


@transactional
async def _update(tx: Transaction, template: Template) -> bool:
    found = await templates.get(tx, template.name)
    if found is None:
        return False
    kept = msgspec.structs.replace(template, created=found.created, tags=found.tags)
    await templates.put(tx, kept)
    return True


async def find(call: Call, name: str) -> Template:
    """A template, by its name or the end of its ARN."""
    found = await templates.look(call.state, name.rpartition("template/")[2])
    if found is None:
        raise no_template(call, name)
    return found


@transactional
async def delete(tx: Transaction, name: str) -> bool:
    """Remove a template; whether there was one."""
    return await templates.delete(tx, name)


async def listed(state: State) -> list[Template]:
    """All of them, the newest first."""
    return sorted(await state.run(templates.list), key=lambda one: (-one.created, one.name))


def cannot_render(call: Call, problem: Exception, name: str) -> Exception:
    """The error of rendering a template to see what comes out."""
    from kumoi.services.ses.handlebars import MissingAttribute

    if call.service == "sesv2":
        return aws_error("BadRequestException", str(problem))
    kind = "MissingRenderingAttribute" if isinstance(problem, MissingAttribute) else "InvalidTemplate"
    return aws_error(kind, str(problem), TemplateName=name)
