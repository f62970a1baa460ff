"""A guest book behind a REST API without a single function: the API validates, asks DynamoDB and shapes its answers.

    kumoi run -- python examples/guestbook/guestbook.py

`template.yaml` is all there is: a table, and an API whose templates are the program.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3

HERE = Path(__file__).resolve().parent


def deploy() -> dict[str, str]:
    """Create the stack; its outputs."""
    client = boto3.client("cloudformation")
    body = (HERE / "template.yaml").read_text()
    client.create_stack(StackName="guestbook", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName="guestbook", WaiterConfig={"Delay": 1})
    stack = client.describe_stacks(StackName="guestbook")["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def ask(api_id: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request to the API; the status and what was answered."""
    url = f"{os.environ['AWS_ENDPOINT_URL']}/_kumoi/execute-api/{api_id}/v1{path}"
    content = None if body is None else json.dumps(body).encode()
    fields = {"Content-Type": "application/json", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, fields, method=method)) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        status, text = refused.code, refused.read()
    return status, json.loads(text) if text.strip() else None


def main() -> None:
    """Write, read and delete entries."""
    outputs = deploy()
    api_id = outputs["ApiId"]
    key = boto3.client("apigateway").get_api_key(apiKey=outputs["KeyId"], includeValue=True)["value"]
    _, made = ask(api_id, "POST", "/entries", {"name": "Ada", "text": 'It\'s "lovely" here'})
    print("wrote", made["id"])
    print("without a name:", ask(api_id, "POST", "/entries", {"text": "who am I?"}))
    print("the book:", ask(api_id, "GET", "/entries"))
    print("deleted without a key:", ask(api_id, "DELETE", f"/entries/{made['id']}"))
    print("deleted with one:", ask(api_id, "DELETE", f"/entries/{made['id']}", **{"x-api-key": key}))
    print("once more:", ask(api_id, "DELETE", f"/entries/{made['id']}", **{"x-api-key": key}))


if __name__ == "__main__":
    main()
