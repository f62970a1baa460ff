"""The executor against the one of the library for GraphQL: the same data, errors and nulls for whatever is asked."""

from __future__ import annotations

import asyncio
import random
import time
from threading import current_thread, main_thread
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    execute_sync,
    get_named_type,
    get_variable_values,
    is_abstract_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
    parse,
    validate,
)
from graphql.execution.values import VariableValues
from hypothesis import given, settings
from hypothesis import strategies as st

from kumoi.services.appsync.execution.bound import Bound, Parts
from kumoi.services.appsync.execution.compiler import Rules, program
from kumoi.services.appsync.execution.conflicts import Conflict, Merging
from kumoi.services.appsync.execution.documents import Document, read
from kumoi.services.appsync.execution.executor import Execution
from kumoi.services.appsync.execution.plans import Pending
from kumoi.services.appsync.execution.running import select
from kumoi.services.appsync.records import Api
from kumoi.services.appsync.resolving.field import Caller
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.schema.compiled import Compiled, compiled

OBJECTS = ("Query", "A", "B", "C")
LEAVES = ("Int", "String", "Boolean", "ID", "Float", "E")
ADD = "add(a: Int!, b: Int = 2)"
DEEPEST = 4
VARIABLES = ("$v: Int = 1", "$yes: Boolean!", "$no: Boolean = false")


def schema_of(rng: random.Random) -> str:
    """A schema of three types that refer to each other, an interface, a union and an enumeration."""

    def wrapped(name: str) -> str:
        pattern = rng.choice(["{}", "{}", "{}!", "[{}]", "[{}!]", "[{}!]!", "[{}]!", "[[{}!]]"])
        return pattern.format(name)

    common = {name: wrapped(rng.choice(LEAVES)) for name in ("p", "q")} | {"i": wrapped(rng.choice("ABCIU"))}
    text = ["enum E { X Y }", "union U = A | B | C", f"interface I {{ {_fields(common)} }}"]
    for name in OBJECTS:
        own = {field: wrapped(rng.choice([*LEAVES, *"ABCIU"])) for field in ("f", "g", "h", "k")}
        shared = common if name in "AB" else {}
        text.append(f"type {name}{' implements I' if shared else ''} {{ {_fields(shared | own)} {ADD}: Int }}")
    return "\n".join(text) + "\ntype Mutation { f: A g: A! h: [B!]! k: Int p: U " + ADD + ": Int! }"


def _fields(fields: dict[str, str]) -> str:
    return " ".join(f"{name}: {type_}" for name, type_ in fields.items())


class Asking:
    """Makes a query for a schema; with `loose` keys, fields that cannot be merged are frequent."""

    def __init__(self, schema: GraphQLSchema, rng: random.Random, loose: bool = False) -> None:
        self.schema = schema
        self.rng = rng
        self.loose = loose
        self.fragments: list[str] = []
        self.aliases = 0

    def query(self, operation: str = "query") -> str:
        root = "Query" if operation == "query" else "Mutation"
        body = self.selection(self.schema.type_map[root], 0)
        return conditioned(f"{operation} {body} {' '.join(self.fragments)}", self.rng)

    def selection(self, type_: Any, depth: int) -> str:
        parts = ["__typename"] if self.rng.random() < 0.4 else []
        for _ in range(self.rng.randint(1, 4)):
            parts.append(self.part(type_, depth))
        return "{ __typename " + " ".join(parts) + " }"

    def part(self, type_: Any, depth: int) -> str:
        choice = self.rng.random()
        if choice < 0.15 or not hasattr(type_, "fields"):
            possible = [one for one in "ABCI" if self.meets(type_, one)]
            if possible:
                name = self.rng.choice(possible)
                return f"... on {name} " + "%s" + self.selection(self.schema.type_map[name], depth)
            return "__typename"
        if choice < 0.25 and len(self.fragments) < 4:
            at, name = len(self.fragments), type_.name
            self.fragments.append("")
            self.fragments[at] = f"fragment F{at} on {name} {self.selection(type_, depth)}"
            return f"...F{at}"
        name, field = self.rng.choice(list(type_.fields.items()))
        inner = get_named_type(field.type)
        alias = self.alias(name)
        if name == "add":
            given = self.rng.choice(["a: 1", "a: $v", "a: $v, b: $v", "a: 2, b: null", "b: 1, a: 4"])
            return f"{alias or 'add'}: add({given})"
        shown = f"{alias}: {name}" if alias else name
        if is_object_type(inner) or is_abstract_type(inner):
            if depth >= DEEPEST:
                return "__typename"
            return f"{shown} " + "%s" + self.selection(inner, depth + 1)
        return shown

    def alias(self, name: str) -> str:
        if self.loose:
            return self.rng.choice(["", "", "z"])
        self.aliases += 1
        return self.rng.choice(["", f"{name}{self.aliases}", f"{name}{self.aliases // 4}"])

    def meets(self, type_: Any, name: str) -> bool:
        other = self.schema.type_map[name]
        possible = self.schema.get_possible_types
        mine = {one.name for one in (possible(type_) if is_abstract_type(type_) else [type_])}
        return not mine.isdisjoint(one.name for one in (possible(other) if is_abstract_type(other) else [other]))


