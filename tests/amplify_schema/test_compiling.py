"""Schemas compiled: what their directives make, names, and clear words for what is no schema."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.amplify_schema import SchemaProblem, compiled
from kumoi.amplify_schema.naming import foreign_key, plural


def template(text: str, **more: Any) -> dict[str, Any]:
    return compiled(text, "app", **more).template["Resources"]


def fields(text: str, type_name: str) -> str:
    """A type of the schema that is made of a text."""
    sdl = compiled(text, "app").sdl
    return sdl.partition(f"type {type_name} ")[2].partition("}")[0]


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("Todo", "Todos"),
        ("Category", "Categories"),
        ("Box", "Boxes"),
        ("Day", "Days"),
        ("Person", "People"),
        ("SalesPerson", "SalesPeople"),
        ("News", "News"),
        ("PostTags", "PostTags"),
        ("Status", "Statuses"),
        ("Class", "Classes"),
        ("Analysis", "Analyses"),
        ("Bus", "Buses"),
        ("HTTP", "HTTPs"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many


def test_foreign_keys_are_named_as_amplify_names_them() -> None:
    assert foreign_key("Post", "comments") == "postCommentsId"
    text = "type Post @model { comments: [Comment] @hasMany } type Comment @model { text: String }"
    made = template(text)["CommentTable"]["Properties"]
    assert made["GlobalSecondaryIndexes"][0]["IndexName"] == "gsi-Post.comments"
    assert made["GlobalSecondaryIndexes"][0]["KeySchema"] == [{"AttributeName": "postCommentsId", "KeyType": "HASH"}]


def test_what_a_model_makes() -> None:
    query = fields("type Todo @model { name: String! }", "Query")
    assert "getTodo(id: ID!): Todo" in query
    assert "listTodos(filter: ModelTodoFilterInput, limit: Int, nextToken: String): ModelTodoConnection" in query
    subscription = fields("type Todo @model @auth(rules: [{allow: owner}]) { name: String! }", "Subscription")
    assert (
        "onCreateTodo(filter: ModelSubscriptionTodoFilterInput, owner: String): Todo"
        ' @aws_subscribe(mutations: ["createTodo"])' in subscription
    )
    settings_ = (
        '@model(queries: {get: "todo", list: null}, mutations: {delete: null}, subscriptions: null, timestamps: null)'
    )
    sdl = compiled(f"type Todo {settings_} {{ name: String! }}", "app").sdl
    assert "todo(id: ID!): Todo" in sdl and "listTodos" not in sdl and "deleteTodo" not in sdl
    assert "onCreateTodo" not in sdl and "createdAt" not in sdl


def test_every_group_that_a_rule_names_is_made() -> None:
    of_a_query = '@function(name: "f") @auth(rules: [{allow: groups, groups: ["Bosses"]}])'
    text = """type Todo @model @auth(rules: [{allow: groups, groups: ["Writers"]}]) {
      name: String @auth(rules: [{allow: groups, groups: ["Readers"]}]) }"""
    made = template(f"{text} type Query {{ count: Int {of_a_query} }}")
    assert {"GroupBosses", "GroupReaders", "GroupWriters"} <= made.keys()


def test_more_resources_than_a_stack_holds_are_refused() -> None:
    with pytest.raises(SchemaProblem, match=r"it makes 6\d\d resources, and a stack has 500 at most"):
        compiled("\n".join(f"type M{n} @model {{ n: Int }}" for n in range(60)), "app")


def test_directives_open_fields_for_those_that_rules_name() -> None:
    text = """type Todo @model @auth(rules: [{allow: public, operations: [read]}, {allow: private, provider: iam}]) {
      name: String }"""
    sdl = compiled(text, "app").sdl
    assert "type Todo @aws_api_key @aws_iam {" in sdl
    assert "getTodo(id: ID!): Todo @aws_api_key @aws_iam" in sdl
    assert "condition: ModelTodoConditionInput): Todo @aws_iam" in sdl
    api = template(text)["GraphQLAPI"]["Properties"]
    assert api["AuthenticationType"] == "API_KEY"
    assert api["AdditionalAuthenticationProviders"] == [{"AuthenticationType": "AWS_IAM"}]


def test_without_rules_everybody_with_the_key_may() -> None:
    made = compiled("type Todo @model { name: String }", "app")
    assert made.notes == ("Todo has no @auth: whoever has the API key may read and change it.",)
    with_global = "input AMPLIFY { globalAuthRule: AuthRule = { allow: private } } type Todo @model { name: String }"
    assert compiled(with_global, "app").template["Resources"]["GraphQLAPI"]["Properties"]["AuthenticationType"] == (
        "AMAZON_COGNITO_USER_POOLS"
    )


def test_versions_make_a_delta_table() -> None:
    made = template("type Todo @model { name: String }", conflicts="AUTOMERGE")
    assert made["TodoDataSource"]["Properties"]["DynamoDBConfig"]["Versioned"] is True
    assert made["MutationUpdateTodoResolver"]["Properties"]["SyncConfig"]["ConflictHandler"] == "AUTOMERGE"
    assert "SyncConfig" not in made["QueryGetTodoResolver"]["Properties"]
    assert "AmplifyDataStoreTable" in made and "QuerySyncTodosResolver" in made


def test_a_big_schema_stays_below_what_cloudformation_takes() -> None:
    models = "\n".join(
        f"type Thing{n} @model @auth(rules: [{{allow: owner}}]) {{ name: String! at: AWSDateTime n: Int"
        f' parent: ID @index(name: "byParent") }}'
        for n in range(40)
    )
    made = compiled(models, "app")
    assert len(made.template["Resources"]) <= 500
    assert len(json.dumps(made.template)) < 1_000_000
    assert len(made.template["Mappings"]["Programs"]) <= 200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Syntax Error"),
        ("type {", "line 1"),
        ("garbage \x00", "Syntax Error"),
        ("type Todo { name: String }", "no type has @model"),
        ("type Todo @model { }", "Syntax Error"),
        ("type Todo @model @searchable { name: String }", "Kumoi has no OpenSearch"),
        ("type Todo @model { name: String @http(url: \"x\") }", "@http is not supported"),
        ("type Todo @model { name: String @nope }", "@nope is a directive that nobody knows"),
        ("type Todo @model { other: Other }", "there is no type Other"),
        ("type A @model { b: B } type B @model { n: Int }", "it needs @hasMany, @hasOne or @belongsTo"),
        ("type A @model { b: B @hasMany } type B @model { n: Int }", "is for a list"),
        ("type A @model { b: [B] @hasOne } type B @model { n: Int }", "is for one item"),
        ("type A @model { b: [B] @hasMany } type B { n: Int }", "is for models, and B is none"),
        ('type A @model { b: [B] @hasMany(indexName: "x", fields: ["id"]) } type B @model { n: Int }', "index named x"),
        ('type A @model { b: [B] @hasMany(fields: ["no"]) } type B @model { n: Int }', "which A does not have"),
        ('type A @model { b: [B] @manyToMany(relationName: "AB") } type B @model { n: Int }', "on two models"),
        ('type A @model { b: [A] @manyToMany(relationName: "AB") c: [A] @manyToMany(relationName: "AB") }', "itself"),
        ("type A @model { n: String @hasMany @hasOne }", "@hasMany and @hasOne"),
        ("type A @model { n: Boolean @primaryKey }", "cannot be a key"),
        ('type A @model { n: String @index(name: "i", sortKeyFields: ["no"]) }', "names no, which it does not have"),
        ("type A @model { a: ID @primaryKey b: ID @primaryKey }", "two fields with @primaryKey"),
        ('type A @model { a: ID @index(name: "i") b: ID @index(name: "i") }', "two indexes named i"),
        ("type A @model @auth(rules: []) { n: Int }", "@auth needs rules"),
        ("type A @model @auth(rules: [{allow: nobody}]) { n: Int }", "allow: nobody is none of"),
        ("type A @model @auth(rules: [{allow: groups}]) { n: Int }", "needs groups or groupsField"),
        ("type A @model @auth(rules: [{allow: owner, operations: [fly]}]) { n: Int }", "an operation is fly"),
        ("type A @model @auth(rules: [{allow: owner, provider: apiKey}]) { n: Int }", "takes the provider"),
        ("type A @model @auth(rules: [{allow: custom}]) { n: Int }", "give --authorizer"),
        ("type A @model @auth(rules: [{allow: private, provider: oidc}]) { n: Int }", "give --issuer"),
        ('type A @model @auth(rules: [{allow: groups, groupsField: "no"}]) { n: Int }', "groupsField no is no field"),
        ('type A @model { n: Int @default(value: "x") }', "@default 'x' is no Int"),
        ('type A @model { n: O @default(value: "x") } type O { a: Int }', "@default is for scalars"),
        ("type A @model { n: Int } type A @model { n: Int }", "two types named A"),
        ("type A @model { n: Int n: Int }", "two fields named n"),
        ("type A @model { n: Int } input CreateAInput { n: Int }", "CreateAInput"),
        ("type A @model { o: O } type O { o: O! }", "references itself"),
        ("type A @model { n: Int @function }", "name of a function"),
        ("scalar Money type A @model { n: Money }", "there is no type Money"),
        ("extend type A { n: Int }", "extend is for Query"),
        ("type A @model @connection { n: Int }", "old transformer"),
        ("type A @model { b: B } type B { n: Int @auth(rules: [{allow: owner}]) }", "@auth is for models"),
        ("type A @model { n: Int! @auth(rules: [{allow: owner}]) }", "subscribers would get it"),
        ("type A @model { b: B } type B @auth(rules: [{allow: owner}]) { n: Int }", "@auth is for models and fields"),
        ("type A @model { n: Int } schema { query: Root } type Root { n: Int }", "the root types are named"),
        ('type Query { a: Int @function(name: "a-b") b: Int @function(name: "ab") }', "differ in letters and digits"),
    ],
)  # fmt: skip
def test_what_is_no_schema(text: str, words: str) -> None:
    with pytest.raises(SchemaProblem) as refused:
        compiled(text, "app")
    assert words in str(refused.value)


def test_hostile_schemas_are_refused_in_words() -> None:
    nested = "type A @model { n: " + "[" * 50_000 + "Int" + "]" * 50_000 + " }"
    many = "".join(f"type T{n} @model {{ n: Int }}" for n in range(201))
    for text in (nested, many, "#" * 1_048_577, "type A @model { " + "n: Int " * 60_000 + "}"):
        with pytest.raises(SchemaProblem):
            compiled(text, "app")
    for name in ("", "1", "a b", "x" * 200, "../x"):
        with pytest.raises(SchemaProblem):
            compiled("type A @model { n: Int }", name)


def test_names_that_are_the_same_together_stay_apart() -> None:
    text = """
