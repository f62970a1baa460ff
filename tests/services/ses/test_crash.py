"""Nothing acknowledged is lost: a platform killed with -9 while mails are sent."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROUNDS = 2


@pytest.mark.slow
def test_what_was_sent_is_in_the_mailbox_after_a_crash(killable: Any, at_work: Any) -> None:
    rng = random.Random(3)
    sent: list[str] = []
    for _ in range(ROUNDS):
        killable.start()
        worker = threading.Thread(target=work, args=(killable.client("ses"), sent))
        worker.start()
        at_work(worker, sent)
        time.sleep(rng.uniform(0.2, 0.5))  # the moment of the crash is the point of this test
        killable.kill()
        worker.join()
    killable.start()
    for identifier in random.Random(1).sample(sent[-900:], min(len(sent), 40)):
        with urllib.request.urlopen(f"{killable.url}/_kumoi/mail/{identifier}") as answer:
            assert json.load(answer)["text"] == "text"


def work(ses: Any, sent: list[str]) -> None:
    """Send until the platform is gone; note what was answered."""
    message = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "text"}}}
    try:
        ses.verify_email_identity(EmailAddress="a@shop.example")
        for number in range(900 // ROUNDS):
            to = {"ToAddresses": [f"{number}@example.com"]}
            sent.append(ses.send_email(Source="a@shop.example", Destination=to, Message=message)["MessageId"])
    except (BotoCoreError, ClientError):
        return
