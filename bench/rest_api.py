"""A REST API in front of a warm Python function, and one whose templates answer, against Invoke on the same platform.

    scripts/bench rest_api

What counts is the server's CPU a request.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

import boto3
from invoke import EVENT, INVOKE, create, kumoi, show
from load import free_port, request, server

TEMPLATE = (
    '#set($root = $input.path(\'$\')){"id": "$input.params(\'id\')", "keys": ['
    '#foreach($key in $root.keySet())"$util.escapeJavaScript($key)"#if($foreach.hasNext),#end#end]}'
)


def build(client: Any) -> str:
    """An API with POST /pets/{id} to the function and POST /mock/{id} to a template."""
    api = client.create_rest_api(name="bench")
    for name in ("pets", "mock"):
        parent = client.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart=name)["id"]
        resource = client.create_resource(restApiId=api["id"], parentId=parent, pathPart="{id}")["id"]
        place = {"restApiId": api["id"], "resourceId": resource, "httpMethod": "POST"}
        client.put_method(**place, authorizationType="NONE")
        if name == "pets":
            arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
            uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
            client.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        else:
            templates = {"application/json": '{"statusCode": 200}'}
            client.put_integration(**place, type="MOCK", requestTemplates=templates)
            client.put_method_response(**place, statusCode="200")
            answers = {"application/json": TEMPLATE}
            client.put_integration_response(**place, statusCode="200", responseTemplates=answers)
    client.create_deployment(restApiId=api["id"], stageName="dev")
    return str(api["id"])


def main() -> None:
    port = free_port()
    with TemporaryDirectory() as data, server(kumoi(port, data), port) as (pid, _ready):
        create(port)
        client = boto3.client(
            "apigateway",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        host = {"Host": f"{build(client)}.execute-api.localhost", "Content-Type": "application/json"}
        proxy = request("POST", "/dev/pets/7", EVENT, host)
        mock = request("POST", "/dev/mock/7", EVENT, host)
        for concurrency in (1, 8):
            direct = show("Invoke", port, INVOKE, 4000, concurrency, pid)
            api = show("REST API", port, proxy, 4000, concurrency, pid)
            show("MOCK with templates", port, mock, 4000, concurrency, pid)
            print(f"  CPU a request: {api.cpu_us / direct.cpu_us:.2f} × Invoke's")


if __name__ == "__main__":
    main()
