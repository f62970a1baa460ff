"""Takes in reports by a signed form, sums them up with S3 Select, and lets them expire after thirty days.

kumoi run -- python examples/reports/reports.py
"""

import json
from collections import Counter
from typing import Any

import boto3
import urllib3

BUCKET = "reports"
LARGEST = 65_536
QUERY = "SELECT s.city, s.amount FROM S3Object s WHERE s.amount > 0"
REPORTS = {
    "ann.csv": b"city,amount\nBern,5\nKyoto,7\nBern,-1\n",
    "bob.csv": b"city,amount\nBern,20\n",
    "cid.csv": b'city,amount\n"Rio, de Janeiro",3\nKyoto,1\n',
}


def prepare(s3: Any) -> None:
    """Make the bucket, with its rule."""
    s3.create_bucket(Bucket=BUCKET)
    rule = {"ID": "month", "Status": "Enabled", "Filter": {"Prefix": "incoming/"}, "Expiration": {"Days": 30}}
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})


def form_for(s3: Any, sender: str) -> dict[str, Any]:
    """The form that lets a sender upload to a folder of theirs: its address and its fields."""
    fields = {"Content-Type": "text/csv", "success_action_status": "201"}
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", 1, LARGEST])
    form: dict[str, Any] = s3.generate_presigned_post(BUCKET, f"incoming/{sender}/${{filename}}", fields, conditions)
    return form


def upload(form: dict[str, Any], name: str, content: bytes) -> int:
    """Send a file with a form, as a browser does; the answer's status."""
    fields = {**form["fields"], "file": (name, content, "text/csv")}
    return int(urllib3.request("POST", form["url"], timeout=60, fields=fields).status)


def totals(s3: Any) -> Counter[str]:
    """The amounts of all reports by city."""
    found: Counter[str] = Counter()
    for report in s3.list_objects_v2(Bucket=BUCKET, Prefix="incoming/").get("Contents", ()):
        answer = s3.select_object_content(
            Bucket=BUCKET,
            Key=report["Key"],
            Expression=QUERY,
            ExpressionType="SQL",
            InputSerialization={"CSV": {"FileHeaderInfo": "USE"}},
            OutputSerialization={"JSON": {}},
        )
        records = b"".join(event["Records"]["Payload"] for event in answer["Payload"] if "Records" in event)
        for line in records.splitlines():
            row = json.loads(line)
            found[row["city"]] += int(row["amount"])
    return found


def main() -> None:
    """Prepare, upload, sum up."""
    s3 = boto3.client("s3")
    prepare(s3)
    for name, content in REPORTS.items():
        print(name, upload(form_for(s3, name.removesuffix(".csv")), name, content))
    print("too large", upload(form_for(s3, "eve"), "all.csv", b"x" * (LARGEST + 1)))
    for city, amount in totals(s3).most_common():
        print(f"{amount:6} {city}")
    s3.close()


if __name__ == "__main__":
    main()
