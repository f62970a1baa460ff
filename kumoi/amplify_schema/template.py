"""A backend as a CloudFormation template: the API, its schema, tables, data sources, resolvers, keys and users.

Names are Amplify's: tables are `Todo-<apiId>-<env>`, data sources `TodoTable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kumoi.amplify_schema.models import NUMBERS, Key, Model, Schema, Strangers
from kumoi.amplify_schema.naming import upper
from kumoi.amplify_schema.problems import SchemaProblem
from kumoi.amplify_schema.resolvers import NOTHING, Pipeline, Resolver, code, function_source, known, table_source
from kumoi.amplify_schema.rules import MODES

_API_ID = {"Fn::GetAtt": ["GraphQLAPI", "ApiId"]}
_RUNTIME = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
MOST_RESOURCES = 500
"""Resources of a stack, as CloudFormation has it."""
_DELTA_TTL, _BASE_TTL = "30", "43200"
Resources = dict[str, Any]


def template_of(
    name: str,
    schema: Schema,
    sdl: str,
    resolvers: Sequence[Resolver | Pipeline],
    conflicts: str | None,
    strangers: Strangers,
) -> dict[str, Any]:
    """The template; `conflicts` is the conflict handler of versioned tables, None for tables without versions."""
    providers = _providers(schema, strangers)
    users = "userPools" in providers
    resources: Resources = {"GraphQLAPI": _api(name, providers, strangers)}
    if "function" in providers:
        resources["AuthorizerPermission"] = _resource(
            "Lambda::Permission",
            FunctionName=_function_arn(str(strangers.authorizer)),
            Action="lambda:InvokeFunction",
            Principal="appsync.amazonaws.com",
        )
    resources["GraphQLSchema"] = _resource("AppSync::GraphQLSchema", ApiId=_API_ID, Definition=sdl)
    if "apiKey" in providers:
        resources["GraphQLAPIKey"] = _resource(
            "AppSync::ApiKey", ApiId=_API_ID, Description="of kumoi graphql new", Expires={"Ref": "ApiKeyExpires"}
        )
    if users:
        resources |= _users(name, schema)
    for model in schema.models.values():
        resources |= _table(schema, model, conflicts is not None)
    if conflicts is not None:
        resources["AmplifyDataStoreTable"] = _delta_table()
    resources |= _sources(schema, conflicts is not None)
    for one in resolvers:
        resources |= _resolver(one, conflicts, resources)
    if len(resources) > MOST_RESOURCES:
        raise SchemaProblem(
            f"it makes {len(resources)} resources, and a stack has {MOST_RESOURCES} at most:"
            " leave out queries, mutations and subscriptions (null), or make several APIs"
        )
    programs = {name: {"Code": code(name)} for name in dict.fromkeys(one.program for one in resolvers)}
    parameters: dict[str, Any] = {"env": {"Type": "String", "Default": "dev"}}
    if "apiKey" in providers:
        parameters["ApiKeyExpires"] = {"Type": "Number", "Description": "When the API key expires, in epoch seconds."}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{name}: made of a GraphQL schema by kumoi graphql new",
        "Parameters": parameters,
        "Mappings": {"Programs": programs},
        "Resources": resources,
        "Outputs": _outputs(providers),
    }


def _providers(schema: Schema, strangers: Strangers) -> list[str]:
    found = {rule.provider for rule in schema.rules()} or {"apiKey"}
    if "oidc" in found and strangers.issuer is None:
        raise SchemaProblem("the provider oidc needs an issuer, which a schema cannot say: give --issuer")
    if "function" in found and strangers.authorizer is None:
        raise SchemaProblem("the provider function needs a function that authorizes: give --authorizer")
    return [one for one in MODES if one in found]


def _resource(kind: str, depends: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"Type": f"AWS::{kind}", "Properties": properties}
    return {**made, "DependsOn": list(depends)} if depends else made


def _api(name: str, providers: list[str], strangers: Strangers) -> dict[str, Any]:
    listed = []
    for at, one in enumerate(providers):
        provider: dict[str, Any] = {"AuthenticationType": MODES[one][0]}
        if one == "userPools":
            pool = {"UserPoolId": {"Ref": "UserPool"}, "AwsRegion": {"Ref": "AWS::Region"}}
            provider["UserPoolConfig"] = pool if at else {**pool, "DefaultAction": "ALLOW"}
        if one == "oidc":
            clients = {} if strangers.clients is None else {"ClientId": strangers.clients}
            provider["OpenIDConnectConfig"] = {"Issuer": strangers.issuer, **clients}
        if one == "function":
            provider["LambdaAuthorizerConfig"] = {"AuthorizerUri": _function_arn(str(strangers.authorizer))}
        listed.append(provider)
    more = {"AdditionalAuthenticationProviders": listed[1:]} if len(listed) > 1 else {}
    return _resource("AppSync::GraphQLApi", Name=name, **listed[0], **more)


def _users(name: str, schema: Schema) -> Resources:
    pool = _resource(
        "Cognito::UserPool",
        UserPoolName=f"{name}-users",
        UsernameAttributes=["email"],
        AutoVerifiedAttributes=["email"],
    )
    client = _resource(
        "Cognito::UserPoolClient",
        UserPoolId={"Ref": "UserPool"},
        ClientName=f"{name}-web",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )
    made = {"UserPool": pool, "UserPoolClient": client}
    for group in sorted({group for rule in schema.rules() for group in rule.groups or ()}):
        made[_logical("Group", group, made)] = _resource(
            "Cognito::UserPoolGroup", UserPoolId={"Ref": "UserPool"}, GroupName=group
        )
    return made


def _named(prefix: str) -> dict[str, Any]:
    return {"Fn::Join": ["-", [prefix, _API_ID, {"Ref": "env"}]]}


def _table(schema: Schema, model: Model, versioned: bool) -> Resources:
    attributes: dict[str, str] = {}

    def keys(key: Key) -> list[dict[str, str]]:
        made = [{"AttributeName": key.partition, "KeyType": "HASH"}]
        attributes[key.partition] = key_kind(model, key.partition)
        if key.sort is not None:
            attributes[key.sort] = "S" if len(key.sorts) > 1 else key_kind(model, key.sort)
            made.append({"AttributeName": key.sort, "KeyType": "RANGE"})
        return made

    properties: dict[str, Any] = {"TableName": _named(model.name), "KeySchema": keys(model.key)}
    indexes = [
        {"IndexName": index.name, "KeySchema": keys(index), "Projection": {"ProjectionType": "ALL"}}
        for index in model.indexes
    ]
    if indexes:
        properties["GlobalSecondaryIndexes"] = indexes
    properties["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()
    ]
    properties |= {
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    if versioned:
        properties["TimeToLiveSpecification"] = {"AttributeName": "_ttl", "Enabled": True}
    return {f"{model.name}Table": _resource("DynamoDB::Table", **properties)}


def key_kind(model: Model, name: str) -> str:
    """The type of a key's attribute; raises SchemaProblem."""
    field = model.fields.get(name)
    if field is None:
        raise SchemaProblem(f"a key of {model.name} names {name}, which it does not have", model.line)
    if field.type.many or field.relation is not None or field.type.name == "Boolean":
        raise SchemaProblem(f"{model.name}.{name} cannot be a key: keys are texts or numbers", field.line)
    return "N" if field.type.name in NUMBERS else "S"