type A @model { bC: [None] @hasMany } type AB @model { c: [None] @hasMany } type None @model { n: Int }"""
    made = template(text)
    assert {"ABCResolver", "ABCResolver2", "NoneDataSource", "NONEDS"} <= made.keys()
    assert made["NoneDataSource"]["Properties"]["Type"] == "AMAZON_DYNAMODB"


def test_relations_in_a_circle_are_fine() -> None:
    text = """
type Person @model { boss: Person @belongsTo(fields: ["bossId"]) bossId: ID @index(name: "byBoss")
  team: [Person] @hasMany(indexName: "byBoss", fields: ["id"]) house: House @hasOne }
type House @model { owner: Person @belongsTo }
"""
    made = template(text)
    assert {"PersonBossResolver", "PersonTeamResolver", "PersonHouseResolver", "HouseOwnerResolver"} <= made.keys()


NAMES = st.sampled_from(("id", "name", "count", "at", "kind"))
TYPES = st.sampled_from(("String", "ID!", "Int", "Float!", "[String]", "[Int!]!", "AWSDate", "Kind", "Part"))
RULES = st.sampled_from(
    ("", "@auth(rules: [{allow: owner}])", '@auth(rules: [{allow: groups, groups: ["A"]}, {allow: public}])')
)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(NAMES, TYPES, min_size=1), RULES), min_size=1, max_size=3))
def test_whatever_models_hold_appsync_takes_the_schema(models: list[tuple[dict[str, str], str]]) -> None:
    from kumoi.services.appsync.schema.compiled import compiled as by_appsync

    text = "enum Kind { A B } type Part { n: Int }" + "".join(
        f"type M{n} @model {rules} {{ {' '.join(f'{name}: {kind}' for name, kind in held.items() if name != 'id')}"
        f" label: String }}"
        for n, (held, rules) in enumerate(models)
    )
    made = compiled(text, "app")
    found = by_appsync(made.sdl)
    for resource in made.template["Resources"].values():
        if resource["Type"] == "AWS::AppSync::Resolver":
            given_ = resource["Properties"]
            assert found.field_exists(given_["TypeName"], given_["FieldName"])
