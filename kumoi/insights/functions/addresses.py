"""Functions of IP addresses: whether a text is one, and which network it lies in."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping

from kumoi.insights.functions.calling import Compile, Function, Scope, constant
from kumoi.insights.syntax import Call, Malformed
from kumoi.insights.values import Expr, as_text, number, truth

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


FUNCTIONS: Mapping[str, Function] = {
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
