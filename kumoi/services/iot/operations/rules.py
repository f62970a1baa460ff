"""Topic rules."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec

from kumoi.doorway import Call
from kumoi.iot_sql import SqlError
from kumoi.services.iot import iot
from kumoi.services.iot.actions import KINDS
from kumoi.services.iot.naming import given, invalid, page
from kumoi.services.iot.records import Tags, TopicRule, rules, tagged
from kumoi.services.iot.rule_engine import RuleEngine
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import AwsError, aws_error


@iot.operation
async def create_topic_rule(call: Call, ruleName: str, topicRulePayload: dict[str, Any], tags: str = "") -> None:
    """Make a rule; it acts on messages from now on."""
    given_tags = dict(parse_qsl(tags, keep_blank_values=True))
    await _create(call.state, call, _read(ruleName, topicRulePayload, call.now), given_tags)


@iot.operation
async def replace_topic_rule(call: Call, ruleName: str, topicRulePayload: dict[str, Any]) -> None:
    """Replace a rule."""
    await _replace(call.state, call, _read(ruleName, topicRulePayload, call.now))


@iot.operation
async def get_topic_rule(call: Call, ruleName: str) -> dict[str, Any]:
    """A rule."""
    rule = await _find(call.state, ruleName)
    shown = {
        "ruleName": rule.name,
        "sql": rule.sql,
        "createdAt": rule.created,
        "actions": rule.actions,
        "ruleDisabled": rule.disabled,
        "awsIotSqlVersion": rule.version,
        **given(description=rule.description, errorAction=rule.error_action),
    }
    return {"ruleArn": call.arn("iot", f"rule/{rule.name}"), "rule": shown}


@iot.operation
async def list_topic_rules(
    call: Call,
    topic: str | None = None,
    maxResults: int | None = None,
    nextToken: str | None = None,
    ruleDisabled: bool | None = None,
) -> dict[str, Any]:
    """Rules by name, those of a topic filter, those that are disabled or not."""
    from kumoi.iot_sql.rules import compiled_rule

    listed = [
        rule
        for rule in await _list(call.state)
        if ruleDisabled in (None, rule.disabled) and topic in (None, compiled_rule(rule.sql).topic)
    ]
    found, more = page(listed, lambda rule: rule.name, nextToken, maxResults)
    return {
        "rules": [
            {
                "ruleArn": call.arn("iot", f"rule/{rule.name}"),
                "ruleName": rule.name,
                "createdAt": rule.created,
                "ruleDisabled": rule.disabled,
                **given(topicPattern=compiled_rule(rule.sql).topic),
            }
            for rule in found
        ],
        **more,
    }


@iot.operation
async def delete_topic_rule(call: Call, ruleName: str) -> None:
    """Delete a rule; no error when there is none."""
    await _delete(call.state, call, ruleName)


@iot.operation
async def enable_topic_rule(call: Call, ruleName: str) -> None:
    """Have a rule act."""
    await _able(call.state, call, ruleName, False)


@iot.operation
async def disable_topic_rule(call: Call, ruleName: str) -> None:
    """Have a rule act no longer."""
    await _able(call.state, call, ruleName, True)


def _read(name: str, payload: dict[str, Any], now: float) -> TopicRule:
    from kumoi.iot_sql.rules import check_templates, compiled_rule

    error_action = payload.get("errorAction")
    for action in (*payload["actions"], *([error_action] if error_action else [])):
        if len(action) != 1:
            raise invalid("An action holds exactly one action.")
        (kind,) = action
        if kind not in KINDS:
            raise aws_error(
                "NotImplemented", f"Kumoi's rules have no {kind} action yet; docs/iot.md lists those they have."
            )
    try:
        compiled_rule(payload["sql"])
        check_templates([*payload["actions"], error_action or {}])
    except SqlError as error:
        raise aws_error("SqlParseException", f"The statement is not valid: {error}") from None
    return TopicRule(
        name=name,
        created=now,
        sql=payload["sql"],
        actions=payload["actions"],
        description=payload.get("description"),
        disabled=payload.get("ruleDisabled", False),
        version=payload.get("awsIotSqlVersion", "2015-10-08"),
        error_action=error_action,
    )


def _missing(name: str) -> AwsError:
    return aws_error("UnauthorizedException", f"Access to topic rule '{name}' was denied", status=401)


@transactional
async def _find(tx: Transaction, name: str) -> TopicRule:
    rule = await rules.get(tx, name)
    if rule is None:
        raise _missing(name)
    return rule


async def _put(tx: Transaction, call: Call, rule: TopicRule) -> None:
    await rules.put(tx, rule)
    engine = call.part(RuleEngine)
    tx.on_commit(lambda: engine.changed(call.account, call.region))


@transactional
async def _create(tx: Transaction, call: Call, rule: TopicRule, tags: dict[str, str]) -> None:
    if await rules.get(tx, rule.name) is not None:
        raise aws_error(
            "ResourceAlreadyExistsException",
            f"Rule {rule.name} already exists",
            resourceId=rule.name,
            resourceArn=call.arn("iot", f"rule/{rule.name}"),
        )
    await _put(tx, call, rule)
    if tags:
        await tagged.put(tx, Tags(call.arn("iot", f"rule/{rule.name}"), tags))


@transactional
async def _replace(tx: Transaction, call: Call, rule: TopicRule) -> None:
    before = await _find(tx, rule.name)
    await _put(tx, call, msgspec.structs.replace(rule, created=before.created))


@transactional
async def _able(tx: Transaction, call: Call, name: str, disabled: bool) -> None:
    await _put(tx, call, msgspec.structs.replace(await _find(tx, name), disabled=disabled))


@transactional
async def _delete(tx: Transaction, call: Call, name: str) -> None:
    await rules.delete(tx, name)
    await tagged.delete(tx, call.arn("iot", f"rule/{name}"))
    engine = call.part(RuleEngine)
    tx.on_commit(lambda: engine.changed(call.account, call.region))


@transactional
async def _list(tx: Transaction) -> list[TopicRule]:
    return await rules.list(tx)