def conditioned(text: str, rng: random.Random) -> str:
    """The query with conditions where one may stand, and the variables that it uses declared."""
    while "%s" in text:
        choice = rng.choice(
            ["", "", "", "@include(if: $yes) ", "@skip(if: $no) ", "@skip(if: true) ", "@include(if: $no) "]
        )
        text = text.replace("%s", choice, 1)
    used = [one for one in VARIABLES if one.partition(":")[0] in text]
    operation, _, rest = text.partition(" ")
    return f"{operation} ({', '.join(used)}) {rest}" if used else text


class Outcomes:
    """What fields come to: the same for the same field of the same object."""

    def __init__(self, schema: GraphQLSchema, seed: int, resolved: set[tuple[str, str]]) -> None:
        self.schema = schema
        self.seed = seed
        self.resolved = resolved

    def of(self, type_name: str, field: str, source: Any, arguments: dict[str, Any]) -> Any:
        if field == "add":
            return arguments["a"] + (arguments["b"] or 0)
        place = source.get("at", "") if isinstance(source, dict) else ""
        rng = random.Random(f"{self.seed}/{place}/{type_name}.{field}")
        if rng.random() < 0.12:
            raise FieldError(f"no {field}", "Mine")
        return self.value(self._type(type_name).fields[field].type, rng, f"{place}/{field}", 3)

    def _type(self, name: str) -> Any:
        return self.schema.type_map[name]

    def value(self, type_: Any, rng: random.Random, at: str, depth: int) -> Any:
        if is_non_null_type(type_):
            return self.value(type_.of_type, rng, at, depth)
        if rng.random() < 0.08:
            return None
        if is_list_type(type_):
            if rng.random() < 0.05:
                return 5
            return [self.value(type_.of_type, rng, f"{at}/{n}", depth) for n in range(rng.randint(0, 3))]
        if is_enum_type(type_):
            return rng.choice(["X", "Y", "Y", "Z"])
        if type_.name in LEAVES:
            good = {"Int": rng.randint(-9, 9), "Float": 1.5, "String": "s", "ID": "i", "Boolean": rng.random() < 0.5}
            return {} if type_.name in ("Int", "Boolean", "Float") and rng.random() < 0.06 else good[type_.name]
        if depth == 0:
            return None
        name = type_.name
        if is_abstract_type(type_):
            name = rng.choice([one.name for one in self.schema.get_possible_types(type_)])
        made: dict[str, Any] = {
            "__typename": rng.choice([name] * 20 + ["Query"]) if name != type_.name else name,
            "at": at,
        }
        for field, definition in self._type(name).fields.items():
            if (name, field) not in self.resolved:
                made[field] = self.value(definition.type, rng, f"{at}/{field}", depth - 1)
        return made


