"""An API deployed as a stack, its templates in a bucket; and one that outlives the platform."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

RESPONSE = "$util.toJson($ctx.result)"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::AppSync::{kind}", "Properties": properties}


API = {"Fn::GetAtt": ["Api", "ApiId"]}
TEMPLATE = {
    "Resources": {
        "Api": resource(
            "GraphQLApi",
            Name="a",
            AuthenticationType="API_KEY",
            XrayEnabled="true",
            EnvironmentVariables={"greeting": "hi"},
        ),
        "Schema": resource("GraphQLSchema", ApiId=API, Definition="type Query { hello: String again: String }"),
        "Key": resource("ApiKey", ApiId=API),
        "Cache": resource(
            "ApiCache",
            ApiId=API,
            ApiCachingBehavior="PER_RESOLVER_CACHING",
            Ttl=60,
            Type="SMALL",
            TransitEncryptionEnabled="true",
        ),
        "None": resource("DataSource", ApiId=API, Name="none", Type="NONE"),
        "Hello": {
            **resource(
                "Resolver",
                ApiId=API,
                TypeName="Query",
                FieldName="hello",
                DataSourceName={"Fn::GetAtt": ["None", "Name"]},
                RequestMappingTemplateS3Location="s3://templates/hello.vtl",
                ResponseMappingTemplate=RESPONSE,
                CachingConfig={"Ttl": "60", "CachingKeys": ["$context.identity"]},
            ),
            "DependsOn": "Schema",
        },
        "Step": resource(
            "FunctionConfiguration",
            ApiId=API,
            Name="step",
            DataSourceName={"Fn::GetAtt": ["None", "Name"]},
            Code="export function request() { return { payload: 'js' } }\nexport const response = (ctx) => ctx.result;",
            Runtime={"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"},
        ),
        "Again": {
            **resource(
                "Resolver",
                ApiId=API,
                TypeName="Query",
                FieldName="again",
                Kind="PIPELINE",
                PipelineConfig={"Functions": [{"Fn::GetAtt": ["Step", "FunctionId"]}]},
            ),
            "DependsOn": "Schema",
        },
    },
    "Outputs": {
        "Id": {"Value": API},
        "Arn": {"Value": {"Ref": "Api"}},
        "Url": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}},
        "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}},
    },
}


def test_a_stack_makes_changes_and_deletes_an_api(kumoi: Any, client: Any, post: Callable[..., Any]) -> None:
    s3, stacks = kumoi.client("s3"), kumoi.client("cloudformation")
    s3.create_bucket(Bucket="templates")
    s3.put_object(Bucket="templates", Key="hello.vtl", Body=b'{"version":"2018-05-29","payload":"$ctx.env.greeting"}')
    stacks.create_stack(StackName="s", TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName="s")["Stacks"]
    found = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert found["Arn"].endswith(f"apis/{found['Id']}") and found["Id"] in found["Url"]
    query = b'{"query":"{ hello again }"}'
    assert post(found["Id"], query, x_api_key=found["Key"]) == (200, {"data": {"hello": "hi", "again": "js"}})
    changes = {"'js'": "'changed'", '"greeting": "hi"': '"greeting": "ho"', '"Ttl": 60,': '"Ttl": 30,'}
    text = json.dumps(TEMPLATE)
    for before, after in changes.items():
        text = text.replace(before, after)
    changed = json.loads(text)
    stacks.update_stack(StackName="s", TemplateBody=json.dumps(changed))
    stacks.get_waiter("stack_update_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert post(found["Id"], query, x_api_key=found["Key"]) == (200, {"data": {"hello": "ho", "again": "changed"}})
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert client.list_graphql_apis()["graphqlApis"] == []


def test_what_was_acknowledged_survives_a_kill(killable: Any) -> None:
    killable.start()
    client = killable.client("appsync")
    api = client.create_graphql_api(name="a", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    client.start_schema_creation(apiId=api, definition=b"type Query { hello: String }")
    client.create_data_source(apiId=api, name="none", type="NONE")
    client.create_resolver(apiId=api, typeName="Query", fieldName="hello", dataSourceName="none")
    key = client.create_api_key(apiId=api)["apiKey"]
    killable.kill()
    killable.start()
    client = killable.client("appsync")
    assert client.get_schema_creation_status(apiId=api)["status"] == "SUCCESS"
    assert client.list_api_keys(apiId=api)["apiKeys"] == [key]
    assert client.get_resolver(apiId=api, typeName="Query", fieldName="hello")["resolver"]["dataSourceName"] == "none"