def _delta_table() -> dict[str, Any]:
    return _resource(
        "DynamoDB::Table",
        TableName=_named("AmplifyDataStore"),
        KeySchema=[{"AttributeName": "ds_pk", "KeyType": "HASH"}, {"AttributeName": "ds_sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("ds_pk", "ds_sk")],
        BillingMode="PAY_PER_REQUEST",
        TimeToLiveSpecification={"AttributeName": "_ttl", "Enabled": True},
    )


def _functions(schema: Schema) -> list[str]:
    return list(dict.fromkeys(name for field in schema.fields() for name in field.functions))


def _sources(schema: Schema, versioned: bool) -> Resources:
    made: Resources = {}
    role = {"Fn::GetAtt": ["DataRole", "Arn"]}
    tables: list[Any] = []
    for model in schema.models.values():
        table = f"{model.name}Table"
        config: dict[str, Any] = {"TableName": {"Ref": table}, "AwsRegion": {"Ref": "AWS::Region"}}
        if versioned:
            config |= {
                "Versioned": True,
                "DeltaSyncConfig": {
                    "BaseTableTTL": _BASE_TTL,
                    "DeltaSyncTableName": {"Ref": "AmplifyDataStoreTable"},
                    "DeltaSyncTableTTL": _DELTA_TTL,
                },
            }
        tables += [{"Fn::GetAtt": [table, "Arn"]}, {"Fn::Sub": f"${{{table}.Arn}}/index/*"}]
        made[f"{model.name}DataSource"] = _resource(
            "AppSync::DataSource",
            ApiId=_API_ID,
            Name=table_source(model),
            Type="AMAZON_DYNAMODB",
            ServiceRoleArn=role,
            DynamoDBConfig=config,
        )
    if versioned:
        tables.append({"Fn::GetAtt": ["AmplifyDataStoreTable", "Arn"]})
    made["NONEDS"] = _resource("AppSync::DataSource", ApiId=_API_ID, Name=NOTHING, Type="NONE")
    functions = []
    for name in _functions(schema):
        arn = _function_arn(name)
        functions.append(arn)
        made[_logical("Function", name, made)] = _resource(
            "AppSync::DataSource",
            ApiId=_API_ID,
            Name=function_source(name),
            Type="AWS_LAMBDA",
            ServiceRoleArn=role,
            LambdaConfig={"LambdaFunctionArn": arn},
        )
    return {"DataRole": _role(tables, functions), **made}


def _function_arn(name: str) -> Any:
    """The ARN of a function that is named by it, or by its name alone."""
    if name.startswith("arn:"):
        return name
    return {"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:" + name}


def _role(tables: list[Any], functions: list[Any]) -> dict[str, Any]:
    statements: list[dict[str, Any]] = []
    if tables:
        actions = [f"dynamodb:{name}Item" for name in ("Get", "Put", "Update", "Delete", "BatchGet", "BatchWrite")]
        actions += ["dynamodb:Query", "dynamodb:Scan", "dynamodb:ConditionCheckItem"]
        statements.append({"Effect": "Allow", "Action": actions, "Resource": tables})
    if functions:
        statements.append({"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": functions})
    trust = {"Effect": "Allow", "Principal": {"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    if statements:
        document = {"Version": "2012-10-17", "Statement": statements}
        properties["Policies"] = [{"PolicyName": "data", "PolicyDocument": document}]
    return _resource("IAM::Role", **properties)


def _code(one: Resolver | Pipeline) -> dict[str, Any]:
    """The program, which all fields of its kind share, and what it knows of this one."""
    return {"Fn::Join": ["", [{"Fn::FindInMap": ["Programs", one.program, "Code"]}, known(one.spec)]]}


def _resolver(one: Resolver | Pipeline, conflicts: str | None, taken: Resources) -> Resources:
    logical = f"{one.type_name}{upper(one.field)}Resolver"
    while logical in taken:
        logical += "2"  # of a type and a field whose names are the same together
    place: dict[str, Any] = {"ApiId": _API_ID, "TypeName": one.type_name, "FieldName": one.field}
    if isinstance(one, Pipeline):
        made: Resources = {}
        for at, source in enumerate(one.sources):
            made[f"{logical}Step{at}"] = _resource(
                "AppSync::FunctionConfiguration",
                ApiId=_API_ID,
                Name=f"{one.type_name}_{one.field}_{at}",
                DataSourceName={"Fn::GetAtt": [_source_id(source), "Name"]},
                Code=_code(one),
                Runtime=_RUNTIME,
            )
        steps = [{"Fn::GetAtt": [name, "FunctionId"]} for name in made]
        made[logical] = _resource(
            "AppSync::Resolver", ("GraphQLSchema",), **place, Kind="PIPELINE", PipelineConfig={"Functions": steps}
        )
        return made
    more: dict[str, Any] = {}
    if conflicts is not None and one.changes:
        more["SyncConfig"] = {"ConflictDetection": "VERSION", "ConflictHandler": conflicts}
    named: dict[str, Any] = {"Fn::GetAtt": [_source_id(one.source), "Name"]}
    return {
        logical: _resource(
            "AppSync::Resolver",
            ("GraphQLSchema",),
            **place,
            DataSourceName=named,
            Code=_code(one),
            Runtime=_RUNTIME,
            **more,
        )
    }


def _source_id(source: str) -> str:
    """The logical id of a data source."""
    if source == NOTHING:
        return "NONEDS"
    if source.endswith("LambdaDataSource"):
        return _logical("Function", source.removesuffix("LambdaDataSource"))
    return f"{source.removesuffix('Table')}DataSource"


def _logical(prefix: str, name: str, taken: Iterable[str] = ()) -> str:
    """A logical id of a name; raises SchemaProblem where another name has it."""
    made = prefix + "".join(part for part in name if part.isalnum())
    if made in taken:
        raise SchemaProblem(f"{prefix.lower()}s need names that differ in letters and digits: {name}")
    return made


def _outputs(providers: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "GraphQLAPIId": {"Value": _API_ID},
        "GraphQLAPIEndpoint": {"Value": {"Fn::GetAtt": ["GraphQLAPI", "GraphQLUrl"]}},
        "GraphQLAPIRealtime": {"Value": {"Fn::GetAtt": ["GraphQLAPI", "RealtimeUrl"]}},
        "GraphQLAPIAuthorization": {"Value": ",".join(MODES[one][0] for one in providers)},
    }
    if "apiKey" in providers:
        found["GraphQLAPIKey"] = {"Value": {"Fn::GetAtt": ["GraphQLAPIKey", "ApiKey"]}}
    if "userPools" in providers:
        found["UserPoolId"] = {"Value": {"Ref": "UserPool"}}
        found["UserPoolClientId"] = {"Value": {"Ref": "UserPoolClient"}}
    return found
