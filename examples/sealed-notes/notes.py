"""Notes that only their owner's name opens, receipts that anybody can check, and a key that is rotated between."""

import base64
import json
import os
import sys
from pathlib import Path

import boto3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

STACK = "sealed-notes"
TEMPLATE = Path(__file__).with_name("template.yaml")


def deploy() -> dict[str, str]:
    """Deploy the template; answers its outputs: the ids of the keys."""
    stacks = boto3.client("cloudformation")
    stacks.create_stack(
        StackName=STACK,
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": "Runtime", "ParameterValue": f"python3.{sys.version_info.minor}"}],
    )
    stacks.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName=STACK)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def ask(**event: str) -> dict[str, str]:
    """What the function answers."""
    answer = boto3.client("lambda").invoke(FunctionName="keeper", Payload=json.dumps(event))
    return json.load(answer["Payload"])


def is_genuine(receipt_key: str, receipt: str, signature: str) -> bool:
    """Whether a receipt was signed, by the public key alone."""
    public = load_der_public_key(boto3.client("kms").get_public_key(KeyId=receipt_key)["PublicKey"])
    try:
        public.verify(base64.b64decode(signature), receipt.encode(), ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def main() -> None:
    keys = deploy()
    written = ask(id="n1", owner="ann", text="the cake is in the oven")
    print("ann writes a note; the receipt is genuine:", is_genuine(keys["ReceiptKey"], **written))
    print("ann reads:", ask(id="n1", owner="ann"))
    print("bob reads:", ask(id="n1", owner="bob"))
    boto3.client("kms").rotate_key_on_demand(KeyId=keys["NotesKey"])
    print("after a rotation ann reads:", ask(id="n1", owner="ann"))


if __name__ == "__main__":
    if "AWS_ENDPOINT_URL" not in os.environ:
        raise SystemExit("run it as: kumoi run python examples/sealed-notes/notes.py")
    main()
