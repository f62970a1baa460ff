"""Who may use a method, how often, and with what: authorizers, keys, plans, validation, gateway responses."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

pytestmark = pytest.mark.kumoi_clock

POLICY = (
    "token = event.get('authorizationToken') or event['headers'].get('X-Key')\n"
    "if token == 'unknown':\n    raise Exception('Unauthorized')\n"
    "if token == 'broken':\n    return {'principalId': 'ada'}\n"
    "effect = {'allow': 'Allow', 'deny': 'Deny'}.get(token)\n"
    "statement = {'Effect': effect or 'Allow', 'Action': 'execute-api:Invoke',"
    " 'Resource': event['methodArn'] if effect else 'arn:aws:execute-api:us-east-1:000000000000:none/*'}\n"
    "return {'principalId': 'ada', 'context': {'n': 7, 'flag': True, 'time': time.time_ns(), 'type': event['type']},"
    " 'policyDocument': {'Version': '2012-10-17', 'Statement': [statement]}, 'usageIdentifierKey': 'k' * 20}"
)


@pytest.fixture
def guarded(client: Any, api: Any, function: Any, uri: Any) -> Any:
    """An API whose GET / answers what an authorizer passed on."""

    def make(**authorizer: Any) -> Any:
        made = api()
        if "authorizerUri" not in authorizer and authorizer["type"] in ("TOKEN", "REQUEST"):
            authorizer["authorizerUri"] = uri(function(POLICY, name="guard"))
        guard = client.create_authorizer(restApiId=made.id, name="guard", **authorizer)
        kind = "COGNITO_USER_POOLS" if authorizer["type"] == "COGNITO_USER_POOLS" else "CUSTOM"
        body = "return {'body': json.dumps(event['requestContext']['authorizer'])}"
        scopes = {"authorizationScopes": ["read"]} if kind == "COGNITO_USER_POOLS" else {}
        made.method("GET /", function(body), authorizationType=kind, authorizerId=guard["id"], **scopes)
        made.deploy()
        return made

    return make


def test_a_token_authorizer(client: Any, guarded: Any, ask: Any) -> None:
    source = {"identitySource": "method.request.header.Authorization", "identityValidationExpression": "[a-z]+"}
    made = guarded(type="TOKEN", authorizerResultTtlInSeconds=3600, **source)

    def get(token: str) -> Any:
        return ask(made.id, headers={"Authorization": token})

    first = get("allow").json()
    assert (first["principalId"], first["n"], first["flag"], first["type"]) == ("ada", "7", "true", "TOKEN")
    assert get("allow").json()["time"] == first["time"]
    client.flush_stage_authorizers_cache(restApiId=made.id, stageName="dev")
    assert get("allow").json()["time"] != first["time"]
    unauthorized = {"message": "Unauthorized"}
    for answer in (ask(made.id), get("UPPER"), get("unknown")):
        assert (answer.status, answer.json()) == (401, unauthorized)
        assert answer.headers["x-amzn-errortype"] == "UnauthorizedException"
    denied = "User is not authorized to access this resource with an explicit deny"
    assert (get("deny").status, get("deny").json()) == (403, {"message": denied})
    nothing = get("other")
    assert (nothing.status, nothing.json()) == (403, {"message": "User is not authorized to access this resource"})
    assert nothing.headers["x-amzn-errortype"] == "AccessDeniedException"
    assert (get("broken").status, get("broken").json()) == (500, {"message": None})


def test_a_request_authorizer(client: Any, guarded: Any, ask: Any) -> None:
    made = guarded(type="REQUEST", identitySource="method.request.header.X-Key, method.request.querystring.q")
    assert ask(made.id, headers={"X-Key": "allow"}).status == 401
    answer = ask(made.id, path="/?q=1", headers={"X-Key": "allow"})
    assert (answer.status, answer.json()["type"]) == (200, "REQUEST")
    tested = client.get_authorizers(restApiId=made.id)["items"][0]["id"]
    said = client.test_invoke_authorizer(restApiId=made.id, authorizerId=tested, headers={"X-Key": "deny"})
    assert said["clientStatus"] == 401


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture
def pool() -> Iterator[Any]:
    """Signs as a user pool does, at an address on this machine."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    public = {"kid": "k", "n": encoded(numbers.n.to_bytes(256, "big")), "e": encoded(numbers.e.to_bytes(3, "big"))}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer = f"http://127.0.0.1:{self.server.server_address[1]}/us-east-1_pool"
            known = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
            content = json.dumps(known if self.path.endswith("openid-configuration") else {"keys": [public]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def token(**claims: Any) -> str:
            issuer = f"http://127.0.0.1:{server.server_port}/us-east-1_pool"
            given = {"iss": issuer, "exp": 2_000_000_000_0, "client_id": "app", "token_use": "access", **claims}
            head = encoded(json.dumps({"alg": "RS256", "kid": "k"}).encode())
            signed = f"{head}.{encoded(json.dumps(given).encode())}"
            return f"{signed}.{encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

        yield token
        server.shutdown()
        thread.join()


def test_a_user_pool(guarded: Any, ask: Any, pool: Any) -> None:
    arn = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_pool"
    made = guarded(type="COGNITO_USER_POOLS", providerARNs=[arn], identitySource="method.request.header.Authorization")

    def get(token: str) -> Any:
        return ask(made.id, headers={"Authorization": token})

    passed = get(f"Bearer {pool(scope='read write', sub='u')}")
    assert (passed.status, passed.json()["claims"]["sub"]) == (200, "u")
    for token in (
        pool(),
        pool(scope="write"),
        pool(scope="read", token_use="id"),
        pool(iss="http://a.b/us-east-1_pool"),
    ):
        assert get(token).status == 401
    assert get(pool(scope="read", exp=1)).json() == {"message": "The incoming token has expired"}


def test_a_trusted_issuer(client: Any, api: Any, ask: Any, function: Any, pool: Any) -> None:
    issuer = json.loads(base64.urlsafe_b64decode(pool().split(".")[1] + "=="))["iss"]
    made = api()
    rules = [{"claimName": "team", "format": "SINGLE_STRING", "required": True, "expectedValues": ["red"]}]
    trusted = {"issuer": issuer, "audiences": ["me", "you"], "additionalClaims": rules}
    configuration = {"issuers": [trusted], "defaultAlgorithms": ["RS256"]}
    guard = client.create_authorizer(restApiId=made.id, name="g", type="JWT", jwtConfiguration=configuration)["id"]
    body = "return {'body': event['requestContext']['authorizer']['claims']['team']}"
    made.method("GET /", function(body), authorizationType="JWT", authorizerId=guard, authorizationScopes=["read"])
    made.deploy()

    def get(**claims: Any) -> Any:
        token = pool(**{"aud": "you", "team": "red", "scope": "read", **claims})
        return ask(made.id, headers={"Authorization": f"Bearer {token}"})

    assert get().data == b"red"
    for wrong in ({"aud": "them"}, {"team": "blue"}, {"team": 7}, {"scope": "write"}, {"iss": "http://[x"}):
        assert get(**wrong).status == 401, wrong
    for bad in ("ftp://a.b", "http://a.b", "https://u@a.b", "https://a.b?c", "https://[", "x"):
        broken = {**configuration, "issuers": [{**trusted, "issuer": bad}]}
        with pytest.raises(ClientError, match="Invalid issuer"):
            client.create_authorizer(restApiId=made.id, name="h", type="JWT", jwtConfiguration=broken)


def test_signed_requests(kumoi: Any, api: Any, ask: Any, function: Any) -> None:
    made = api()
    body = "return {'body': json.dumps(event['requestContext']['identity'])}"
    made.method("GET /a", function(body), authorizationType="AWS_IAM")
    made.deploy()
    assert (ask(made.id, path="/a").status, ask(made.id, path="/a").json()["message"]) == (
        403,
        "Missing Authentication Token",
    )
    host = f"{made.id}.execute-api.us-east-1.amazonaws.com"
    signed = AWSRequest("GET", f"http://{host}/dev/a", headers={"Host": host})
    SigV4Auth(Credentials(kumoi.account, "test"), "execute-api", "us-east-1").add_auth(signed)
    assert ask(made.id, path="/a", headers=dict(signed.headers)).json()["accountId"] == kumoi.account


def test_keys_and_quotas(kumoi: Any, client: Any, api: Any, ask: Any, function: Any) -> None:
    made = api()
    body = "return {'body': json.dumps(event['requestContext']['identity'])}"
    made.method("GET /", function(body), apiKeyRequired=True)
    made.deploy()
    plan = client.create_usage_plan(
        name="p",
        apiStages=[{"apiId": made.id, "stage": "dev"}],
        quota={"limit": 2, "period": "DAY"},
        throttle={"rateLimit": 0.001, "burstLimit": 3},
    )["id"]
    key = client.create_api_key(name="k", enabled=True, value="v" * 20)
    with_key = {"x-api-key": "v" * 20}
    forbidden = ask(made.id, headers=with_key)
    assert (forbidden.status, forbidden.json()) == (403, {"message": "Forbidden"})
    assert forbidden.headers["x-amzn-errortype"] == "ForbiddenException"
    client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    assert ask(made.id).status == 403
    identity = ask(made.id, headers=with_key).json()
    assert (identity["apiKey"], identity["apiKeyId"]) == ("v" * 20, key["id"])
    assert ask(made.id, headers=with_key).status == 200
    over = ask(made.id, headers=with_key)
    assert (over.status, over.json()) == (429, {"message": "Limit Exceeded"})
    throttled = ask(made.id, headers=with_key)
    assert (throttled.status, throttled.json()) == (429, {"message": "Too Many Requests"})
    today = kumoi.now().date().isoformat()
    usage = client.get_usage(usagePlanId=plan, startDate=today, endDate=today)
    assert usage["items"] == {key["id"]: [[2, 0]]}
    more = [{"op": "replace", "path": "/remaining", "value": "1"}]
    assert client.update_usage(usagePlanId=plan, keyId=key["id"], patchOperations=more)["items"][key["id"]] == [[2, 1]]
    kumoi.advance("1d")
    assert ask(made.id, headers=with_key).status == 200
    off = [{"op": "replace", "path": "/enabled", "value": "false"}]
    client.update_api_key(apiKey=key["id"], patchOperations=off)
    assert ask(made.id, headers=with_key).status == 403


PET = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "friends": {"type": "array"}},
}


