"""Templates: kept, rendered, and the language that they are written in."""

from __future__ import annotations

from typing import Any

import pytest

from kumoi.services.ses.handlebars import RenderingError, render

DATA = {
    "name": "Ann",
    "empty": [],
    "zero": 0,
    "none": None,
    "items": [{"n": 1, "tags": ["a", "b"]}, {"n": 2}],
    "who": {"first": "A", "address": {"city": "Köln"}},
    "html": "<b>&</b>",
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("Hi {{name}}!", "Hi Ann!"),
        ("{{ name }} {{{name}}} {{&name}}", "Ann Ann Ann"),
        ("{{html}}", "<b>&</b>"),
        ("{{who.address.city}} {{items.1.n}} {{items.[0].n}} {{items.length}}", "Köln 2 1 2"),
        ("{{#if name}}yes{{else}}no{{/if}}", "yes"),
        ("{{#if missing}}yes{{else}}no{{/if}}", "no"),
        ("{{#if empty}}a{{else if zero}}b{{else if name}}c{{else}}d{{/if}}", "c"),
        ("{{#unless none}}free{{/unless}}{{#unless name}}x{{else}}y{{/unless}}", "freey"),
        ("{{#each items}}{{n}}{{#unless @last}}, {{/unless}}{{/each}}", "1, 2"),
        (
            "{{#each items}}{{@index}}{{@first}}{{#each tags}}{{this}}{{../n}}{{/each}}{{missing}};{{/each}}",
            "0truea1b1;1false;",
        ),
        ("{{#each empty}}x{{else}}none{{/each}}", "none"),
        ("{{#each who}}{{@key}},{{/each}}", "first,address,"),
        ("{{#with who}}{{first}}{{../name}}{{/with}}", "AAnn"),
        ("{{#who}}{{first}}{{/who}}{{#items}}{{n}}{{/items}}", "A12"),
        ("{{lookup who 'first'}}", "A"),
        ('{{#* inline "row"}}<{{n}}>{{/inline}}{{#each items}}{{> row}}{{/each}}', "<1><2>"),
        ("a {{! nothing }}b{{!-- {{name}} --}} {{~name~}}  c", "a bAnnc"),
        ("{{none}}{{zero}}{{true}}", "0true"),
        ("{ {name} } body{color:red}", "{ {name} } body{color:red}"),
    ],
)
def test_what_templates_come_to(template: str, text: str) -> None:
    assert render(template, DATA) == text


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{nobody}}", "Attribute 'nobody' is not present in the rendering data."),
        ("{{who.last}}", "Attribute 'who.last' is not present in the rendering data."),
        ("{{#each nothing}}{{/each}}", "Attribute 'nothing' is not present in the rendering data."),
        ("{{#if name}}", "The template's block {{#if}} does not end."),
        ("{{/if}}", "The template closes a block that is not open: {{/if}}."),
        ("{{name", "The template has a {{ without its }}."),
        ("{{> nobody}}", "The template refers to the partial 'nobody', which does not exist."),
        ("{{shout name}}", "The template calls the helper 'shout', which SES does not have."),
        ('{{#* inline "a"}}{{> a}}{{/inline}}{{> a}}', "The template's partials call one another too deeply."),
    ],
)
def test_what_cannot_be_rendered(template: str, problem: str) -> None:
    with pytest.raises(RenderingError) as error:
        render(template, DATA)
    assert str(error.value) == problem


def test_loops_within_loops_end() -> None:
    template = "{{#each l}}{{#each @root.l}}{{#each @root.l}}x{{/each}}{{/each}}{{/each}}"
    with pytest.raises(RenderingError):
        render(template, {"l": list(range(200))})


def test_they_are_kept_for_both_apis(ses: Any, sesv2: Any, refused: Any) -> None:
    sesv2.create_email_template(TemplateName="t", TemplateContent={"Subject": "Hi {{name}}", "Html": "<p>{{name}}</p>"})
    assert ses.get_template(TemplateName="t")["Template"] == {
        "TemplateName": "t",
        "SubjectPart": "Hi {{name}}",
        "HtmlPart": "<p>{{name}}</p>",
    }
    taken = refused(ses.create_template, Template={"TemplateName": "t", "SubjectPart": "x"})
    assert taken == ("AlreadyExists", "Template t already exists.")
    ses.update_template(Template={"TemplateName": "t", "SubjectPart": "Dear {{name}}", "TextPart": "{{name}}"})
    shown = ses.test_render_template(TemplateName="t", TemplateData='{"name": "Ann"}')["RenderedTemplate"]
    assert shown.startswith("Subject: Dear Ann\r\n") and shown.endswith("\r\n\r\nAnn")
    missing = refused(ses.test_render_template, TemplateName="t", TemplateData="{}")
    assert missing == ("MissingRenderingAttribute", "Attribute 'name' is not present in the rendering data.")
    assert refused(sesv2.test_render_email_template, TemplateName="t", TemplateData="[]")[0] == "BadRequestException"
    assert [one["Name"] for one in ses.list_templates()["TemplatesMetadata"]] == ["t"]
    ses.delete_template(TemplateName="t")
    ses.delete_template(TemplateName="t")
    assert refused(sesv2.delete_email_template, TemplateName="t")[0] == "NotFoundException"
