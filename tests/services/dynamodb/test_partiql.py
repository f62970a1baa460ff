"""PartiQL statements through boto3. Texts of errors are those that AWS answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

MALFORMED = "Statement wasn't well formed, can't be processed: "


@pytest.fixture
def run(client: Any) -> Callable[..., list[Any]]:
    """Execute a statement with parameters; its items."""

    def execute(statement: str, *parameters: Any, **options: Any) -> list[Any]:
        if parameters:
            options["Parameters"] = list(parameters)
        return client.execute_statement(Statement=statement, **options)["Items"]

    return execute


@pytest.fixture
def refused(run: Any) -> Callable[..., tuple[str, str]]:
    """Execute a statement that must fail; the error's code and message."""

    def execute(statement: str, *parameters: Any, **options: Any) -> tuple[str, str]:
        with pytest.raises(ClientError) as error:
            run(statement, *parameters, **options)
        return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]

    return execute


@pytest.fixture
def orders(make: Any, run: Any) -> None:
    """Three customers' orders, with an index by status of which the amounts are part."""
    make(
        "orders",
        range="sk:N",
        gsi={"by-status": ("status:S",)},
        projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount"]},
    )
    for customer in ("ann", "bob", "cem"):
        for number in range(1, 5):
            run(
                "INSERT INTO orders VALUE {'pk': ?, 'sk': ?, 'amount': ?, 'status': 'open', 'to': {'town': 'Ulm'}}",
                {"S": customer},
                {"N": str(number)},
                {"N": str(number * 10)},
            )


def numbers(items: list[Any]) -> list[str]:
    return [item["sk"]["N"] for item in items]


def test_insert_select_update_delete(make: Any, run: Any, refused: Any) -> None:
    make("things")
    run(
        'INSERT INTO "things" VALUE '
        "{'pk': 'it''s', 'n': 1.50, 'l': [1, 'a', NULL, true], 's': <<'x', 'y'>>, 'no': MISSING}"
    )
    (item,) = run("SELECT * FROM things WHERE pk = 'it''s'")
    assert item["n"] == {"N": "1.5"}
    assert item["l"] == {"L": [{"N": "1"}, {"S": "a"}, {"NULL": True}, {"BOOL": True}]}
    assert sorted(item["s"]["SS"]) == ["x", "y"]
    assert "no" not in item
    assert refused("INSERT INTO things VALUE {'pk': 'it''s'}") == (
        "DuplicateItemException",
        "Duplicate primary key exists in table",
    )
    changed = run(
        "UPDATE things SET n = n + 1 SET l = list_append(l, ['b']), m = ? REMOVE s WHERE pk = ? RETURNING ALL NEW *",
        {"M": {"x": {"N": "1"}}},
        {"S": "it's"},
    )
    assert changed[0]["n"] == {"N": "2.5"}
    assert changed[0]["l"]["L"][-1] == {"S": "b"}
    assert changed[0]["m"] == {"M": {"x": {"N": "1"}}}
    assert "s" not in changed[0]
    assert run("UPDATE things SET n = 9 WHERE pk = 'it''s' RETURNING MODIFIED OLD *") == [{"n": {"N": "2.5"}}]
    assert run("UPDATE things REMOVE n WHERE pk = 'it''s' RETURNING MODIFIED NEW *") == []
    assert refused("UPDATE things SET n = 1 WHERE pk = 'nobody'")[0] == "ConditionalCheckFailedException"
    assert run("DELETE FROM things WHERE pk = 'it''s' AND m.x = 1 RETURNING ALL OLD *")[0]["m"] == {
        "M": {"x": {"N": "1"}}
    }
    assert run("DELETE FROM things WHERE pk = 'it''s'") == []
    assert run("SELECT * FROM things") == []


