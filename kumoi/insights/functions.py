"""The functions of queries, each as SQL over the SQL of its arguments.

Names are matched without regard to case. Arguments that must be known when the query is read (periods, patterns,
subnets) are taken from the syntax. Source: "Boolean, comparison, numeric, datetime, and other functions".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from kumoi.insights import regexes
from kumoi.insights.syntax import Call, Expression, Malformed, Period, Text
from kumoi.insights.values import (
    NOTHING,
    Expr,
    Kind,
    as_json,
    as_number,
    as_text,
    as_time,
    as_truth,
    ceil_to,
    floor_to,
    number,
    text,
    time,
    truth,
)


class Scope(Protocol):
    """What a function asks of the place where it stands."""

    bin_offset: Period | None

    @property
    def now(self) -> int:
        """The platform's time (epoch ms)."""
        ...

    def expression(self, expression: Expression) -> Expr:
        """An argument as SQL."""
        ...

    def parameter(self, value: str) -> str:
        """A text as a parameter of the statement."""
        ...

    def moment(self) -> str:
        """The record's own time."""
        ...

    def most(self) -> str:
        """How long a text may be that grows here."""
        ...


Compile = Callable[[Scope, Call], Expr]


class Function(NamedTuple):
    """How many arguments it takes, and what it is in SQL."""

    least: int
    most: int
    compile: Compile


def compiled(scope: Scope, call: Call) -> Expr:
    """A call as SQL; Malformed when there is no such function, or its arguments are wrong."""
    function = FUNCTIONS.get(call.function)
    if function is None:
        raise Malformed(f"unknown function {call.function}", call.start, call.end)
    if not function.least <= len(call.arguments) <= function.most:
        raise Malformed(f"Invalid arguments for function {call.function}", call.start, call.end)
    return function.compile(scope, call)


def period(call: Call, at: int) -> Period:
    """An argument that must be a period."""
    argument = call.arguments[at]
    if not isinstance(argument, Period):
        raise Malformed(f"Invalid time period in function {call.function}", call.start, call.end)
    return argument


def constant(call: Call, at: int) -> str:
    """An argument that must be a quoted text."""
    argument = call.arguments[at]
    if not isinstance(argument, Text):
        raise Malformed(f"Invalid arguments for function {call.function}: a text is needed", call.start, call.end)
    return argument.value


def _numbers(template: str) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        return number(template.format(*(as_number(scope.expression(one)) for one in call.arguments)))

    return compile_


def _texts(template: str, make: Callable[[str], Expr] = text) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        return make(template.format(*(as_text(scope.expression(one)) for one in call.arguments)))

    return compile_


def _tests(template: str) -> Compile:
    return _texts(f"coalesce({template}, false)", truth)


def _growing(template: str) -> Compile:
    """A text that grows with each use: what it is made of is cut, so that a query cannot fill the memory."""

    def compile_(scope: Scope, call: Call) -> Expr:
        return text(template.format(_cut(scope.expression(call.arguments[0]), scope.most())))

    return compile_


def _cut(value: Expr, most: str) -> str:
    return f"substr({as_text(value)}, 1, {most})"


def _concat(scope: Scope, call: Call) -> Expr:
    """Arguments that can be long share what there is room for."""
    values = [(isinstance(one, Text), scope.expression(one)) for one in call.arguments]
    share = sum(not written and value.kind in (Kind.TEXT, Kind.JSON) for written, value in values)
    most = f"{scope.most()} // {max(share, 1)}"
    parts = [as_text(value) if written else _cut(value, most) for written, value in values]
    return text(f"concat({', '.join(parts)})")


def _replaced(scope: Scope, call: Call, template: str) -> Expr:
    """A text with replacements. Where it would get too long, only its beginning is looked at.

    The lambda stands for a LET: arguments are said once, however deep replacements are nested.
    """
    subject, replacement = (as_text(scope.expression(call.arguments[at])) for at in (0, 2))
    most, made = scope.most(), template.format
    worst = "(2 * length(v.r) + 1)"  # for each character: a reference to a group takes two characters at least
    count = f"(length({made('v.s', repr('x'))}) - length({made('v.s', repr(''))}))"
    references = "(length(v.r) - length(replace(v.r, chr(92), '')))"
    grown = f"length(v.s) * (1 + {references}) + {count} * length(v.r)"
    fits = f"(length(v.s) + 1) * {worst} <= {most} OR {grown} <= {most}"
    beginning = made(f"substr(v.s, 1, greatest({most} // {worst}, 1))", "v.r")
    chosen = f"CASE WHEN {fits} THEN {made('v.s', 'v.r')} ELSE {beginning} END"
    return text(f"list_transform([{{'s': {subject}, 'r': {replacement}}}], lambda v: {chosen})[1]")


