"""Where policies are enforced: whoever signs needs `execute-api:Invoke`; a function is invoked by API Gateway."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a platform that enforces policies."""
    data = str(tmp_path_factory.mktemp("enforce"))
    kumoi = [sys.executable, "-m", "kumoi"]
    up = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--auth", "enforce", "--data", data]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL)
    yield json.loads((Path(data) / "platform.json").read_text())["url"]
    subprocess.run([*kumoi, "down", "--data", data], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def client(url: str) -> Iterator[Callable[[str], Any]]:
    """Make clients of the account's root."""
    made = []

    def make(service: str) -> Any:
        config = Config(retries={"total_max_attempts": 1})
        given = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "config": config}
        made.append(boto3.client(service, endpoint_url=url, region_name="us-east-1", **given))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_service_behind_a_method_is_asked_in_a_role_or_on_account_of_its_policy(
    url: str, client: Callable[[str], Any], build: Any
) -> None:
    gateway, iam, sqs = client("apigateway"), client("iam"), client("sqs")
    queue = sqs.create_queue(QueueName="letters")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:letters"
    gateways = {"Service": "apigateway.amazonaws.com"}
    trust = json.dumps({"Statement": [{"Effect": "Allow", "Principal": gateways, "Action": "sts:AssumeRole"}]})
    role = iam.create_role(RoleName="tables", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": "dynamodb:ListTables", "Resource": "*"}
    iam.put_role_policy(RoleName="tables", PolicyName="p", PolicyDocument=json.dumps({"Statement": [statement]}))
    made = build(gateway)
    tables = "arn:aws:apigateway:us-east-1:dynamodb:action/ListTables"

    def method(key: str, uri: str, **given: Any) -> None:
        integration = {"type": "AWS", "integrationHttpMethod": "POST", "uri": uri, **given}
        made.method(key, integration, [{"statusCode": "200"}])

    method("POST /tables", tables)
    method("POST /role", tables, credentials=role)
    method(
        "POST /letters",
        "arn:aws:apigateway:us-east-1:sqs:action/SendMessage",
        requestTemplates={"application/json": json.dumps({"QueueUrl": queue, "MessageBody": "a letter"})},
    )
    made.deploy()
    host = f"{made.id}.execute-api.us-east-1.amazonaws.com"
    with urllib3.PoolManager(retries=False) as http:

        def post(path: str) -> str:
            answer = http.request("POST", f"{url}/dev{path}", body=b"{}", headers={"Host": host})
            return str(answer.data)

        assert "not authorized to perform: dynamodb:ListTables" in post("/tables")
        assert "TableNames" in post("/role")
        assert "not authorized to perform: sqs:sendmessage" in post("/letters")
        statement = {"Effect": "Allow", "Principal": gateways, "Action": "sqs:SendMessage", "Resource": arn}
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [statement]})})
        assert "MessageId" in post("/letters")


def test_who_may_invoke(
    url: str, client: Callable[[str], Any], zipped: Callable[[dict[str, str]], bytes], build: Any
) -> None:
    functions, iam, gateway = client("lambda"), client("iam"), client("apigateway")
    arn = functions.create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return {'body': 'called'}\n"})},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="f", StatementId="a", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    made = build(gateway)
    made.method("GET /open", arn)
    made.method("GET /signed", arn, authorizationType="AWS_IAM")
    made.deploy()
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    host = f"{made.id}.execute-api.us-east-1.amazonaws.com"
    with urllib3.PoolManager(retries=False) as http:

        def get(path: str, *, sign: bool) -> Any:
            request = AWSRequest("GET", f"http://{host}/dev{path}", headers={"Host": host})
            if sign:
                signer = SigV4Auth(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), "execute-api", "us-east-1")
                signer.add_auth(request)
            return http.request("GET", f"{url}/dev{path}", headers=dict(request.headers))

        assert get("/open", sign=False).data == b"called"
        assert get("/signed", sign=False).json() == {"message": "Missing Authentication Token"}
        refused = get("/signed", sign=True)
        assert refused.status == 403
        assert "is not authorized to perform: execute-api:Invoke on resource" in refused.json()["Message"]
        statement = {
            "Effect": "Allow",
            "Action": "execute-api:Invoke",
            "Resource": f"arn:aws:execute-api:*:*:{made.id}/*/GET/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=policy)
        assert get("/signed", sign=True).data == b"called"