def test_sets_are_added_to_and_deleted_from(make: Any, run: Any, refused: Any) -> None:
    make("things")
    run("INSERT INTO things VALUE {'pk': 'a', 's': <<1, 2>>}")
    (item,) = run("UPDATE things SET s = set_add(s, <<2, 3>>) WHERE pk = 'a' RETURNING ALL NEW *")
    assert sorted(item["s"]["NS"]) == ["1", "2", "3"]
    (item,) = run("UPDATE things SET s = set_delete(s, ?) WHERE pk = 'a' RETURNING ALL NEW *", {"NS": ["1"]})
    assert sorted(item["s"]["NS"]) == ["2", "3"]
    assert refused("UPDATE things SET s = set_add(r, <<1>>) WHERE pk = 'a'")[1] == (
        "The first argument to SET_ADD must equal the assignment value"
    )
    assert refused("UPDATE things SET s = set_add(s, 1) WHERE pk = 'a'")[1] == (
        "The second argument to SET_ADD must be a value with type SET"
    )


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("pk = 'ann'", "1234"),
        ("'ann' = pk and sk > 2", "34"),
        ("pk = 'ann' AND sk >= 2 AND sk < 4", "23"),
        ("pk = 'ann' AND sk BETWEEN 2 AND 3", "23"),
        ("pk = 'ann' AND amount > 20 AND amount <> 40", "3"),
        ("pk = 'ann' AND sk IN [1, 4, 9]", "14"),
        ("pk = 'ann' AND NOT sk = 1", "234"),
        ("pk = 'ann' AND (sk = 1 OR amount = 40)", "14"),
        ("pk = 'ann' AND sk = 2 OR pk = 'bob' AND sk = 3", "23"),
        ("pk = 'ann' AND NOT sk = 1 OR pk = 'ann' AND sk = 2", "234"),
        ("pk = 'ann' AND sk = 1 OR pk = 'ann' AND sk <> 1 AND sk < 4 OR pk = 'bob' AND sk = 4", "1234"),
        ("pk = 'ann' AND sk = 1 OR pk = 'ann' AND sk > 3 OR pk = 'ann' AND NOT sk IN [1, 2, 3]", "14"),
        ("pk = 'ann' OR pk = 'ann' AND NOT sk > 5", "1234"),
        ("pk IN ['ann', 'nobody'] AND sk = 2", "2"),
        ("pk = 'ann' AND \"to\".town = 'Ulm' AND begins_with(status, 'op')", "1234"),
        ("pk = 'ann' AND contains(status, 'pe') AND size(status) = 4", "1234"),
        ("pk = 'ann' AND attribute_type(amount, 'N') AND nothing IS MISSING", "1234"),
        ("pk = 'ann' AND amount IS NULL", ""),
        ("pk = 'ann' AND amount IS NOT MISSING AND amount IS NOT NULL AND sk != 1", "234"),
        ("pk = 'ann' AND nothing = MISSING AND amount NOT BETWEEN 10 AND 30", "4"),
        ("pk = 'cem' ORDER BY sk DESC", "4321"),
        ("pk IN ['ann', 'bob'] AND sk < 3 ORDER BY pk DESC, sk ASC", "1212"),
    ],
)
def test_what_a_select_finds(run: Any, where: str, expected: str) -> None:
    assert "".join(numbers(run(f"SELECT * FROM orders WHERE {where}"))) == expected


@pytest.mark.usefixtures("orders")
def test_a_select_reads_partitions_and_not_the_table(client: Any) -> None:
    def units(statement: str) -> Any:
        return client.execute_statement(Statement=statement, ReturnConsumedCapacity="INDEXES")["ConsumedCapacity"]

    assert units("SELECT * FROM orders WHERE pk = 'ann' AND sk = 1")["CapacityUnits"] == 0.5
    by_index = units('SELECT * FROM "orders"."by-status" WHERE status = \'open\'')
    assert by_index["Table"]["CapacityUnits"] == 0.0
    assert by_index["GlobalSecondaryIndexes"]["by-status"]["CapacityUnits"] == 0.5


