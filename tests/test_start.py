"""A platform starts without paying for what nobody has used yet."""

from __future__ import annotations

import json
import subprocess
import sys

AT_FIRST_USE = (
    *("boto3", "brotli", "duckdb", "google.protobuf", "graphql", "jsonata", "jsonschema", "kumoi.vtl", "lark"),
    *("kumoi.prices", "multipart", "opentelemetry", "quickjs", "regex", "rich", "samtranslator", "sqlglot"),
    *("wsproto", "yaml"),
)
START = """
import asyncio, json, sys
from kumoi.platform import Platform, Settings
async def main():
    async with Platform(Settings(port=0)):
        print(json.dumps([name for name in sys.argv[1:] if name in sys.modules]))
asyncio.run(main())
"""


def test_what_is_heavy_is_imported_at_its_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", START, *AT_FIRST_USE], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