def _replace(scope: Scope, call: Call) -> Expr:
    return _replaced(scope, call, f"replace({{}}, {as_text(scope.expression(call.arguments[1]))}, {{}})")


def _extreme(function: str) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        return number(f"{function}({', '.join(as_number(scope.expression(one)) for one in call.arguments)})")

    return compile_


def _trim(function: str) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        subject, *characters = (as_text(scope.expression(one)) for one in call.arguments)
        what = characters[0] if characters else "' ' || chr(9) || chr(10) || chr(13)"
        return text(f"{function}({subject}, {what})")

    return compile_


def _substr(scope: Scope, call: Call) -> Expr:
    subject = as_text(scope.expression(call.arguments[0]))
    bounds = [f"greatest(least({as_number(scope.expression(one))}, 2000000), 0)::INT" for one in call.arguments[1:]]
    length = f", {bounds[1]}" if len(bounds) > 1 else ""
    return text(f"substr({subject}, {bounds[0]} + 1{length})")


def _regex_replace(scope: Scope, call: Call) -> Expr:
    pattern = scope.parameter(regexes.read(constant(call, 1)).source)
    return _replaced(scope, call, f"regexp_replace({{}}, {pattern}, {{}}, 'g')")


def _split(scope: Scope, call: Call) -> Expr:
    subject, separator = (scope.expression(one) for one in call.arguments)
    return Expr(f"to_json(string_split({_cut(subject, scope.most())}, {as_text(separator)}))", Kind.JSON)


def _ispresent(scope: Scope, call: Call) -> Expr:
    value = scope.expression(call.arguments[0])
    return truth("true" if value.kind is Kind.TRUTH else f"({value.sql} IS NOT NULL)")


def _coalesce(scope: Scope, call: Call) -> Expr:
    values = [scope.expression(one) for one in call.arguments]
    kinds = {value.kind for value in values if value != NOTHING}
    if len(kinds) == 1 and (kind := kinds.pop()) in (Kind.NUMBER, Kind.TIME):
        known = [value.sql for value in values if value != NOTHING]
        return Expr(f"coalesce({', '.join(known)})", kind)
    return text(f"coalesce({', '.join(map(as_text, values))})")


def _choice(scope: Scope, call: Call) -> Expr:
    """`if(condition, then, else)`, and `case(condition, then, …, else)`."""
    arguments = list(call.arguments)
    last = scope.expression(arguments.pop()) if len(arguments) % 2 else NOTHING
    pairs = [
        (as_truth(scope.expression(arguments[at])), scope.expression(arguments[at + 1]))
        for at in range(0, len(arguments), 2)
    ]
    values = [value for _, value in pairs] + ([last] if last != NOTHING else [])
    numeric = all(value.kind is Kind.NUMBER for value in values)
    as_ = as_number if numeric else as_text
    branches = " ".join(f"WHEN {condition} THEN {as_(value)}" for condition, value in pairs)
    return (number if numeric else text)(f"CASE {branches} ELSE {as_(last)} END")


def _bin(scope: Scope, call: Call) -> Expr:
    return time(floor_to(scope.moment(), period(call, 0), scope.bin_offset))


def _datefloor(scope: Scope, call: Call) -> Expr:
    return time(floor_to(as_time(scope.expression(call.arguments[0])), period(call, 1)))


def _dateceil(scope: Scope, call: Call) -> Expr:
    return time(ceil_to(as_time(scope.expression(call.arguments[0])), period(call, 1)))


def _from_millis(scope: Scope, call: Call) -> Expr:
    return time(as_time(scope.expression(call.arguments[0])))


def _to_millis(scope: Scope, call: Call) -> Expr:
    value = scope.expression(call.arguments[0])
    if value.kind is Kind.TEXT:
        return number(f"epoch_ms(try_cast({value.sql} AS TIMESTAMP))::DOUBLE")
    return number(as_number(value))


def _now(scope: Scope, _call: Call) -> Expr:
    return number(f"{scope.now // 1000}::DOUBLE")


def _json_parse(scope: Scope, call: Call) -> Expr:
    return Expr(as_json(scope.expression(call.arguments[0])), Kind.JSON)


def _json_stringify(scope: Scope, call: Call) -> Expr:
    value = scope.expression(call.arguments[0])
    return text(
        f"json({value.sql})::VARCHAR" if value.kind is Kind.JSON else f"to_json({_cut(value, scope.most())})::VARCHAR"
    )


