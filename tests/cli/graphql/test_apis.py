"""`kumoi graphql`: a schema with Amplify's directives becomes an API, which clients of all kinds use over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Run = Callable[..., Result]
PASSWORD = "Secret-passw0rd"
BLOG = """
type Blog @model @auth(rules: [{allow: public}]) {
  name: String!
  posts: [Post] @hasMany
}
type Post @model @auth(rules: [{allow: public}]) {
  title: String!
  status: Status @default(value: "DRAFT") @index(name: "byStatus", sortKeyFields: ["rank"], queryField: "postsByStatus")
  rank: Int
  address: Address
  blog: Blog @belongsTo
  tags: [Tag] @manyToMany(relationName: "PostTags")
}
type Tag @model @auth(rules: [{allow: public}]) { label: String! posts: [Post] @manyToMany(relationName: "PostTags") }
type Reading @model @auth(rules: [{allow: public}]) {
  sensor: ID! @primaryKey(sortKeyFields: ["year", "month"])
  year: Int!
  month: Int!
  value: Float
}
type Address { street: String! zip: Int }
enum Status { DRAFT LIVE }
"""
NOTES = """
type Note @model @auth(rules: [
  {allow: owner}, {allow: groups, groups: ["Admins"]}, {allow: groups, groupsField: "team", operations: [read]}
]) {
  text: String!
  team: String
  secret: String @auth(rules: [{allow: groups, groups: ["Admins"]}])
}
type Person @model @auth(rules: [{allow: owner}, {allow: private, operations: [read, update]}]) {
  name: String
  mail: String @auth(rules: [{allow: owner}])
  letters: [Letter] @hasMany @auth(rules: [{allow: owner}])
}
type Letter @model @auth(rules: [{allow: private}]) { text: String person: Person @belongsTo }
type Shared @model @auth(rules: [{allow: owner, ownerField: "editors"}, {allow: public, operations: [read]}]) {
  text: String
  editors: [String]
}
"""


def test_items_relations_and_indexes(api: Callable[..., Any]) -> None:
    blog = api(BLOG)
    home = blog.get('mutation { createBlog(input: {name: "home"}) { id name createdAt updatedAt } }')
    assert home["name"] == "home" and home["createdAt"] == home["updatedAt"]
    create = "mutation($i: CreatePostInput!) { createPost(input: $i) { id status rank address { zip } blog { name } } }"
    posts = [
        blog.get(
            create, i={"title": f"t{n}", "rank": n, "blogPostsId": home["id"], "address": {"street": "s", "zip": n}}
        )
        for n in range(5)
    ]
    assert posts[3]["status"] == "DRAFT" and posts[3]["address"] == {"zip": 3} and posts[3]["blog"] == {"name": "home"}
    blog.get('mutation { createPost(input: {title: "elsewhere", status: LIVE, rank: 9}) { id } }')
    nested = blog.get(
        "query($id: ID!) { getBlog(id: $id) { posts(limit: 3, filter: {rank: {gt: 0}})"
        " { items { rank } nextToken } } }",
        id=home["id"],
    )
    assert len(nested["posts"]["items"]) in (2, 3) and nested["posts"]["nextToken"]
    found, token, pages = [], None, 0
    while pages == 0 or token:
        page = blog.get(
            'query($t: String) { listPosts(filter: {title: {beginsWith: "t"}, or: [{rank: {le: 1}}, {rank: {eq: 4}}]},'
            " limit: 2, nextToken: $t) { items { rank } nextToken } }",
            t=token,
        )
        found += [one["rank"] for one in page["items"]]
        token, pages = page["nextToken"], pages + 1
    assert sorted(found) == [0, 1, 4] and pages >= 3
    by = 'postsByStatus(status: DRAFT, rank: {between: [1, 3]}, sortDirection: DESC, filter: {title: {ne: "t2"}})'
    assert [one["title"] for one in blog.get(f"{{ {by} {{ items {{ title }} }} }}")["items"]] == ["t3", "t1"]
    tag = blog.get('mutation { createTag(input: {label: "new"}) { id } }')["id"]
    join = (
        "mutation($p: ID!, $t: ID!) { createPostTags(input: {postId: $p, tagId: $t}) { post { title } tag { label } } }"
    )
    assert blog.get(join, p=posts[0]["id"], t=tag) == {"post": {"title": "t0"}, "tag": {"label": "new"}}
    tagged = blog.get(
        "query($t: ID!) { getTag(id: $t) { posts { items { post { title tags { items { id } } } } } } }", t=tag
    )
    assert tagged["posts"]["items"][0]["post"]["title"] == "t0"
    tables = blog.kumoi.client("dynamodb").list_tables()["TableNames"]
    assert f"Post-{blog.outputs['GraphQLAPIId']}-dev" in tables


def test_changes_under_conditions(api: Callable[..., Any]) -> None:
    blog = api(BLOG)
    blog.get('mutation { createTag(input: {id: "1", label: "a"}) { id } }')
    assert blog.refused('mutation { createTag(input: {id: "1", label: "b"}) { id } }') == (
        "DynamoDB:ConditionalCheckFailedException"
    )
    update = 'mutation { updateTag(input: {id: "1", label: "c"}, condition: {label: {eq: "%s"}}) { label } }'
    assert blog.refused(update % "z") == "DynamoDB:ConditionalCheckFailedException"
    assert blog.get(update % "a") == {"label": "c"}
    assert blog.refused('mutation { updateTag(input: {id: "nope", label: "c"}) { id } }') == (
        "DynamoDB:ConditionalCheckFailedException"
    )
    assert blog.get('mutation { deleteTag(input: {id: "1"}) { label } }') == {"label": "c"}
    assert blog.get('{ getTag(id: "1") { id } }') is None
    assert blog.ask("{ listTags(sortDirection: ASC) { nextToken } }")["data"] is None


def test_keys_of_several_fields(api: Callable[..., Any]) -> None:
    blog = api(BLOG)
    for year, month in ((2024, 1), (2024, 2), (2025, 1)):
        given = {"sensor": "s", "year": year, "month": month, "value": year + month / 10}
        blog.get("mutation($i: CreateReadingInput!) { createReading(input: $i) { value } }", i=given)
    assert blog.get('{ getReading(sensor: "s", year: 2024, month: 2) { value } }') == {"value": 2024.2}
    found = blog.get(
        '{ listReadings(sensor: "s", yearMonth: {beginsWith: {year: 2024}}, sortDirection: DESC) { items { month } } }'
    )
    assert [one["month"] for one in found["items"]] == [2, 1]
    update = 'mutation { updateReading(input: {sensor: "s", year: 2025, month: 1, value: 1.5}) { value year } }'
    assert blog.get(update) == {"value": 1.5, "year": 2025}
    assert blog.get('mutation { deleteReading(input: {sensor: "s", year: 2025, month: 1}) { month } }') == {"month": 1}


def test_owners_see_and_change_their_own(api: Callable[..., Any]) -> None:
    notes = api(NOTES)
    ann, bob, admin = notes.user("ann"), notes.user("bob"), notes.user("eve", "Admins")
    mine = notes.get('mutation { createNote(input: {text: "a"}) { id owner } }', ann)
    assert "::" in mine["owner"]
    id = mine["id"]
    assert notes.get("query($i: ID!) { getNote(id: $i) { text } }", ann, i=id) == {"text": "a"}
    assert notes.refused("query($i: ID!) { getNote(id: $i) { text } }", bob, i=id) == "Unauthorized"
    assert notes.get("{ listNotes { items { id } } }", bob) == {"items": []}
    assert notes.get("{ listNotes { items { id } } }", ann) == {"items": [{"id": id}]}
    assert notes.get("{ listNotes { items { id } } }", admin) == {"items": [{"id": id}]}
    change = 'mutation($i: ID!) { updateNote(input: {id: $i, text: "b"}) { text } }'
    assert notes.refused(change, bob, i=id) == "Unauthorized"
    assert notes.get(change, ann, i=id) == {"text": "b"}
    wrong = notes.ask(
        'mutation($i: ID!) { updateNote(input: {id: $i, text: "x"}, condition: {text: {eq: "a"}}) { id } }', bob, i=id
    )
    assert wrong["errors"][0]["errorType"] == "Unauthorized" and wrong["errors"][0]["data"] is None
    assert notes.refused("mutation($i: ID!) { deleteNote(input: {id: $i}) { id } }", bob, i=id) == "Unauthorized"
    assert notes.refused('mutation { createNote(input: {text: "a", secret: "s"}) { id } }', ann) == "Unauthorized"
    notes.get('mutation($i: ID!) { updateNote(input: {id: $i, secret: "s"}) { id } }', admin, i=id)
    assert notes.get("query($i: ID!) { getNote(id: $i) { secret } }", admin, i=id) == {"secret": "s"}
    seen = notes.ask("query($i: ID!) { getNote(id: $i) { text secret } }", ann, i=id)
    assert seen["data"] == {"getNote": {"text": "b", "secret": None}}
    assert (seen["errors"][0]["errorType"], seen["errors"][0]["path"]) == ("Unauthorized", ["getNote", "secret"])
    assert notes.refused("{ listNotes { items { id } } }") == "Unauthorized"


def test_fields_that_are_their_owners_only(api: Callable[..., Any]) -> None:
    people = api(NOTES)
    ann, bob = people.user("ann"), people.user("bob")
    id = people.get('mutation { createPerson(input: {name: "ann", mail: "a@x"}) { id } }', ann)["id"]
    change = "mutation($i: UpdatePersonInput!) { updatePerson(input: $i) { name } }"
    assert people.get(change, bob, i={"id": id, "name": "Ann"}) == {"name": "Ann"}
    assert people.refused(change, bob, i={"id": id, "mail": "b@x"}) == "Unauthorized"
    assert people.refused(change, bob, i={"id": id, "name": "x", "mail": None}) == "Unauthorized"
    assert people.get(change, ann, i={"id": id, "mail": "c@x"}) == {"name": "Ann"}
    seen = people.ask("query($i: ID!) { getPerson(id: $i) { name mail } }", bob, i=id)
    assert seen["data"]["getPerson"] == {"name": "Ann", "mail": None} and seen["errors"]
    assert people.get("query($i: ID!) { getPerson(id: $i) { mail } }", ann, i=id) == {"mail": "c@x"}
    people.get('mutation($i: ID!) { createLetter(input: {text: "l", personLettersId: $i}) { id } }', bob, i=id)
    related = "query($i: ID!) { getPerson(id: $i) { letters { items { text } } } }"
    assert people.get(related, ann, i=id) == {"letters": {"items": [{"text": "l"}]}}
    assert people.refused(related, bob, i=id) == "Unauthorized"
    wrong = 'mutation($i: ID!) { updatePerson(input: {id: $i}, condition: {name: {eq: "x"}}) { name mail } }'
    (error,) = people.ask(wrong, bob, i=id)["errors"]
    assert error["data"] == {"name": "Ann", "mail": None}
    told = people.get(
        "mutation($i: ID!) { updatePerson(input: {id: $i}) { name mail letters { nextToken } } }", ann, i=id
    )
    assert told == {"name": "Ann", "mail": None, "letters": None}, "subscribers get what a change answers"


def test_groups_of_an_item_and_several_owners(api: Callable[..., Any]) -> None:
    notes = api(NOTES)
    notes.kumoi.client("cognito-idp").create_group(UserPoolId=notes.outputs["UserPoolId"], GroupName="red")
    ann, bob, red = notes.user("ann"), notes.user("bob"), notes.user("rob", "red")
    id = notes.get('mutation { createNote(input: {text: "a", team: "red"}) { id } }', ann)["id"]
    assert notes.get("{ listNotes { items { id } } }", red) == {"items": [{"id": id}]}
    assert (
        notes.refused('mutation($i: ID!) { updateNote(input: {id: $i, text: "b"}) { id } }', red, i=id)
        == "Unauthorized"
    )
    shared = notes.get('mutation { createShared(input: {text: "a"}) { id editors } }', ann)
    assert len(shared["editors"]) == 1
    change = 'mutation($i: ID!) { updateShared(input: {id: $i, text: "b"}) { text } }'
    assert notes.refused(change, bob, i=shared["id"]) == "Unauthorized"
    assert notes.get(change, ann, i=shared["id"]) == {"text": "b"}
    assert notes.get("{ listShareds { items { text } } }") == {"items": [{"text": "b"}]}
    assert notes.refused(change, i=shared["id"]) == "Unauthorized"
    fake = 'mutation { createShared(input: {text: "a", editors: ["somebody"]}) { id } }'
    assert notes.refused(fake, ann) == "Unauthorized"


def test_conflicts_as_datastore_has_them(api: Callable[..., Any]) -> None:
    todo = api("type Todo @model { name: String! n: Int }", "--conflicts", "automerge")
    made = todo.get('mutation { createTodo(input: {name: "a"}) { id _version _deleted _lastChangedAt } }')
    assert made["_version"] == 1 and made["_lastChangedAt"]
    update = "mutation($i: UpdateTodoInput!) { updateTodo(input: $i) { name n _version } }"
    assert todo.get(update, i={"id": made["id"], "name": "b", "_version": 1})["_version"] == 2
    assert todo.get(update, i={"id": made["id"], "n": 1, "_version": 1}) == {"name": "b", "n": 1, "_version": 3}
    stale = todo.refused(
        "mutation($i: DeleteTodoInput!) { deleteTodo(input: $i) { id } }", i={"id": made["id"], "_version": 1}
    )
    assert stale == "ConflictUnhandled"
    gone = todo.get(
        "mutation($i: DeleteTodoInput!) { deleteTodo(input: $i) { _deleted _version } }",
        i={"id": made["id"], "_version": 3},
    )
    assert gone == {"_deleted": True, "_version": 4}
    synced = todo.get("{ syncTodos { items { id _deleted } startedAt nextToken } }")
    assert synced["items"] == [{"id": made["id"], "_deleted": True}]
    changes = todo.get(
        "query($t: AWSTimestamp) { syncTodos(lastSync: $t) { items { _version } } }", t=made["_lastChangedAt"]
    )
    assert [one["_version"] for one in changes["items"]] == [1, 2, 3, 4]


def test_functions_of_fields(api: Callable[..., Any], kumoi: Any, zipped: Any) -> None:
    code = "def handler(event, context):\n    return event['fieldName'] + ' ' + str(event['arguments'].get('msg'))\n"
    kumoi.client("lambda").create_function(
        FunctionName="echo-dev",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )
    made = api('type Query { echo(msg: String): String @function(name: "echo-${env}") }')
    assert made.get('{ echo(msg: "hi") }') == "echo hi"


def test_rules_for_users_of_another_issuer_and_for_whom_a_function_lets_in(
    api: Callable[..., Any], kumoi: Any, zipped: Any
) -> None:
    code = "def handler(event, context):\n    return {'isAuthorized': event['authorizationToken'] == 'let me in'}\n"
    kumoi.client("lambda").create_function(
        FunctionName="gate",
        Runtime="python3.12",
        Role="arn:aws:iam::000000000000:role/r",
        Handler="app.handler",
        Code={"ZipFile": zipped({"app.py": code})},
    )
    users = kumoi.client("cognito-idp")
    pool = users.create_user_pool(PoolName="elsewhere")["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    apps = [
        users.create_user_pool_client(UserPoolId=pool, ClientName=name, ExplicitAuthFlows=flows)["UserPoolClient"]
        for name in ("ours", "theirs")
    ]

    def token(name: str, app: int = 0) -> str:
        given = {"USERNAME": name, "PASSWORD": PASSWORD}
        client = apps[app]["ClientId"]
        answer = users.initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
        return str(answer["AuthenticationResult"]["IdToken"])

    for name in ("ann", "bob"):
        users.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        users.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
    rules = "[{allow: owner, provider: oidc}, {allow: custom, operations: [read]}]"
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool}"
    options = ("--issuer", issuer, "--clients", apps[0]["ClientId"], "--authorizer", "gate")
    notes = api(f"type Note @model @auth(rules: {rules}) {{ text: String }}", *options)
    assert notes.outputs["GraphQLAPIAuthorization"] == "OPENID_CONNECT,AWS_LAMBDA"
    write, read = 'mutation { createNote(input: {text: "mine"}) { text } }', "{ listNotes { items { text } } }"
    assert notes.get(write, token("ann")) == {"text": "mine"}
    assert notes.get(read, token("ann"))["items"] == [{"text": "mine"}]
    assert notes.get(read, token("bob"))["items"] == []
    assert notes.get(read, "let me in")["items"] == [{"text": "mine"}]
    assert notes.refused(write, "let me in") == "Unauthorized"
    for stranger in (token("ann", app=1), "open up"):
        with pytest.raises(OSError, match="401"):
            notes.ask(read, stranger)


def test_a_schema_changes_and_the_verbs_tell(api: Callable[..., Any], run: Run, tmp_path: Path) -> None:
    first = "type Todo @model { name: String! }"
    todo = api(first)
    todo.get('mutation { createTodo(input: {name: "kept"}) { id } }')
    key = todo.outputs["GraphQLAPIKey"]
    assert "is as it should be" in todo.deploy(first).output
    planned = run("new", tmp_path / "schema.graphql", "--name", "other", "--plan")
    assert planned.exit_code == 0 and "+ TodoTable" in planned.output
    todo.deploy(
        'type Todo @model { name: String! done: Boolean @default(value: "false") } type Tag @model { label: ID }'
    )
    assert todo.outputs["GraphQLAPIKey"] == key
    assert todo.get("{ listTodos { items { name done } } }") == {"items": [{"name": "kept", "done": None}]}
    assert todo.get('mutation { createTodo(input: {name: "b"}) { done } }') == {"done": False}
    listed = run("list", "--json")
    assert [one["name"] for one in json.loads(listed.stdout)] == ["app"]
    assert "type ModelTagConnection" in run("schema", "app").output
    asked = run("query", "app", "{ listTags { items { id } } }")
    assert (asked.exit_code, json.loads(asked.stdout)["data"]) == (0, {"listTags": {"items": []}})
    assert run("query", "app", "{ nope }").exit_code == 1
    assert "there is no GraphQL API" in run("schema", "nope").output


def test_what_clients_are_configured_with(api: Callable[..., Any], tmp_path: Path) -> None:
    outputs, exports = tmp_path / "amplify_outputs.json", tmp_path / "aws-exports.js"
    notes = api(NOTES, "--config", str(outputs), "--config", str(exports))
    found = json.loads(outputs.read_text())
    assert found["data"]["api_key"] == notes.outputs["GraphQLAPIKey"]
    assert found["data"]["url"] == notes.outputs["GraphQLAPIEndpoint"]
    assert found["auth"]["user_pool_client_id"] == notes.outputs["UserPoolClientId"]
    assert f'"aws_appsync_apiKey": "{notes.outputs["GraphQLAPIKey"]}"' in exports.read_text()


def test_the_api_follows_its_schema(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kumoi.cli.deploying import backend

    schema = tmp_path / "schema.graphql"
    schema.write_text("type Todo @model { name: String }")
    saved = iter(("type Todo @model {", "type Todo @model { name: String done: Boolean }"))

    def waited(_sources: Any, _before: Any) -> None:
        text = next(saved, None)
        if text is None:
            raise KeyboardInterrupt
        schema.write_text(text)

    monkeypatch.setattr(backend, "wait_for_change", waited)
    watched = run("new", schema, "--name", "live", "--watch")
    assert watched.exit_code == 0, watched.output
    assert "Syntax Error" in watched.output and watched.output.count("watching") == 3
    assert "done: Boolean" in run("schema", "live").output


def test_garbage_is_told_in_words(run: Run, tmp_path: Path) -> None:
    schema = tmp_path / "schema.graphql"
    for content, words in (
        (b"\xff\xfe", "cannot be read"),
        (b"type A @model @searchable { n: Int }", "line 1: @searchable"),
    ):
        schema.write_bytes(content)
        refused = run("new", schema)
        assert refused.exit_code == 1 and words in refused.output
    assert run("query", "app", "{ a }", "--variables", "{").exit_code == 1
    schema.write_text("type A @model { n: Int }")
    assert "type ModelAConnection" in run("new", schema, "--sdl").output
    assert json.loads(run("new", schema, "--template").stdout)["Resources"]["ATable"]["Type"] == "AWS::DynamoDB::Table"