@pytest.mark.usefixtures("orders")
def test_columns_are_named_for_the_last_step_of_their_paths(run: Any) -> None:
    assert run("SELECT sk, \"to\".town, nothing FROM orders WHERE pk = 'ann' AND sk = 1") == [
        {"sk": {"N": "1"}, "town": {"S": "Ulm"}}
    ]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM orders",
        "SELECT pk, sk FROM orders WHERE pk = 'bob' ORDER BY sk DESC",
        "SELECT pk, sk FROM orders WHERE pk IN ['ann', 'cem'] AND amount > 10",
        'SELECT pk, sk FROM "orders"."by-status" WHERE status = \'open\'',
    ],
)
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_put_together_are_the_whole(client: Any, run: Any, statement: str, limit: int) -> None:
    found: list[Any] = []
    token: dict[str, str] = {}
    while True:
        page = client.execute_statement(Statement=statement, Limit=limit, **token)
        assert len(page["Items"]) <= limit
        found += page["Items"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert found == run(statement)
    assert len(found) >= 4


@pytest.mark.usefixtures("orders")
def test_a_token_is_good_for_its_statement_only(client: Any, refused: Any) -> None:
    token = client.execute_statement(Statement="SELECT * FROM orders", Limit=1)["NextToken"]
    for other in (token, "garbage", token[:-4] + "AAAA"):
        assert refused("SELECT pk FROM orders", NextToken=other) == (
            "ValidationException",
            "NextToken does not match request",
        )


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SLECT * FROM orders", MALFORMED + "Expected data manipulation"),
        ("SELECT * FROM orders WHERE pk = 'a' foo", MALFORMED + "Unexpected token after expression"),
        ("SELECT * FROM orders WHERE", MALFORMED + "Unexpected term"),
        (
            "SELECT * FROM orders WHERE pk = 'p1' AND",
            MALFORMED + "Missing right-hand side expression of infix operator",
        ),
        ("SELECT * FROM orders WHERE ORDER BY pk", MALFORMED + "Unexpected keyword"),
        ("SELECT * FROM orders WHERE IS NULL", MALFORMED + "Unexpected operator"),
        ("SELECT * FROM orders WHERE pk = 'a' AND x IS FOO", MALFORMED + "Expected type name"),
        ("SELECT * FROM orders WHERE sk = 1e2147483648", MALFORMED),
        ("SELECT * FROM orders WHERE pk = 'a' # note", MALFORMED),
        ("SELECT * FROM orders WHERE pk = 'a' /* note", MALFORMED),
        ('SELECT * FROM "orders', MALFORMED),
        ("DELETE FROM", MALFORMED + "Expected identifier for simple path"),
        ("SELECT * FROM", MALFORMED + "Unexpected term"),
        ("SELECT * FROM orders t WHERE pk = 'x'", "Aliasing is not supported"),
        ("INSERT INTO orders t VALUE {'pk': 'x'}", MALFORMED + "Unexpected token after expression"),
        ("SELECT COUNT(*) FROM orders", "Unexpected path component at 1:8:5"),
        ("SELECT pk, pk FROM orders", "Duplicate identifiers in select clause: pk"),
        ("SELECT * FROM a.b.c", "A path may contain at most 2 components in the FROM clause"),
        ('SELECT * FROM ""', "Path component cannot be an empty string"),
        ('SELECT * FROM "orders"."none"', "The table does not have the specified index"),
        ("SELECT * FROM orders ORDER BY sk", "Must have WHERE clause in the statement when using ORDER BY clause."),
        (
            "SELECT * FROM orders WHERE amount = 1 ORDER BY sk",
            "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
        ),
        (
            "SELECT * FROM orders WHERE pk = 'ann' ORDER BY amount",
            "Variable reference amount in ORDER BY clause must be part of the primary key",
        ),
        (
            "SELECT * FROM orders WHERE pk IN ['ann', 'bob'] ORDER BY sk",
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
        ),
        (
            "SELECT * FROM orders WHERE pk = 'a' AND x = 1 OR pk = 'a' AND sk = 2",
            "Overlapping conditions with range keys are not supported in where clause",
        ),
        (
            "SELECT * FROM orders WHERE pk = 1",
            "Key attribute's data type should match its data type in table's schema",
        ),
        (
            "SELECT * FROM orders WHERE pk = 'a' AND x < true",
            "Incorrect operand type for operator or function; operator or function: <, operand type: BOOL",
        ),
        ("SELECT * FROM orders WHERE shout(pk) = 'A'", "Unrecognized function: shout"),
        ("SELECT * FROM orders WHERE pk = ?", "Number of parameters in request and statement don't match."),
        (
            'SELECT pk FROM "orders"."by-status" WHERE status = \'open\' AND "to".town = \'Ulm\'',
            "One or more parameter values were invalid: Secondary index by-status does not project one or more "
            "filter attributes: [to]",
        ),
        (
            'SELECT "to" FROM "orders"."by-status" WHERE status = \'open\'',
            "One or more parameter values were invalid: Global secondary index by-status does not project [to]",
        ),
        (
            "UPDATE orders SET a = 1 WHERE pk = 'ann'",
            "Where clause does not contain a mandatory equality on all key attributes",
        ),
        ("FROM orders SET a = 1", "Where clause does not contain a mandatory equality on all key attributes"),
        (
            "DELETE FROM orders WHERE pk = 'ann' AND sk = 1 RETURNING ALL NEW *",
            "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
        ),
        (
            "INSERT INTO orders VALUE {'pk': 'x', 'sk': 1, 'm': {'x': [1, 1e126]}}",
            "Number overflow. Attempting to store a number with magnitude larger than supported range under root.x[1]",
        ),
        (
            "UPDATE orders SET sk = 2 WHERE pk = 'ann' AND sk = 1",
            "One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key",
        ),
    ],
)
def test_refused_statements(refused: Any, statement: str, message: str) -> None:
    assert refused(statement) == ("ValidationException", message)


def test_a_table_that_is_not_there(refused: Any) -> None:
    assert refused("SELECT * FROM nowhere WHERE pk = 'x'") == (
        "ResourceNotFoundException",
        "Requested resource not found",
    )


@pytest.mark.usefixtures("orders")
def test_garbage_is_refused_and_never_fails(refused: Any) -> None:
    text = "SELECT * FROM orders WHERE pk = 'ann' AND ( sk IN [1, ?] OR NOT size(x) BETWEEN <<1>> AND {'a': 1} )"
    words = text.split()
    for length in range(1, len(words)):
        assert refused(" ".join(words[length:]))[0] == "ValidationException"
    for deep in ("(" * 500 + "pk", "NOT " * 500 + "pk = 1", "pk = " + "[" * 500, " OR ".join(["x = 1"] * 1000)):
        assert refused(f"SELECT * FROM orders WHERE {deep}")[0] == "ValidationException"