def _same(scope: Scope, call: Call) -> Expr:
    return scope.expression(call.arguments[0])


def _histogram(scope: Scope, call: Call) -> Expr:
    value, width = (as_number(scope.expression(one)) for one in call.arguments)
    return number(f"(floor({value} / nullif({width}, 0)) * {width})")


# Addresses

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = rf"^{_OCTET}(?:\.{_OCTET}){{3}}$"
_IPV6 = (
    r"^(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){1,7}:|:(?::[0-9a-fA-F]{1,4}){1,7}|::"
    + "".join(rf"|(?:[0-9a-fA-F]{{1,4}}:){{1,{left}}}(?::[0-9a-fA-F]{{1,4}}){{1,{7 - left}}}" for left in range(1, 7))
    + ")$"
)
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
_RESERVED: tuple[str, ...] = (
    "0.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
)
_RESERVED += ("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3")


def _matches(pattern: str) -> Callable[[Scope, str], str]:
    return lambda scope, address: f"regexp_matches({address}, {scope.parameter(pattern)})"


_is_v4, _is_v6 = _matches(_IPV4), _matches(_IPV6)


def _valid(*tests: Callable[[Scope, str], str]) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        address = as_text(scope.expression(call.arguments[0]))
        return truth(f"coalesce({' OR '.join(test(scope, address) for test in tests)}, false)")

    return compile_


def _v4_number(scope: Scope, address: str) -> str:
    parts = " + ".join(f"split_part({address}, '.', {at})::UBIGINT * {256 ** (4 - at)}::UBIGINT" for at in range(1, 5))
    return f"CASE WHEN {_is_v4(scope, address)} THEN {parts} END"


def _v6_number(scope: Scope, address: str) -> str:
    """The address as a number of 128 bits: `::` is filled up with zeros, then eight groups are added up."""
    left, right = f"split_part({address}, '::', 1)", f"split_part({address}, '::', 2)"
    colons = f"(length({address}) - length(replace({address}, ':', '')))"
    zeros = f"repeat(':0', 8 - {colons} + (CASE WHEN {left} = '' OR {right} = '' THEN 1 ELSE 0 END))"
    opened = f"(CASE WHEN {left} = '' THEN '0' ELSE {left} END)"
    closed = f"(CASE WHEN {right} = '' THEN '' ELSE ':' || {right} END)"
    whole = f"(CASE WHEN contains({address}, '::') THEN {opened} || {zeros} || {closed} ELSE {address} END)"
    parts = " + ".join(
        f"('0x' || split_part({whole}, ':', {at}))::UINTEGER::UHUGEINT * {65_536 ** (8 - at)}::UHUGEINT"
        for at in range(1, 9)
    )
    return f"CASE WHEN {_is_v6(scope, address)} THEN {parts} END"


