"""Turns days of CSV into a tidy table by farm, and asks a view for each farm's best day.

kumoi run -- python examples/harvest/harvest.py
"""

import time
from typing import Any

import boto3

BUCKET = "harvest"
DAYS = {
    "2026-08-01": "farm,field,kilos\nnorth,1,120.5\nnorth,2,80\nsouth,7,33\n",
    "2026-08-02": "farm,field,kilos\nnorth,1,99.5\nsouth,7,n/a\nsouth,8,140\n",
    "2026-08-03": "farm,field,kilos\nsouth,8,20\n",
}
RAW = f"""CREATE EXTERNAL TABLE harvest.raw (farm string, field int, kilos double) PARTITIONED BY (day date)
ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION 's3://{BUCKET}/raw/'
TBLPROPERTIES ('skip.header.line.count' = '1')"""
TIDY = f"""CREATE TABLE harvest.tidy
WITH (format = 'PARQUET', external_location = 's3://{BUCKET}/tidy/', partitioned_by = ARRAY['farm'])
AS SELECT day, field, kilos, farm FROM harvest.raw WHERE kilos IS NOT NULL"""
YIELDS = """CREATE VIEW harvest.yields AS
SELECT farm, day, sum(kilos) AS kilos, rank() OVER (PARTITION BY farm ORDER BY sum(kilos) DESC) AS place
FROM harvest.tidy GROUP BY farm, day"""
BEST = "SELECT farm, day, kilos FROM harvest.yields WHERE place = 1 ORDER BY farm"


def run(athena: Any, statement: str) -> str:
    """Run a statement to its end; the execution's id."""
    place = {"OutputLocation": f"s3://{BUCKET}/answers/"}
    started: str = athena.start_query_execution(QueryString=statement, ResultConfiguration=place)["QueryExecutionId"]
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            return started
        if status["State"] in ("FAILED", "CANCELLED"):
            raise SystemExit(status["StateChangeReason"])
        time.sleep(0.05)


def rows(athena: Any, statement: str) -> list[list[str]]:
    """What a query answers, without the names of its columns."""
    answer = athena.get_query_results(QueryExecutionId=run(athena, statement))["ResultSet"]["Rows"]
    return [[one.get("VarCharValue", "") for one in row["Data"]] for row in answer[1:]]


def main() -> None:
    """Put the files, make the tables, ask."""
    s3, athena = boto3.client("s3"), boto3.client("athena")
    s3.create_bucket(Bucket=BUCKET)
    for day, content in DAYS.items():
        s3.put_object(Bucket=BUCKET, Key=f"raw/day={day}/fields.csv", Body=content.encode())
    for statement in ("CREATE DATABASE harvest", RAW, "MSCK REPAIR TABLE harvest.raw", TIDY, YIELDS):
        run(athena, statement)
    for farm, day, kilos in rows(athena, BEST):
        print(f"{farm:8} {day} {float(kilos):8.1f} kg")
    s3.close()
    athena.close()


if __name__ == "__main__":
    main()