def ours(found: Compiled, document: Document, variables: dict[str, Any], outcomes: Outcomes) -> tuple[Any, list[Any]]:
    operation = document.operations[0]
    values = get_variable_values(found.schema, operation.node.variable_definitions or (), variables)
    assert isinstance(values, VariableValues)
    flags = {name: values.coerced[name] is True for name in operation.conditions}
    rules = Rules({place: place for place in outcomes.resolved})
    made = program(found.schema, operation.node, document.fragments, flags, rules)
    rng = random.Random(outcomes.seed)

    async def one(pending: Pending, _siblings: Any) -> Any:
        for _ in range(rng.randint(0, 3)):
            await asyncio.sleep(0)
        field = pending.field
        return outcomes.of(field.parent, field.name, pending.source, field.arguments(values))

    execution = Execution(one, lambda _pending: rng.randint(1, 4))
    data = asyncio.run(execution.run(made, None))
    return data, [tuple(error["path"]) for error in execution.errors]


def theirs(schema: GraphQLSchema, text: str, variables: dict[str, Any], outcomes: Outcomes) -> tuple[Any, list[Any]]:
    def field(source: Any, info: Any, **arguments: Any) -> Any:
        name = info.parent_type.name
        if (name, info.field_name) in outcomes.resolved:
            return outcomes.of(name, info.field_name, source, arguments)
        return source.get(info.field_name) if isinstance(source, dict) else None

    result = execute_sync(
        schema, parse(text), None, None, variables, None, field, lambda value, _info, _type: value["__typename"]
    )
    return result.data, [tuple(error.path or ()) for error in result.errors or ()]


def below_null(data: Any, path: tuple[str | int, ...]) -> bool:
    """Whether a path ends above its end: something on the way is null."""
    for step in path[:-1]:
        data = data[step] if data is not None else None
    return data is None


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_it_answers_as_the_library_does(seed: int) -> None:
    rng = random.Random(seed)
    found = compiled(schema_of(rng))
    asking = Asking(found.schema, rng)
    text = asking.query(rng.choice(["query", "query", "mutation"]))
    document = read(found, text)
    if document.errors:
        return
    variables: dict[str, Any] = {"yes": rng.random() < 0.5, **rng.choice([{}, {"v": 7}, {"v": None}, {"no": True}])}
    everywhere = [(name, field) for name in (*OBJECTS, "Mutation") for field in found.schema.type_map[name].fields]  # type: ignore[attr-defined]
    resolved = {
        place for place in everywhere if place[1] == "add" or place[0] in ("Query", "Mutation") or rng.random() < 0.4
    }
    outcomes = Outcomes(found.schema, seed, resolved)
    with pytest.MonkeyPatch.context() as patch:
        if seed % 2:  # read all objects as those are that are met often
            patch.setattr("kumoi.services.appsync.execution.plans.OFTEN", 1)
        data, errors = ours(found, document, variables, outcomes)
    expected, some = theirs(found.schema, text, variables, outcomes)
    assert data == expected, text
    assert _ordered(data) == _ordered(expected), text
    assert set(some) <= set(errors), text
    for path in set(errors) - set(some):
        assert below_null(data, path), (text, path)
    assert len(errors) == len(set(errors))


def _ordered(data: Any) -> Any:
    if isinstance(data, dict):
        return [(key, _ordered(value)) for key, value in data.items()]
    return [_ordered(one) for one in data] if isinstance(data, list) else data


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_it_finds_the_conflicts_that_the_library_finds(seed: int) -> None:
    rng = random.Random(seed)
    schema = build_schema(schema_of(rng))
    text = Asking(schema, rng, loose=True).query()
    node = parse(text)
    try:
        document = [one for one in node.definitions if one.kind == "operation_definition"]
        fragments = {one.name.value: one for one in node.definitions if one.kind == "fragment_definition"}  # type: ignore[attr-defined]
        Merging(schema, fragments).check(schema.query_type, document[0].selection_set)  # type: ignore[arg-type, attr-defined]
        conflict = False
    except Conflict:
        conflict = True
    assert conflict is bool(validate(schema, node, [OverlappingFieldsCanBeMergedRule])), text


