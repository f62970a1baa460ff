"""The example `guestbook`: an API without functions keeps a book."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/guestbook/guestbook.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_the_book_is_kept(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    example = runpy.run_path(str(EXAMPLE))
    outputs = example["deploy"]()
    api_id, ask = outputs["ApiId"], example["ask"]
    key = kumoi.client("apigateway").get_api_key(apiKey=outputs["KeyId"], includeValue=True)["value"]
    status, made = ask(api_id, "POST", "/entries", {"name": "Ada", "text": 'It\'s "lovely" ä'})
    assert status == 201
    assert made["id"].partition("-")[0].isdigit()
    [entry] = ask(api_id, "GET", "/entries")[1]
    assert entry == {"id": made["id"], "name": "Ada", "text": 'It\'s "lovely" ä'}
    status, wrong = ask(api_id, "POST", "/entries", {"text": "who?"})
    assert (status, wrong) == (422, {"wrong": "['name' is a required property]"})
    place = f"/entries/{made['id']}"
    assert ask(api_id, "DELETE", place) == (403, {"message": "Forbidden"})
    assert ask(api_id, "DELETE", place, **{"x-api-key": key}) == (204, None)
    assert ask(api_id, "DELETE", place, **{"x-api-key": key}) == (404, {"message": "There is no such entry"})
    assert ask(api_id, "GET", "/entries") == (200, [])
