"""The process that translates SAM templates: begun ahead, used by what comes, and ended."""

from __future__ import annotations

import asyncio

from kumoi.services.cloudformation.sam import SamTranslator

TEMPLATE = {"Resources": {"Table": {"Type": "AWS::Serverless::SimpleTable"}}}


def test_the_process_that_was_begun_ahead_translates() -> None:
    asyncio.run(_translates_with_the_process_begun_ahead())


async def _translates_with_the_process_begun_ahead() -> None:
    translator = SamTranslator()
    try:
        translator.expect()
        translator.expect()
        translated = await translator.translate(TEMPLATE, {}, "us-east-1")
        process = translator._process
        assert process is not None
        assert translated["Resources"]["Table"]["Type"] == "AWS::DynamoDB::Table"
        translator.expect()
        await translator.translate(TEMPLATE, {}, "us-east-1")
        assert translator._process is process
    finally:
        await translator.close()
    assert process.returncode is not None


def test_what_was_expected_in_vain_is_ended() -> None:
    asyncio.run(_ends_what_was_expected_in_vain())


async def _ends_what_was_expected_in_vain() -> None:
    translator = SamTranslator()
    translator.expect()
    await translator.close()
    assert translator._process is None