SDL = """
type Query { a: A }
type Mutation { a: A }
type Subscription { on(id: ID): A }
type A { id: ID! n: Int a: A list: [A!] }
"""


@pytest.fixture(scope="module")
def found() -> Compiled:
    return compiled(SDL)


def test_lists_of_objects_with_unusual_members(found: Compiled) -> None:
    document = read(found, "subscription { on { kind: __typename list { id n } } }")
    usual: list[Any] = [{"id": f"{n}", "n": n} for n in range(100)]
    given = [*usual, {"id": 7, "n": None}, {"id": "x"}, {"id": "y", "n": 2**31}, {"id": "z", "n": "5", "more": 1}]
    answer = asyncio.run(select(found, document, document.operations[0], {}, {"on": {"list": given}}))
    expected = [*usual, {"id": "7", "n": None}, {"id": "x", "n": None}, {"id": "y", "n": None}, {"id": "z", "n": 5}]
    assert answer["data"] == {"on": {"kind": "A", "list": expected}}
    assert [error["path"] for error in answer["errors"]] == [["on", "list", 102, "n"]]
    for unfit in ({"n": 1}, None, "text"):
        answer = asyncio.run(select(found, document, document.operations[0], {}, {"on": {"list": [*usual, unfit]}}))
        assert answer["data"] == {"on": {"kind": "A", "list": None}}
        assert answer["errors"][0]["path"][:3] == ["on", "list", 100]


def test_a_selection_over_a_value_that_is_there(found: Compiled) -> None:
    document = read(found, "subscription($i: ID) { x: on(id: $i) { id a { n } } }")
    value = {"on": {"id": 1, "a": {"n": "5"}}}
    answer = asyncio.run(select(found, document, document.operations[0], {"i": "1"}, value))
    assert answer == {"data": {"x": {"id": "1", "a": {"n": 5}}}}
    answer = asyncio.run(select(found, document, document.operations[0], {}, {"on": {}}))
    assert answer["data"] == {"x": None}
    assert answer["errors"][0][
        "message"
    ] == "Cannot return null for non-nullable type: 'ID' within parent 'A' (/on/id)".replace("/on", "/x")


def nested(levels: int) -> str:
    fragments = "".join(f"fragment F{n} on A {{ a {{ ...F{n + 1} }} list {{ ...F{n + 1} }} }} " for n in range(levels))
    return f"{{ a {{ ...F0 }} }} {fragments} fragment F{levels} on A {{ n }}"


def words(length: int) -> str:
    """Fragments of which each word of `a` and `list` comes to another set."""

    def step(key: str, level: int, place: int, bit: int, new: int) -> str:
        return f"{key} {{ ...F{level + 1}_{place}_{bit} ...F{level + 1}_{level}_{new} }}"

    fragments = [
        f"fragment F{level}_{place}_{bit} on A {{ "
        + ("n" if level == length else step("a", level, place, bit, 0) + step("list", level, place, bit, 1))
        + " }"
        for level in range(1, length + 1)
        for place in range(level)
        for bit in (0, 1)
    ]
    return f"{{ a {{ ...F1_0_0 ...F1_0_1 }} }} {' '.join(fragments)}"