@pytest.mark.usefixtures("orders")
def test_a_batch_answers_for_each_statement(client: Any) -> None:
    responses = client.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT sk FROM orders WHERE pk = 'ann' AND sk = 1"},
            {"Statement": "SELECT * FROM orders WHERE pk = 'ann'"},
            {"Statement": "SELECT * FROM nowhere WHERE pk = 'ann'"},
            {"Statement": "SLECT"},
            {"Statement": "SELECT * FROM orders WHERE pk = ? AND sk = 9", "Parameters": [{"S": "ann"}]},
        ]
    )["Responses"]
    assert responses[0] == {"TableName": "orders", "Item": {"sk": {"N": "1"}}}
    assert responses[1]["Error"] == {
        "Code": "ValidationError",
        "Message": "Select statements within BatchExecuteStatement must specify the primary key in the where clause.",
    }
    assert responses[2]["Error"]["Code"] == "ResourceNotFound"
    assert responses[3]["Error"]["Code"] == "ValidationError"
    assert responses[4] == {"TableName": "orders"}
    responses = client.batch_execute_statement(
        Statements=[
            {"Statement": "INSERT INTO orders VALUE {'pk': 'ann', 'sk': 1}"},
            {"Statement": "UPDATE orders SET amount = 1 WHERE pk = 'ann' AND sk = 2 RETURNING MODIFIED OLD *"},
            {
                "Statement": "DELETE FROM orders WHERE pk = 'ann' AND sk = 3 AND amount = 1",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            },
        ]
    )["Responses"]
    assert responses[0]["Error"]["Code"] == "DuplicateItem"
    assert responses[1] == {"TableName": "orders", "Item": {"amount": {"N": "20"}}}
    assert (responses[2]["Error"]["Code"], responses[2]["Error"]["Item"]["sk"]) == (
        "ConditionalCheckFailed",
        {"N": "3"},
    )


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ["SELECT * FROM orders WHERE pk = 'a' AND sk = 1", "DELETE FROM orders WHERE pk = 'a' AND sk = 2"],
            "Read and write requests together in the same batch is not supported.",
        ),
        (["DELETE FROM orders WHERE pk = 'a' AND sk = 1"] * 2, "Provided list of item keys contains duplicates"),
    ],
)
def test_a_batch_that_is_refused(client: Any, statements: list[str], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        client.batch_execute_statement(Statements=[{"Statement": one} for one in statements])


@pytest.mark.usefixtures("orders")
def test_a_transaction_is_made_as_a_whole(client: Any, run: Any) -> None:
    def transact(*statements: str, **options: Any) -> Any:
        return client.execute_transaction(TransactStatements=[{"Statement": one} for one in statements], **options)

    check = "EXISTS(SELECT * FROM orders WHERE pk = 'ann' AND sk = 1 AND amount = {})"
    bill = "UPDATE orders SET amount = amount + 1 WHERE pk = 'ann' AND sk = 2"
    with pytest.raises(ClientError) as error:
        transact(check.format(11), bill, "INSERT INTO orders VALUE {'pk': 'bob', 'sk': 1}")
    reasons = [reason["Code"] for reason in error.value.response["CancellationReasons"]]
    assert reasons == ["ConditionalCheckFailed", "None", "DuplicateItem"]
    for _ in range(2):
        answer = transact(check.format(10), bill, ClientRequestToken="once", ReturnConsumedCapacity="TOTAL")
    assert answer["Responses"] == []
    assert answer["ConsumedCapacity"][0]["ReadCapacityUnits"] == 4.0
    one = "SELECT amount FROM orders WHERE pk = 'ann' AND sk = {}"
    assert transact(one.format(2), one.format(9))["Responses"] == [{"Item": {"amount": {"N": "21"}}}, {}]
    with pytest.raises(ClientError, match="does not support both read and write operations in the same request"):
        transact(one.format(1), bill)
    prefix = r"Validation failed in TransactStatements\[0\]: "
    for statement, message in (
        (bill + " RETURNING ALL NEW *", "RETURNING clause is not supported in ExecuteTransaction."),
        ('SELECT * FROM "orders"."by-status" WHERE status = \'open\'', "Reads on indices are not supported"),
        ("SELECT * FROM orders WHERE", "Statement wasn't well formed"),
        ("SELECT * FROM orders WHERE pk = 'ann'", "Select statements within ExecuteTransaction must specify"),
    ):
        with pytest.raises(ClientError, match=prefix + message):
            transact(statement)