def _in_subnets(scope: Scope, address: str, subnets: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> str:
    tests = []
    for subnet in subnets:
        version4 = isinstance(subnet, ipaddress.IPv4Network)
        found = (_v4_number if version4 else _v6_number)(scope, address)
        kind = "UBIGINT" if version4 else "UHUGEINT"
        first, last = int(subnet.network_address), int(subnet.broadcast_address)
        tests.append(f"({found}) BETWEEN '{first}'::{kind} AND '{last}'::{kind}")
    return f"coalesce({' OR '.join(tests)}, false)"


def _subnet(*versions: int) -> Compile:
    def compile_(scope: Scope, call: Call) -> Expr:
        written = constant(call, 1)
        try:
            subnet = ipaddress.ip_network(written, strict=False)
        except ValueError:
            raise Malformed(f"Invalid subnet {written} in function {call.function}", call.start, call.end) from None
        if subnet.version not in versions:
            return truth("false")
        return truth(_in_subnets(scope, as_text(scope.expression(call.arguments[0])), (subnet,)))

    return compile_


def _among(subnets: tuple[str, ...], *, inside: bool = True) -> Compile:
    networks = tuple(ipaddress.ip_network(subnet) for subnet in subnets)

    def compile_(scope: Scope, call: Call) -> Expr:
        address = as_text(scope.expression(call.arguments[0]))
        found = _in_subnets(scope, address, networks)
        return truth(found if inside else f"(coalesce({_is_v4(scope, address)}, false) AND NOT {found})")

    return compile_


def _ipv4_to_number(scope: Scope, call: Call) -> Expr:
    return number(f"({_v4_number(scope, as_text(scope.expression(call.arguments[0])))})::DOUBLE")


_BASE64 = (
    "CASE WHEN regexp_matches({0}, '^(?:[A-Za-z0-9+/]{{4}})*(?:[A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?$') "
    "THEN decode(from_base64({0})) END"
)
_LOG = "CASE WHEN {0} > 0 THEN ln({0}) END"
_SQRT = "CASE WHEN {0} >= 0 THEN sqrt({0}) END"
_HAVERSINE = (
    "6371.0 * 2 * asin(sqrt(least(1, pow(sin(radians({2} - {0}) / 2), 2) "
    "+ cos(radians({0})) * cos(radians({2})) * pow(sin(radians({3} - {1}) / 2), 2))))"
)

FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, 1, _numbers("abs({0})")),
    "ceil": Function(1, 1, _numbers("ceil({0})")),
    "floor": Function(1, 1, _numbers("floor({0})")),
    "round": Function(
        1, 2, lambda scope, call: _numbers("round({0}, {1}::INT)" if call.arguments[1:] else "round({0})")(scope, call)
    ),
    "greatest": Function(1, 50, _extreme("greatest")),
    "least": Function(1, 50, _extreme("least")),
    "log": Function(1, 1, _numbers(_LOG)),
    "sqrt": Function(1, 1, _numbers(_SQRT)),
    "haversine": Function(4, 4, _numbers(_HAVERSINE)),
    "tonumber": Function(1, 1, _numbers("{0}")),
    "todouble": Function(1, 1, _numbers("{0}")),
    "toint": Function(1, 1, _numbers("trunc({0})")),
    "tolong": Function(1, 1, _numbers("trunc({0})")),
    "isempty": Function(1, 1, _texts("(coalesce({0}, '') = '')", truth)),
    "isblank": Function(1, 1, _texts("(trim(coalesce({0}, ''), ' ' || chr(9) || chr(10) || chr(13)) = '')", truth)),
    "concat": Function(1, 100, _concat),
    "ltrim": Function(1, 2, _trim("ltrim")),
    "rtrim": Function(1, 2, _trim("rtrim")),
    "trim": Function(1, 2, _trim("trim")),
    "strlen": Function(1, 1, _texts("length({0})::DOUBLE", number)),
    "toupper": Function(1, 1, _texts("upper({0})")),
    "tolower": Function(1, 1, _texts("lower({0})")),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, _replace),
    "regex_replace": Function(3, 3, _regex_replace),
    "strcontains": Function(2, 3, _tests("contains({0}, {1})")),
    "startswith": Function(2, 2, _tests("starts_with({0}, {1})")),
    "endswith": Function(2, 2, _tests("ends_with({0}, {1})")),
    "split": Function(2, 2, _split),
    "md5": Function(1, 1, _texts("md5({0})")),
    "sha256": Function(1, 1, _texts("sha256({0})")),
    "urlencode": Function(1, 1, _growing("url_encode({0})")),
    "urldecode": Function(1, 1, _texts("try(url_decode({0}))")),
    "base64encode": Function(1, 1, _growing("to_base64(encode({0}))")),
    "base64decode": Function(1, 1, _texts(f"try({_BASE64})")),
    "ispresent": Function(1, 1, _ispresent),
    "coalesce": Function(1, 50, _coalesce),
    "if": Function(3, 3, _choice),
    "case": Function(2, 101, _choice),
    "bin": Function(1, 1, _bin),
    "datefloor": Function(2, 2, _datefloor),
    "dateceil": Function(2, 2, _dateceil),
    "frommillis": Function(1, 1, _from_millis),
    "tomillis": Function(1, 1, _to_millis),
    "now": Function(0, 0, _now),
    "jsonparse": Function(1, 1, _json_parse),
    "jsonstringify": Function(1, 1, _json_stringify),
    "unmask": Function(1, 1, _same),
    "histogram": Function(2, 2, _histogram),
    "isvalidip": Function(1, 1, _valid(_is_v4, _is_v6)),
    "isvalidipv4": Function(1, 1, _valid(_is_v4)),
    "isvalidipv6": Function(1, 1, _valid(_is_v6)),
    "isipinsubnet": Function(2, 2, _subnet(4, 6)),
    "isipv4insubnet": Function(2, 2, _subnet(4)),
    "isipv6insubnet": Function(2, 2, _subnet(6)),
    "ipv4tonumber": Function(1, 1, _ipv4_to_number),
    "isprivateip": Function(1, 1, _among(_PRIVATE)),
    "isreservedip": Function(1, 1, _among(_RESERVED)),
    "ispublicip": Function(1, 1, _among(_PRIVATE + _RESERVED, inside=False)),
}
