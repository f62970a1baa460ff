from __future__ import annotations

import time
from typing import Any

import pytest


class Lake:
    """A bucket of an account's, and statements run over it."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.athena = source.client("athena")
        self.glue = source.client("glue")
        self.s3 = source.client("s3")
        self.bucket = f"lake-{getattr(source, 'account', '000000000000')}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.glue.create_database(DatabaseInput={"Name": "farm"})

    def put(self, key: str, content: str | bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def start(self, sql: str, **given: Any) -> str:
        """The id of an execution."""
        given.setdefault("ResultConfiguration", {"OutputLocation": f"s3://{self.bucket}/results/"})
        context = {"Database": "farm"}
        started = self.athena.start_query_execution(QueryString=sql, QueryExecutionContext=context, **given)
        return str(started["QueryExecutionId"])

    def ended(self, execution: str) -> dict[str, Any]:
        """An execution that has ended."""
        while True:
            found: dict[str, Any] = self.athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return found
            time.sleep(0.02)

    def run(self, sql: str, **given: Any) -> dict[str, Any]:
        """An execution that has succeeded."""
        found = self.ended(self.start(sql, **given))
        assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
        return found

    def rows(self, sql: str, **given: Any) -> list[list[str | None]]:
        """What a statement answers, the header left out."""
        found = self.run(sql, **given)
        answer = self.athena.get_query_results(QueryExecutionId=found["QueryExecutionId"])["ResultSet"]["Rows"]
        rows = [[one.get("VarCharValue") for one in row["Data"]] for row in answer]
        return rows[1:] if found["StatementType"] == "DML" else rows

    def failure(self, sql: str) -> str:
        """Why a statement failed."""
        found = self.ended(self.start(sql))
        assert found["Status"]["State"] == "FAILED", found["Status"]
        return str(found["Status"]["StateChangeReason"])


@pytest.fixture
def lake(kumoi: Any) -> Lake:
    return Lake(kumoi)


@pytest.fixture
def make_lake() -> type[Lake]:
    return Lake
