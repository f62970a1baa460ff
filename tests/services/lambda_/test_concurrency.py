"""Many invocations at once: more than the host has room for, of more functions than it has environments."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest


def test_more_invocations_than_room_wait_their_turn(kumoi: Any, create: Any) -> None:
    create("import os\ndef handler(event, context):\n    return [event, os.getpid()]\n", Timeout=60)
    client = kumoi.client("lambda", max_pool_connections=60)

    def invoke(number: int) -> Any:
        return json.load(client.invoke(FunctionName="f", Payload=json.dumps(number))["Payload"])

    with ThreadPoolExecutor(60) as threads:
        answers = list(threads.map(invoke, range(240)))
    assert [answer[0] for answer in answers] == list(range(240))


@pytest.mark.slow
def test_two_hundred_functions_start_cold_at_once(kumoi: Any, create: Any) -> None:
    names = [f"f{number}" for number in range(200)]
    for name in names:
        create("def handler(event, context):\n    return context.function_name\n", name=name, Timeout=60)
    client = kumoi.client("lambda", max_pool_connections=200, read_timeout=300)

    def invoke(name: str) -> Any:
        return json.load(client.invoke(FunctionName=name)["Payload"])

    with ThreadPoolExecutor(200) as threads:
        assert Counter(threads.map(invoke, names)) == Counter(names)
        assert Counter(threads.map(invoke, names * 2)) == Counter(names * 2)


def test_a_function_that_calls_itself_does_not_lock_the_host(create: Any, invoke: Any) -> None:
    create(
        "import boto3, json\n"
        "def handler(event, context):\n"
        "    if event == 0:\n"
        "        return 'bottom'\n"
        "    answer = boto3.client('lambda').invoke(FunctionName='f', Payload=json.dumps(event - 1))\n"
        "    return json.load(answer['Payload'])\n",
        MemorySize=256,
        Timeout=60,
    )
    assert invoke(4)[0] == "bottom"


def test_the_calls_of_a_function_stand_below_its_invocation(create: Any, invoke: Any, kumoi: Any) -> None:
    import urllib.request

    create(
        "import boto3\ndef handler(event, context):\n    boto3.client('iam').list_roles()\n",
        MemorySize=256,
        Timeout=60,
    )
    invoke()
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/hops?account={kumoi.account}&limit=50") as answer:
        hops = json.load(answer)["hops"]
    (invocation,) = [hop for hop in hops if hop["operation"] == "Invoke"]
    (listing,) = [hop for hop in hops if hop["operation"] == "ListRoles"]
    assert (listing["source"], listing["parent"], listing["trace"]) == (
        "lambda:f",
        invocation["span"],
        invocation["trace"],
    )
