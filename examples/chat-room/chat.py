"""Deploys the chat room to a running Kumoi, and lets Ada and Grace talk in it.

    pip install websockets
    kumoi run -- python examples/chat-room/chat.py

In a browser, or in Node.js 22: `new WebSocket("ws://…?name=Ada")`, with the URL that is printed.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import boto3

HERE = Path(__file__).resolve().parent
STACK = "chat-room"
RUNTIME = f"python3.{sys.version_info.minor}"


def package() -> bytes:
    """The function's deployment package."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for path in sorted((HERE / "functions").glob("*.py")):
            out.write(path, path.name)
    return archive.getvalue()


def deploy() -> dict[str, str]:
    """Make the stack; its outputs."""
    s3, cloudformation = boto3.client("s3"), boto3.client("cloudformation")
    s3.create_bucket(Bucket="chat-room-code")
    s3.put_object(Bucket="chat-room-code", Key="functions.zip", Body=package())
    parameters = {"CodeBucket": "chat-room-code", "CodeKey": "functions.zip", "Runtime": RUNTIME}
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=(HERE / "template.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def main() -> None:
    """Deploy, connect two, let them talk."""
    from websockets.sync.client import connect

    url = deploy()["Url"]
    print(url)
    with connect(f"{url}?name=Ada") as ada, connect(f"{url}?name=Grace") as grace:
        ada.send(json.dumps({"action": "who"}))
        print("Ada asks who is here:", ada.recv(timeout=30))
        grace.send(json.dumps({"action": "say", "text": "Hello!"}))
        print("Ada hears:  ", ada.recv(timeout=30))
        print("Grace hears:", grace.recv(timeout=30))
        grace.close()
        print("Ada hears:  ", ada.recv(timeout=30))


if __name__ == "__main__":
    main()
