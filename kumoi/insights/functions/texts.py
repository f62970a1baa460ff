"""Functions of texts. Those that make texts longer cut what they are made of: a query cannot fill the memory."""

from __future__ import annotations

from collections.abc import Mapping

from kumoi.insights import regexes
from kumoi.insights.functions.calling import Compile, Function, Scope, constant, cut, tests, texts
from kumoi.insights.syntax import Call, Text
from kumoi.insights.values import Expr, Kind, as_number, as_text, number, text, truth

_BASE64 = (
    "CASE WHEN regexp_matches({0}, '^(?:[A-Za-z0-9+/]{{4}})*(?:[A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?$') "
    "THEN decode(from_base64({0})) END"
)


def _growing(template: str) -> Compile:
    """A text that grows with each use: what it is made of is cut, so that a query cannot fill the memory."""

    def compile_(scope: Scope, call: Call) -> Expr:
        return text(template.format(cut(scope.expression(call.arguments[0]), scope.most())))

    return compile_


def _concat(scope: Scope, call: Call) -> Expr:
    """Arguments that can be long share what there is room for."""
    values = [(isinstance(one, Text), scope.expression(one)) for one in call.arguments]
    share = sum(not written and value.kind in (Kind.TEXT, Kind.JSON) for written, value in values)
    most = f"{scope.most()} // {max(share, 1)}"
    parts = [as_text(value) if written else cut(value, most) for written, value in values]
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
    return Expr(f"to_json(string_split({cut(subject, scope.most())}, {as_text(separator)}))", Kind.JSON)


FUNCTIONS: Mapping[str, Function] = {
    "isempty": Function(1, 1, texts("(coalesce({0}, '') = '')", truth)),
    "isblank": Function(1, 1, texts("(trim(coalesce({0}, ''), ' ' || chr(9) || chr(10) || chr(13)) = '')", truth)),
    "concat": Function(1, 100, _concat),
    "ltrim": Function(1, 2, _trim("ltrim")),
    "rtrim": Function(1, 2, _trim("rtrim")),
    "trim": Function(1, 2, _trim("trim")),
    "strlen": Function(1, 1, texts("length({0})::DOUBLE", number)),
    "toupper": Function(1, 1, texts("upper({0})")),
    "tolower": Function(1, 1, texts("lower({0})")),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, _replace),
    "regex_replace": Function(3, 3, _regex_replace),
    "strcontains": Function(2, 3, tests("contains({0}, {1})")),
    "startswith": Function(2, 2, tests("starts_with({0}, {1})")),
    "endswith": Function(2, 2, tests("ends_with({0}, {1})")),
    "split": Function(2, 2, _split),
    "md5": Function(1, 1, texts("md5({0})")),
    "sha256": Function(1, 1, texts("sha256({0})")),
    "urlencode": Function(1, 1, _growing("url_encode({0})")),
    "urldecode": Function(1, 1, texts("try(url_decode({0}))")),
    "base64encode": Function(1, 1, _growing("to_base64(encode({0}))")),
    "base64decode": Function(1, 1, texts(f"try({_BASE64})")),
}