def test_validation(client: Any, api: Any, ask: Any, mock: Any) -> None:
    made = api()
    pet = {**PET, "properties": {**PET["properties"], "friends": {"type": "array", "items": {"$ref": "#"}}}}
    client.create_model(restApiId=made.id, name="Pet", contentType="application/json", schema=json.dumps(pet))
    url = f"https://apigateway.amazonaws.com/restapis/{made.id}/models/Pet"
    pair = {"type": "array", "items": {"$ref": url}}
    client.create_model(restApiId=made.id, name="Pets", contentType="application/json", schema=json.dumps(pair))
    validator = client.create_request_validator(
        restApiId=made.id, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    declared = {"method.request.querystring.q": True, "method.request.header.X-H": True}
    made.method(
        "POST /",
        mock,
        [{"statusCode": "200"}],
        requestValidatorId=validator,
        requestModels={"application/json": "Pets"},
        requestParameters=declared,
    )
    template = {"application/json": '{"m":$context.error.messageString,"v":"$context.error.validationErrorString"}'}
    client.put_gateway_response(
        restApiId=made.id,
        responseType="BAD_REQUEST_BODY",
        statusCode="422",
        responseTemplates=template,
        responseParameters={
            "gatewayresponse.header.X-Cors": "'*'",
            "gatewayresponse.header.X-Echo": "method.request.header.X-H",
        },
    )
    made.deploy()
    missing = ask(made.id, "POST", "/?q=")
    assert missing.json() == {"message": "Missing required request parameters: [q, X-H]"}
    assert missing.headers["x-amzn-errortype"] == "BadRequestException"

    def post(value: Any) -> Any:
        return ask(made.id, "POST", "/?q=1", headers={"X-H": "h"}, body=json.dumps(value).encode())

    assert post([{"name": "Rex", "friends": [{"name": "Tom"}]}]).status == 200
    wrong = post([{"name": "rex"}])
    assert (wrong.status, wrong.headers["x-cors"], wrong.headers["x-echo"]) == (422, "*", "h")
    assert wrong.json() == {"m": "Invalid request body", "v": "['rex' does not match '^[A-Z]']"}
    assert post([{"name": "Rex", "friends": [{}]}]).status == 422
    assert ask(made.id, "POST", "/?q=1", headers={"X-H": "h"}, body=b"{").status == 422


def test_general_gateway_responses(client: Any, api: Any, ask: Any, mock: Any) -> None:
    made = api()
    made.method("GET /a", mock, [{"statusCode": "200"}])
    client.put_gateway_response(
        restApiId=made.id,
        responseType="DEFAULT_4XX",
        responseParameters={"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"},
    )
    made.deploy()
    answer = ask(made.id, path="/b")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (403, "*")
    assert answer.json() == {"message": "Missing Authentication Token"}
    said = client.get_gateway_response(restApiId=made.id, responseType="UNAUTHORIZED")
    assert (said["defaultResponse"], said["statusCode"]) == (True, "401")
    assert len(client.get_gateway_responses(restApiId=made.id)["items"]) == 21


def test_a_resource_policy(kumoi: Any, client: Any, api: Any, ask: Any, mock: Any) -> None:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/dev/GET/*"}
    deny = {**allow, "Effect": "Deny", "Resource": "execute-api:/*/*/secret"}
    deny["Condition"] = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    made = api(policy=json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]}))
    for key in ("GET /a", "POST /a", "GET /secret"):
        made.method(key, mock, [{"statusCode": "200"}])
    made.deploy()
    assert ask(made.id, path="/a").status == 200
    refused = ask(made.id, "POST", "/a")
    masked = f"arn:aws:execute-api:us-east-1:********{kumoi.account[-4:]}:{made.id}/dev"
    user = "User: anonymous is not authorized to perform: execute-api:Invoke on resource:"
    assert (refused.status, refused.json()) == (403, {"Message": f"{user} {masked}/POST/a"})
    assert ask(made.id, path="/secret").json() == {"Message": f"{user} {masked}/GET/secret with an explicit deny"}
    with pytest.raises(ClientError, match="Invalid policy document"):
        client.update_rest_api(
            restApiId=made.id, patchOperations=[{"op": "replace", "path": "/policy", "value": '{"Statement": 7}'}]
        )
