"""The application that Terraform made, in use: APIs answer, a user signs in, a state machine runs, a page is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3

pytestmark = pytest.mark.slow


def test_the_application_works(terraform: Callable[[str], Any], kumoi: Any) -> None:
    application = terraform("application")
    for changed, greeting in ((False, "Hello"), (True, "Good day")):
        application.apply(changed=changed)
        outputs = json.loads(application.run("output", "-json").stdout)
        told = {name: one["value"] for name, one in outputs.items()}
        with urllib3.PoolManager(retries=False) as http:

            def get(url: str, http: Any = http, **headers: str) -> Any:
                return http.request("GET", url, headers=headers)

            assert get(f"{told['http_api']}/greet?name=ada").json() == f"{greeting}, ada"
            assert get(f"{told['http_api']}/private?name=ada").status == 401
            given = {"USERNAME": "ada", "PASSWORD": "Analytical1843"}
            signed_in = kumoi.client("cognito-idp").initiate_auth(
                ClientId=told["client"], AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given
            )
            token = signed_in["AuthenticationResult"]["IdToken"]
            assert get(f"{told['http_api']}/private?name=ada", Authorization=token).json() == f"{greeting}, ada"
            rest = {"host": f"{told['rest_api']}.execute-api.us-east-1.amazonaws.com"}
            assert get(f"{kumoi.url}/live/greet", **rest).status == 403
            keyed = {**rest, "x-api-key": told["key"]}
            assert get(f"{kumoi.url}/live/greet?name=ada", **keyed).json() == f"{greeting}, ada"
            page = get(kumoi.url, host=told["distribution"])
            assert (page.data.decode(), page.headers["x-greeting"]) == (greeting, greeting)
        states = kumoi.client("stepfunctions")
        ran = states.start_sync_execution(stateMachineArn=told["state_machine"], input='{"name": "ada"}')
        assert json.loads(json.loads(ran["output"])) == f"{greeting}, ada"