BOMBS = {
    "one field many times": "{" + "a { n } " * 3_500 + "}",
    "many aliases": "{ a {" + " ".join(f"n{n}: n" for n in range(4_900)) + "} }",
    "fragments that hold two more": nested(60),
    "many fragments of one field": "{"
    + " ".join(f"...F{n}" for n in range(900))
    + "}"
    + " ".join(f"fragment F{n} on Query {{ a {{ n }} }}" for n in range(900)),
    "many operations of many fragments": " ".join(f"query Q{n} {{ ...F0 }}" for n in range(900))
    + f"fragment F0 on Query {{ {' '.join(f'...F{n}' for n in range(1, 500))} }}"
    + " ".join(f"fragment F{n} on Query {{ a {{ n }} }}" for n in range(1, 500)),
    "sets of sets": words(18),
    "many wrong fields": "{" + " ".join(f"wrong{n}" for n in range(7_000)) + "}",
    "arguments": "{ a { " + "id(x: 1) " * 2_000 + "} }",
}


WRONG = ("many wrong fields", "arguments")
TOO_COMPLEX = "sets of sets", "many operations of many fragments"


@pytest.mark.parametrize("name", list(BOMBS))
def test_hostile_queries_cost_little(found: Compiled, name: str) -> None:
    began = time.thread_time()
    document = read(found, BOMBS[name])
    assert time.thread_time() - began < 5, name
    told = [error["message"] for error in document.errors]
    if name in WRONG:
        assert len(told) == 101 and told[0].startswith("Validation error of type ")
    elif name in TOO_COMPLEX:
        assert told == ["The query is too complex: its fragments overlap in too many ways."]
    else:
        assert document.operations and not told


@pytest.mark.parametrize(
    ("text", "began", "data"),
    [
        ("{ f k }", ["f", "k", "f done", "k done"], {"f": None, "k": 1}),
        ("mutation { f k }", ["f", "f done", "k", "k done"], {"f": None, "k": 1}),
        ("mutation { f g k }", ["f", "f done", "g", "g done"], None),
    ],
)
def test_the_fields_of_mutations_go_one_after_another(text: str, began: list[str], data: Any) -> None:
    found = compiled("type Query { f: Int k: Int } type Mutation { f: Int g: Int! k: Int }")
    document = read(found, text)
    everywhere = {(kind, field): True for kind in ("Query", "Mutation") for field in "fgk"}
    operation = document.operations[0]
    made = program(found.schema, operation.node, document.fragments, {}, Rules(everywhere))
    seen: list[str] = []

    async def one(field: str) -> Any:
        seen.append(field)
        await asyncio.sleep(0)
        seen.append(f"{field} done")
        return 1 if field == "k" else None

    execution = Execution(lambda pending, _siblings: one(pending.field.name), lambda _pending: 1)
    assert asyncio.run(execution.run(made, None)) == data
    assert seen == began


def test_a_program_is_for_those_who_are_denied_the_same() -> None:
    api = Api(id="a", created=0.0, properties={"authenticationType": "AWS_LAMBDA"})
    found = compiled("type Query { hello: String }")
    bound = Bound(Parts(api, None, None, {}), found, {})
    document = read(found, "{ hello }")
    made = [
        asyncio.run(bound.program(document, document.operations[0], {}, Caller("AWS_LAMBDA", denied=frozenset(denied))))
        for denied in ((), ("Query.hello",), ())
    ]
    assert made[0] is made[2] is not made[1]


@pytest.mark.parametrize(("fields", "aside"), [(1, False), (1_000, True)])
def test_long_queries_are_compiled_on_a_thread(fields: int, aside: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(id="a", created=0.0, properties={"authenticationType": "AWS_LAMBDA"})
    found = compiled("type Query { hello: String }")
    bound = Bound(Parts(api, None, None, {}), found, {})
    document = read(found, f"{{ {' '.join(f'f{number}: hello' for number in range(fields))} }}")
    where: list[bool] = []
    made = bound._made
    monkeypatch.setattr(
        bound, "_made", lambda *parts: (where.append(current_thread() is not main_thread()), made(*parts))[1]
    )
    asyncio.run(bound.program(document, document.operations[0], {}, Caller("AWS_LAMBDA")))
    assert where == [aside]
