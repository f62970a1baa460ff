"""boto3 and the Data API: SQL, types, transactions, errors."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kumoi.pytest_plugin import KumoiAccount


class Database:
    """A cluster with the Data API on, and how tests speak SQL to it."""

    def __init__(self, source: Any, engine: str = "aurora-postgresql") -> None:
        rds = source.client("rds")
        cluster = rds.create_db_cluster(
            DBClusterIdentifier=f"shop-{engine[7:]}",
            Engine=engine,
            MasterUsername="admin",
            ManageMasterUserPassword=True,
            DatabaseName="shop",
            EnableHttpEndpoint=True,
        )["DBCluster"]
        self.rds = rds
        self.data = source.client("rds-data")
        self.place = {"resourceArn": cluster["DBClusterArn"], "secretArn": cluster["MasterUserSecret"]["SecretArn"]}

    def sql(self, sql: str, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
        given = [
            {"name": name, **(value if "value" in value else {"value": value})}
            for name, value in (parameters or {}).items()
        ]
        return self.data.execute_statement(**self.place, sql=sql, parameters=given, **more)

    def rows(self, sql: str, **more: Any) -> list[list[Any]]:
        records = self.sql(sql, **more)["records"]
        return [[None if "isNull" in one else next(iter(one.values())) for one in row] for row in records]


@pytest.fixture
def database(kumoi: KumoiAccount) -> Database:
    return Database(kumoi)


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def message(refused: pytest.ExceptionInfo[ClientError]) -> str:
    error = refused.value.response
    return str(error["Error"]["Message"] or error.get("message"))


def test_a_table_is_made_filled_and_read(database: Database) -> None:
    database.sql("create table users (id serial primary key, name varchar(20) not null unique, at timestamptz)")
    made = database.sql(
        "insert into users (name, at) values (:name, :at) returning id",
        {
            "name": {"stringValue": "ann"},
            "at": {"value": {"stringValue": "2026-01-02 03:04:05"}, "typeHint": "TIMESTAMP"},
        },
    )
    assert (made["records"], made["numberOfRecordsUpdated"]) == ([[{"longValue": 1}]], 1)
    assert database.rows("select ID, Name, at from users") == [[1, "ann", "2026-01-02 03:04:05"]]
    changed = database.sql("update users set name = 'bob' where id = 1")
    assert changed["numberOfRecordsUpdated"] == 1
    assert "records" not in changed


def test_values_keep_their_types(database: Database) -> None:
    database.sql(
        "create table t (id int primary key, ok boolean, price numeric(10,2), x double precision, d jsonb, b bytea,"
        " day date, u uuid)"
    )
    database.sql(
        "insert into t values (1, :ok, :price, 2, :d, :b, '2026-01-02', :u)",
        {
            "ok": {"booleanValue": True},
            "price": {"value": {"stringValue": "12.5"}, "typeHint": "DECIMAL"},
            "d": {"value": {"stringValue": '{"a": 1}'}, "typeHint": "JSON"},
            "b": {"blobValue": b"\x00\x01"},
            "u": {"value": {"stringValue": "123e4567-e89b-12d3-a456-426614174000"}, "typeHint": "UUID"},
        },
    )
    database.sql("insert into t (id) values (2)")
    answer = database.sql("select * from t order by id", includeResultMetadata=True)
    assert answer["records"][0] == [
        {"longValue": 1},
        {"booleanValue": True},
        {"stringValue": "12.50"},
        {"doubleValue": 2.0},
        {"stringValue": '{"a": 1}'},
        {"blobValue": b"\x00\x01"},
        {"stringValue": "2026-01-02"},
        {"stringValue": "123e4567-e89b-12d3-a456-426614174000"},
    ]
    assert answer["records"][1][1:] == [{"isNull": True}] * 7
    types = [(one["label"], one["typeName"], one["type"]) for one in answer["columnMetadata"]]
    assert types[:4] == [("id", "int4", 4), ("ok", "bool", -7), ("price", "numeric", 2), ("x", "float8", 8)]
    assert answer["columnMetadata"][2]["scale"] == 2
    options = {"decimalReturnType": "DOUBLE_OR_LONG", "longReturnType": "STRING"}
    other = database.sql("select id, price from t where id = 1", resultSetOptions=options)
    assert other["records"] == [[{"stringValue": "1"}, {"doubleValue": 12.5}]]
    formatted = database.sql("select id, ok, price, d->>'a' as a from t where id = 1", formatRecordsAs="JSON")
    assert json.loads(formatted["formattedRecords"]) == [{"id": 1, "ok": True, "price": 12.5, "a": "1"}]
    computed = database.sql(
        "select id > 1, exists (select 1 from t), not ok, 1.5::numeric(5,2), 7::text, d->>'a' = '1',"
        " coalesce(ok, false), case when id = 1 then true else false end, id + 1 from t where id = 1",
        includeResultMetadata=True,
    )
    assert computed["records"][0] == [
        {"booleanValue": False},
        {"booleanValue": True},
        {"booleanValue": False},
        {"stringValue": "1.50"},
        {"stringValue": "7"},
        {"booleanValue": True},
        {"booleanValue": True},
        {"booleanValue": True},
        {"longValue": 2},
    ]
    assert [one["typeName"] for one in computed["columnMetadata"][:5]] == ["bool", "bool", "bool", "numeric", "text"]
    database.sql("create index a on t ((d->>'a'))")
    assert database.rows("insert into t (id) values (3) returning id = 3, id") == [[True, 3]]
    totals = database.sql(
        "select sum(price), sum(t.id), avg(id), round(avg(price), 1), sum(price * id), max(price), sum(x), count(*),"
        " coalesce(sum(price), 0), 1.5 from t"
    )
    assert totals["records"][0] == [
        {"stringValue": "12.50"},
        {"longValue": 6},
        {"stringValue": "2.0"},
        {"stringValue": "12.5"},
        {"stringValue": "12.50"},
        {"stringValue": "12.50"},
        {"doubleValue": 2.0},
        {"longValue": 3},
        {"stringValue": "12.50"},
        {"stringValue": "1.5"},
    ]
    ratios = "select count(*)::numeric / 4, 3 / (2::decimal * 1), 3 / 2, round(1::numeric / 3, 2) from t"
    assert database.rows(ratios) == [["0.75", "1.5", 1, "0.33"]]
    database.sql("update t set price = 10 where id = 1")
    assert database.rows("select price / 4, id / 2, 3 / sum(price) from t where id = 1 group by 1, 2") == [
        ["2.5", 0, "0.3"]
    ]
    assert database.sql("update t set price = price / 4 where price / 3 > 3")["numberOfRecordsUpdated"] == 1
    assert database.rows("select price from t where id = 1") == [["2.50"]]
    functions = (
        "select left('abc', 2), right('abc', 2), split_part('a,b,c', ',', 2), split_part('a,b', ',', -1),"
        " md5('a'), random() between 0 and 1, jsonb_build_object('a', 1)->>'a'"
    )
    assert database.rows(functions) == [["ab", "bc", "b", "b", "0cc175b9c0f1b6a831c399e269772661", True, "1"]]
    nothing = database.sql("select id, ok from t where id = 9", includeResultMetadata=True)
    assert [one["typeName"] for one in nothing["columnMetadata"]] == ["int4", "bool"]
    assert nothing["records"] == []


def test_a_transaction_is_all_or_nothing_and_hidden_until_its_end(database: Database) -> None:
    database.sql("create table t (id int primary key)")
    one = database.data.begin_transaction(**database.place)["transactionId"]
    database.sql("insert into t values (1)", transactionId=one)
    assert database.rows("select count(*) from t") == [[0]]
    assert database.rows("select count(*) from t", transactionId=one) == [[1]]
    database.sql("insert into t values (2)", transactionId=one)
    ended = database.data.commit_transaction(
        resourceArn=database.place["resourceArn"], secretArn=database.place["secretArn"], transactionId=one
    )
    assert ended["transactionStatus"] == "Transaction Committed"
    assert database.rows("select id from t order by id") == [[1], [2]]
    two = database.data.begin_transaction(**database.place)["transactionId"]
    database.sql("delete from t", transactionId=two)
    ended = database.data.rollback_transaction(**database.place, transactionId=two)
    assert ended["transactionStatus"] == "Rollback Complete"
    assert database.rows("select count(*) from t") == [[2]]
    with pytest.raises(ClientError) as refused:
        database.sql("select 1", transactionId=two)
    assert code(refused) == "TransactionNotFoundException"


def test_writers_wait_for_their_turn(database: Database) -> None:
    database.sql("create table counter (n int)")
    database.sql("insert into counter values (0)")

    def count() -> None:
        for _ in range(10):
            transaction = database.data.begin_transaction(**database.place)["transactionId"]
            ((n,),) = database.rows("select n from counter", transactionId=transaction)
            database.sql("update counter set n = :n", {"n": {"longValue": n + 1}}, transactionId=transaction)
            database.data.commit_transaction(
                resourceArn=database.place["resourceArn"],
                secretArn=database.place["secretArn"],
                transactionId=transaction,
            )

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.rows("select n from counter") == [[40]]


def test_a_batch_is_all_or_nothing(database: Database) -> None:
    database.sql("create table t (id int primary key)")
    sets = [[{"name": "id", "value": {"longValue": number}}] for number in range(100)]
    answer = database.data.batch_execute_statement(
        **database.place, sql="insert into t values (:id)", parameterSets=sets
    )
    assert answer["updateResults"] == [{"generatedFields": []}] * 100
    with pytest.raises(ClientError):
        database.data.batch_execute_statement(
            **database.place, sql="insert into t values (:id + 200)", parameterSets=[*sets[:3], sets[0]]
        )
    assert database.rows("select count(*) from t") == [[100]]


ERRORS = {
    "select * from nothing": ("DatabaseErrorException", 'relation "nothing" does not exist; SQLState: 42P01'),
    "select x from t": ("DatabaseErrorException", 'column "x" does not exist; SQLState: 42703'),
    "insert into t (id, name) values (1, 'b')": ("DatabaseErrorException", '"t_pkey"'),
    "insert into t (id, name) values (2, 'a')": (
        "DatabaseErrorException",
        'duplicate key value violates unique constraint "t_name_key"; SQLState: 23505',
    ),
    "insert into t (id) values (3)": (
        "DatabaseErrorException",
        'null value in column "name" of relation "t" violates not-null constraint; SQLState: 23502',
    ),
    "insert into t (id, name, of) values (3, 'c', 99)": ("DatabaseErrorException", "SQLState: 23503"),
    "selec 1": ("DatabaseErrorException", "SQLState: 42601"),
    "select :a": ("BadRequestException", "Cannot find parameter: a"),
    "select 1; drop table t": ("BadRequestException", "Multistatements aren't supported."),
    "select load_extension('x')": ("DatabaseErrorException", "not authorized"),
    "select hex(randomblob(5000000))": ("BadRequestException", "allowed response size limit"),
    "select foo(1)": ("DatabaseErrorException", "function foo does not exist; SQLState: 42883"),
}


@pytest.mark.parametrize("sql", ERRORS)
def test_errors_are_those_of_postgresql(database: Database, sql: str) -> None:
    database.sql("create table t (id int primary key, name text not null unique, of int references t (id))")
    database.sql("insert into t (id, name) values (1, 'a')")
    with pytest.raises(ClientError) as refused:
        database.sql(sql)
    assert code(refused) == ERRORS[sql][0]
    assert ERRORS[sql][1] in message(refused)


def test_what_is_wrong_with_the_caller(kumoi: KumoiAccount, database: Database) -> None:
    def refused(**changed: str) -> str:
        with pytest.raises(ClientError) as found:
            database.data.execute_statement(**{**database.place, "sql": "select 1", **changed})
        return code(found)

    secrets = kumoi.client("secretsmanager")
    other = secrets.create_secret(Name="other", SecretString='{"username": "admin", "password": "guessed it"}')["ARN"]
    text = secrets.create_secret(Name="text", SecretString="admin")["ARN"]
    assert refused(resourceArn=database.place["resourceArn"].replace("shop", "none")) == "DatabaseNotFoundException"
    assert refused(resourceArn="arn:of:nothing") == "BadRequestException"
    assert refused(secretArn=other) == "DatabaseErrorException"
    assert refused(secretArn=text) == "InvalidSecretException"
    assert refused(secretArn=other.replace("other", "none")) == "SecretsErrorException"
    assert refused(database="none") == "DatabaseNotFoundException"
    assert refused(database="../../etc") == "BadRequestException"
    database.rds.disable_http_endpoint(ResourceArn=database.place["resourceArn"])
    assert refused() == "HttpEndpointNotEnabledException"


def test_databases_are_made_and_dropped(database: Database) -> None:
    database.sql("create database other")
    database.sql("create table t (id int)", database="other")
    assert database.rows("select table_name from information_schema.tables", database="other") == [["t"]]
    assert database.rows("select table_name from information_schema.tables") == []
    database.sql("drop database other")
    database.sql("drop database if exists other")
    with pytest.raises(ClientError):
        database.sql("select 1", database="other")


def test_mysql_tells_the_keys_that_it_made(kumoi: KumoiAccount) -> None:
    database = Database(kumoi, "aurora-mysql")
    database.sql(
        "create table t (id int auto_increment primary key, name varchar(5), n int, at datetime default now(),"
        " unique key named (name), key counted (n))"
    )
    made = database.sql("insert into t (name, n) values ('a', 1)")
    assert made["generatedFields"] == [{"longValue": 1}]
    database.sql("insert into t (name, n) values ('a', 2) on duplicate key update n = values(n)")
    assert database.rows("select n from t where name like 'A'") == [[2]]
    assert database.rows("select at <= now(), at > now() - interval 1 day, length(at) from t") == [[1, 1, 19]]
    assert database.rows("select n / 4, sum(n), n > 1 from t group by n") == [["0.5", "2", 1]]
    with pytest.raises(ClientError, match="no ON UPDATE of columns"):
        database.sql("create table u (at timestamp default current_timestamp on update current_timestamp)")


@pytest.mark.kumoi_clock
def test_time_is_the_platforms_and_idle_transactions_end(kumoi: KumoiAccount) -> None:
    database = Database(kumoi)
    transaction = database.data.begin_transaction(**database.place)["transactionId"]
    ((before,),) = database.rows("select date_trunc('hour', now()) + interval '2 hours'", transactionId=transaction)
    kumoi.advance("2h")
    ((after,),) = database.rows("select date_trunc('hour', now())")
    assert before == after
    with pytest.raises(ClientError) as refused:
        database.sql("select 1", transactionId=transaction)
    assert code(refused) == "TransactionNotFoundException"


def test_what_was_committed_survives_a_crash(killable: Any) -> None:
    killable.start()
    database = Database(killable)
    database.sql("create table t (id int primary key)")
    for number in range(20):
        database.sql("insert into t values (:id)", {"id": {"longValue": number}})
    transaction = database.data.begin_transaction(**database.place)["transactionId"]
    database.sql("insert into t values (99)", transactionId=transaction)
    killable.kill()
    killable.start()
    assert database.rows("select count(*), max(id) from t") == [[20, 19]]
    with pytest.raises(ClientError) as refused:
        database.sql("select 1", transactionId=transaction)
    assert code(refused) == "TransactionNotFoundException"


def test_other_schemas_hold_tables_of_their_own(database: Database) -> None:
    with pytest.raises(ClientError) as refused:
        database.sql("create table app.notes (id int)")
    assert "42P01" in message(refused) or "3F000" in message(refused)
    for _ in range(2):
        database.sql('create schema if not exists "app"')
    with pytest.raises(ClientError) as refused:
        database.sql("create schema app")
    assert "already exists; SQLState: 42P06" in message(refused)
    database.sql("create table app.notes (id serial primary key, t text)")
    database.sql("create table notes (id serial primary key, t text)")
    made = database.sql(
        "insert into app.notes (t) values ('a'), ('b') returning app.notes.id, t", includeResultMetadata=True
    )
    assert len(made["records"]) == 2
    assert database.rows("select notes.t from app.notes where app.notes.id = 2") == [["b"]]
    assert database.rows("select count(*) from public.notes") == [[0]]
    listed = "select table_schema, table_name from information_schema.tables order by table_schema"
    assert database.rows(listed) == [["app", "notes"], ["public", "notes"]]
    with pytest.raises(ClientError) as refused:
        database.sql("drop schema app")
    assert "2BP01" in message(refused)
    database.sql("drop schema app cascade")
    with pytest.raises(ClientError) as refused:
        database.rows("select * from app.notes")
    assert 'relation "app.notes" does not exist; SQLState: 42P01' in message(refused)


def test_enumerations_hold_columns_to_their_values(database: Database) -> None:
    database.sql("""create type "public"."role" as enum('admin', 'user')""")
    database.sql("""create table t (id int primary key, r "role" default 'user' not null)""")
    database.sql("insert into t values (1, default), (2, 'admin')")
    assert database.rows("select r from t order by id") == [["user"], ["admin"]]
    for sql in ("insert into t values (3, 'guest')", "update t set r = 'guest'", "select 'guest'::role"):
        with pytest.raises(ClientError) as refused:
            database.sql(sql)
        assert 'invalid input value for enum role: "guest"; SQLState: 22P02' in message(refused)
    database.sql("alter type role add value if not exists 'guest' before 'user'")
    database.sql("insert into t values (3, 'guest')")
    for sql, state in {"drop type role": "2BP01", "create table u (r mood)": "42704"}.items():
        with pytest.raises(ClientError) as refused:
            database.sql(sql)
        assert state in message(refused)


def test_arrays_are_kept_and_answered(database: Database) -> None:
    database.sql("create table t (id int primary key, tags text[] default '{}', n int[])")
    tags = {"tags": {"stringValue": '{x,"y z"}'}}
    database.sql("insert into t values (1, cast(:tags as text[]), array[1, 2]), (2, default, null)", tags)
    answer = database.sql("select tags, n from t order by id", includeResultMetadata=True)
    assert answer["records"] == [
        [{"arrayValue": {"stringValues": ["x", "y z"]}}, {"arrayValue": {"longValues": [1, 2]}}],
        [{"arrayValue": {"stringValues": []}}, {"isNull": True}],
    ]
    assert [(one["typeName"], one["type"], one["arrayBaseColumnType"]) for one in answer["columnMetadata"]] == [
        ("_text", 2003, 12),
        ("_int4", 2003, 4),
    ]
    assert database.rows("select id from t where tags @> array['x'] and 'y z' = any(tags) and 2 = any(n)") == [[1]]
    assert database.rows("select array_agg(id order by id desc) from t") == [[{"longValues": [2, 1]}]]
    with pytest.raises(ClientError) as refused:
        database.sql("insert into t (id, tags) values (3, 'x')")
    assert "malformed array literal" in message(refused)


def test_tables_are_altered_as_migrations_do(database: Database) -> None:
    database.sql('create table "users" ("id" serial primary key not null, "name" text not null)')
    database.sql('create table "posts" ("id" serial primary key, "author_id" integer, "title" text)')
    database.sql("insert into users (name) values ('ann')")
    database.sql("insert into posts (author_id, title) values (1, 'first')")
    for sql in (
        'alter table "posts" add constraint "posts_author_fk" foreign key ("author_id")'
        ' references "public"."users"("id") on delete cascade on update no action',
        'alter table "posts" add constraint "posts_title_unique" unique("title")',
        'alter table "posts" add constraint "titled" check ("posts"."title" <> \'\')',
        'alter table "posts" add column "created_at" timestamp with time zone default now() not null',
        'alter table "posts" add column if not exists "created_at" timestamp',
        'alter table "posts" alter column "title" set default \'none\', alter column "title" set not null',
        'alter table "users" alter column "name" drop not null',
        'alter table "users" alter column "name" set data type varchar(40)',
        'alter table "users" rename column "name" to "full_name"',
    ):
        database.sql(sql)
    database.sql("insert into posts (author_id) values (1)")
    assert database.rows("select title, created_at is null from posts order by id") == [
        ["first", False],
        ["none", False],
    ]
    database.sql("insert into users (full_name) values (null)")
    for sql, state in {
        "insert into posts (author_id, title) values (9, 'x')": "23503",
        "insert into posts (author_id) values (1)": 'unique constraint "posts_title_unique"; SQLState: 23505',
        "update posts set title = ''": 'check constraint "titled"; SQLState: 23514',
        'alter table "users" alter column "full_name" set not null': "23502",
        'alter table "users" add column "age" int not null': "23502",
        'alter table "posts" drop constraint "nothing"': "42704",
        'alter table "posts" alter column "nothing" drop default': "42703",
        "alter table nothing add column a int": "42P01",
    }.items():
        with pytest.raises(ClientError) as refused:
            database.sql(sql)
        assert state in message(refused), sql
    database.sql('create index "by_time" on "posts" ("created_at")')
    database.sql('alter table "posts" drop column "created_at" cascade, drop column if exists "nothing"')
    database.sql('alter table "posts" drop constraint "titled"')
    database.sql('alter table "posts" drop constraint "posts_title_unique"')
    database.sql("update posts set title = ''")
    database.sql("delete from users where id = 1")
    assert database.rows("select count(*) from posts") == [[0]]


def test_alterations_within_a_transaction_are_undone(database: Database) -> None:
    database.sql("create table t (id int primary key, a text)")
    transaction = {"transactionId": database.data.begin_transaction(**database.place)["transactionId"]}
    database.sql("alter table t alter column a set default 'x'", **transaction)
    database.sql("insert into t (id) values (1)", **transaction)
    assert database.rows("select a from t", **transaction) == [["x"]]
    database.data.rollback_transaction(
        resourceArn=database.place["resourceArn"], secretArn=database.place["secretArn"], **transaction
    )
    database.sql("insert into t (id) values (1)")
    assert database.rows("select a from t") == [[None]]


def test_savepoints_within_a_transaction(database: Database) -> None:
    database.sql("create table t (id int primary key)")
    transaction = {"transactionId": database.data.begin_transaction(**database.place)["transactionId"]}
    for sql in (
        *("insert into t values (1)", "savepoint sp1", "insert into t values (2)", "rollback to savepoint sp1"),
        *("savepoint sp2", "insert into t values (3)", "release savepoint sp2"),
    ):
        database.sql(sql, **transaction)
    database.data.commit_transaction(
        resourceArn=database.place["resourceArn"], secretArn=database.place["secretArn"], **transaction
    )
    assert database.rows("select id from t order by id") == [[1], [3]]
    transaction = {"transactionId": database.data.begin_transaction(**database.place)["transactionId"]}
    with pytest.raises(ClientError) as refused:
        database.sql("rollback to savepoint sp2", **transaction)
    assert 'savepoint "sp2" does not exist; SQLState: 3B001' in message(refused)
    with pytest.raises(ClientError) as refused:
        database.sql("savepoint sp1")
    assert "25P01" in message(refused)


def test_rows_within_rows_as_json(database: Database) -> None:
    database.sql("create table users (id int primary key, name text, ok boolean, doc jsonb, tags text[])")
    database.sql("create table posts (id int primary key, author int references users (id), price numeric(5,2))")
    database.sql("""insert into users values (1, 'ann', true, '{"a": [1]}', '{x}'), (2, 'bob', null, null, null)""")
    database.sql("insert into posts values (1, 1, 2.5), (2, 1, 3)")
    related = database.rows("""
        select "users"."id", "posts"."data" as "posts" from "users" "users" left join lateral (
            select coalesce(json_agg(json_build_array("posts"."id", "posts"."price", "writer"."data")
                order by "posts"."id" desc), '[]'::json) as "data"
            from "posts" "posts" left join lateral (
                select json_build_array("w"."name", "w"."ok", "w"."doc", "w"."tags") as "data"
                from (select * from "users" "w" where "w"."id" = "posts"."author" limit 1) "w"
            ) "writer" on true
            where "posts"."author" = "users"."id"
        ) "posts" on true order by "users"."id"
    """)
    writer = ["ann", True, {"a": [1]}, ["x"]]
    assert [(one, json.loads(text)) for one, text in related] == [(1, [[2, 3, writer], [1, 2.5, writer]]), (2, [])]
    nested = database.rows("""
        select (select to_json(obj) from (select u.name, u.ok) as obj) as one,
            (select coalesce(json_agg(agg), '[]') from (select p.id from posts p where p.author = u.id) as agg) as many
        from users u order by u.id
    """)
    assert [[json.loads(one) for one in row] for row in nested] == [
        [{"name": "ann", "ok": True}, [{"id": 1}, {"id": 2}]],
        [{"name": "bob", "ok": None}, []],
    ]
    several = (
        "select u.id, s.price from users u join lateral (select p.price from posts p where p.author = u.id) s on true"
    )
    assert [row[1] for row in database.rows(f"{several} order by s.price")] == [2.5, 3]


def test_what_postgresql_refuses_to_compute(database: Database) -> None:
    for sql, state in {
        "select 1 / 0": "division by zero; SQLState: 22012",
        "select 5 % (1 - 1)": "22012",
        "select 'a' ~ '('": "2201B",
    }.items():
        with pytest.raises(ClientError) as refused:
            database.sql(sql)
        assert state in message(refused)
    assert database.rows("select 1 / nullif(0, 0), 'Abc' ~ '^a', 'Abc' ~* '^a', 'abc' !~ 'x'") == [
        [None, False, True, True]
    ]


def test_json_arrays_and_dates_have_postgresqls_operators(database: Database) -> None:
    database.sql("create table t (id int primary key, doc jsonb, tags text[], due date)")
    database.sql("""insert into t values (1, '{"a": {"b": [1, 2]}, "c": null}', '{x,y}', '2026-01-31')""")
    computed = """select doc || '{"d": 1}', doc - 'a', doc #>> '{a,b,1}', doc ? 'c', jsonb_set(doc, '{c}', '2'),
        tags || 'z', array_length(tags, 1), array_to_string(tags, '-'), due - '2026-01-01'::date, due + 1,
        'y' <> all(tags), lpad(id::text, 3, '0'), regexp_replace('a1b2', '[0-9]', '<\\&>', 'g') from t"""
    (row,) = database.rows(computed)
    assert [json.loads(text) for text in (row[0], row[1], row[4])] == [
        {"a": {"b": [1, 2]}, "c": None, "d": 1},
        {"c": None},
        {"a": {"b": [1, 2]}, "c": 2},
    ]
    assert row[2:4] == ["2", True]
    assert row[5:] == [{"stringValues": ["x", "y", "z"]}, 2, "x-y", 30, "2026-02-01", False, "001", "a<1>b<2>"]


def test_tools_read_the_catalog(database: Database) -> None:
    database.sql("create type mood as enum ('ok')")
    database.sql(
        "create table t (id serial primary key, name varchar(9) not null, m mood, at timestamptz default now())"
    )
    columns = "select column_name, data_type, udt_name, is_nullable from information_schema.columns"
    assert database.rows(f"{columns} where columns.table_name = 't' order by ordinal_position") == [
        ["id", "integer", "int4", "NO"],
        ["name", "character varying", "varchar", "NO"],
        ["m", "USER-DEFINED", "mood", "YES"],
        ["at", "timestamp with time zone", "timestamptz", "YES"],
    ]
    found = database.rows("""
        select a.attname, typ.typname, pg_get_serial_sequence(quote_ident(ns.nspname) || '.' || quote_ident(c.relname),
            a.attname) from pg_catalog.pg_attribute as a
        inner join pg_catalog.pg_class as c on a.attrelid = c.oid
        inner join pg_namespace as ns on c.relnamespace = ns.oid
        inner join pg_catalog.pg_type as typ on a.atttypid = typ.oid
        where c.relkind in ('r', 'v') and ns.nspname !~ '^pg_' and a.attnum >= 0 order by a.attnum
    """)
    assert [row[:2] for row in found] == [["id", "int4"], ["name", "varchar"], ["m", "mood"], ["at", "timestamptz"]]
    assert [row[2] for row in found] == ["public.t_id_seq", None, None, None]
    beside = database.sql("select t.*, json_build_array(id) as j from t", includeResultMetadata=True)
    assert [one["typeName"] for one in beside["columnMetadata"]] == ["int4", "varchar", "mood", "timestamptz", "json"]


def test_mysql_has_its_own_statements(kumoi: KumoiAccount) -> None:
    database = Database(kumoi, "aurora-mysql")
    database.sql(
        "create table k (id int auto_increment primary key, n int unique, e enum('a', 'b') not null default 'a')"
    )
    database.sql("insert into k (n) values (1)")
    database.sql("insert ignore into k (n) values (1)")
    database.sql("replace into k (id, n, e) values (1, 2, 'b')")
    database.sql("insert into k set n = 3")
    database.sql("insert into k (n) values (3) as new on duplicate key update n = new.n + 1")
    assert database.rows("select n, e from k order by id") == [[2, "b"], [4, "a"]]
    with pytest.raises(ClientError) as refused:
        database.sql("update k set e = 'c'")
    assert "Data truncated for column 'e'" in message(refused)
    for sql in (
        "alter table k add column extra int not null default 7 after n",
        "alter table k change column extra more bigint",
        "alter table k modify column n bigint not null",
        "alter table k add index ix (more)",
        "alter table k drop index ix",
    ):
        database.sql(sql)
    assert database.rows("select more from k") == [[7], [7]]
    transaction = {"transactionId": database.data.begin_transaction(**database.place)["transactionId"]}
    made = database.sql("insert into k (n) values (9)", **transaction)["generatedFields"]
    assert database.rows("select last_insert_id()", **transaction) == [[made[0]["longValue"]]]
    place = {name: value for name, value in database.place.items() if name != "database"}
    database.data.commit_transaction(**place, **transaction)
    database.sql("create table own (id varchar(9) primary key)")
    assert database.sql("insert into own values ('x')")["generatedFields"] == []
    assert database.rows(
        "select year('2026-02-03'), timestampdiff(month, '2026-01-31', '2026-03-30'), field('b', 'a', 'b'),"
        " substring_index('a.b.c', '.', -1), json_unquote(json_extract('{\"a\": \"x\"}', '$.a')), truncate(1.29, 1),"
        " str_to_date('03/02/2026', '%d/%m/%Y'), json_length('[1, 2]'), dayname('2026-02-03')"
    ) == [[2026, 1, 2, "c", "x", 1.2, "2026-02-03", 2, "Tuesday"]]


def test_functions_that_give_rows(database: Database) -> None:
    database.sql("create table t (id int primary key, doc jsonb, tags text[])")
    database.sql(
        """insert into t values (1, '{"items": [{"a": 1}, {"a": "x"}], "k": "v"}', '{p,q}'), (2, '{}', '{}')"""
    )
    expected: dict[str, list[list[Any]]] = {
        "select id, item->>'a' from t, jsonb_array_elements(t.doc->'items') as item": [[1, "1"], [1, "x"]],
        "select t.id, e.value->'a' from t cross join lateral jsonb_array_elements(doc->'items') as e(value)": [
            [1, "1"],
            [1, '"x"'],
        ],
        "select id, unnest(tags) as tag from t where id = 1": [[1, "p"], [1, "q"]],
        "select x.n + 1 from unnest(array[1, 2]) as x(n)": [[2], [3]],
        "select jsonb_object_keys(doc) from t where id = 1 order by 1": [["items"], ["k"]],
        "select e.key, e.value from t, jsonb_each_text(doc) as e where id = 1 and e.key = 'k'": [["k", "v"]],
        "select n from generate_series(1, 7, 3) as n": [[1], [4], [7]],
        "select day::date from generate_series('2026-01-30'::date, '2026-02-01', interval '1 day') as day": [
            ["2026-01-30"],
            ["2026-01-31"],
            ["2026-02-01"],
        ],
        "select id from t where exists (select 1 from unnest(tags) as one where one = 'q')": [[1]],
        "select t.id, tag from t, unnest(tags) as tag where tag = 'p'": [[1, "p"]],
        "select * from unnest(array['a']) as one": [["a"]],
    }
    for sql, rows in expected.items():
        assert database.rows(sql) == rows, sql
    with pytest.raises(ClientError) as refused:
        database.rows("select n from generate_series(1, 2, 0) as n")
    assert "step size cannot equal zero" in message(refused)


def test_a_statement_that_fails_aborts_its_transaction(kumoi: KumoiAccount) -> None:
    for engine, aborts in (("aurora-postgresql", True), ("aurora-mysql", False)):
        database = Database(kumoi, engine)
        place = {name: database.place[name] for name in ("resourceArn", "secretArn")}
        database.sql("create table t (id int primary key)")
        transaction = {"transactionId": database.data.begin_transaction(**database.place)["transactionId"]}
        database.sql("insert into t values (1)", **transaction)
        database.sql("savepoint s", **transaction)
        with pytest.raises(ClientError):
            database.sql("insert into t values (1)", **transaction)
        if aborts:
            with pytest.raises(ClientError) as refused:
                database.sql("select 1", **transaction)
            assert "current transaction is aborted" in message(refused)
            assert "25P02" in message(refused)
        database.sql("rollback to savepoint s", **transaction)
        database.sql("insert into t values (2)", **transaction)
        with pytest.raises(ClientError):
            database.sql("insert into t values (2)", **transaction)
        if aborts:
            with pytest.raises(ClientError) as refused:
                database.data.commit_transaction(**place, **transaction)
            assert "25P02" in message(refused)
            assert database.rows("select * from t") == []
        else:
            database.data.commit_transaction(**place, **transaction)
            assert database.rows("select * from t") == [[1], [2]]


def test_columns_without_a_value_have_their_default(database: Database) -> None:
    database.sql('create extension if not exists "uuid-ossp"')
    database.sql("create table t (n int, at timestamptz default now(), u uuid default uuid_generate_v4())")
    database.sql("insert into t values (1), (2)")
    assert database.rows("select n, at is null, u is null from t order by n") == [[1, False, False], [2, False, False]]
    with pytest.raises(ClientError) as refused:
        database.sql("create extension postgis")
    assert 'extension "postgis" is not available' in message(refused)
