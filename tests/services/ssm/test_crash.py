"""Nothing acknowledged is lost: a platform killed with -9 while parameters are put and deleted."""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 2


@pytest.mark.slow
def test_what_was_put_is_there_and_what_was_deleted_is_not(killable: Any, at_work: Any) -> None:
    rng = random.Random(1011)
    put: dict[str, str] = {}
    deleted: list[str] = []
    for number in range(ROUNDS):
        killable.start()
        writer = threading.Thread(target=work, args=(killable.client("ssm"), number, put, deleted))
        writer.start()
        at_work(writer, put)
        time.sleep(rng.uniform(0.3, 0.8))  # the moment of the crash is the point of this test
        killable.kill()
        writer.join()
    killable.start()
    ssm = killable.client("ssm")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path="/c", Recursive=True, WithDecryption=True)
    found = {one["Name"]: one["Value"] for page in pages for one in page["Parameters"]}
    assert len(put) > ROUNDS
    assert put.items() <= found.items()
    assert not found.keys() & set(deleted)


def work(ssm: Any, number: int, put: dict[str, str], deleted: list[str]) -> None:
    """Put and delete until the platform is gone; note what was answered."""
    try:
        for at in range(10_000):
            name, value = f"/c/{number}/{at}", f"value {at}"
            ssm.put_parameter(Name=name, Value=value, Type="SecureString")
            put[name] = value
            if at % 3 == 0:
                del put[name]
                ssm.delete_parameter(Name=name)
                deleted.append(name)
    except (BotoCoreError, ClientError):
        return
