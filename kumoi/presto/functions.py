"""Presto's functions that DuckDB lacks, or that mean something else there: macros, and rewritings of calls.

A function of neither list, which sqlglot does not know either, is refused: nothing of DuckDB's own (files, settings,
the environment) can be called by a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from kumoi.presto.joda import PatternError, strftime_pattern
from kumoi.presto.refusals import QueryRefused

_URL = r"^(?:([^:/?#]+):)?(?://(?:[^/?#@]*@)?(\[[^\]]*\]|[^:/?#]*)(?::(\d+))?)?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$"


def _url(group: int, *, number: bool = False) -> str:
    found = f"nullif(regexp_extract(u, '{_URL}', {group}), '')"
    return f"CAST({found} AS BIGINT)" if number else found


MACROS: Mapping[str, str] = {
    "at_timezone(t, z)": "timezone(z, CAST(t AS TIMESTAMPTZ))",
    "width_bucket(x, low, high, n)": (
        "CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1"
        " ELSE CAST(floor((x - low) / (high - low) * n) AS BIGINT) + 1 END"
    ),
    "to_iso8601(t)": (
        "CASE typeof(t) WHEN 'DATE' THEN strftime(CAST(t AS TIMESTAMP), '%Y-%m-%d')"
        " ELSE strftime(CAST(t AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%gZ') END"
    ),
    "map_agg(k, v)": "map_from_entries(list({'k': k, 'v': v}))",
    "multimap_agg(k, v)": (
        "map_from_entries(list_transform(list_distinct(list(k)), lambda one: {'k': one, 'v': list_transform("
        "list_filter(list({'k': k, 'v': v}), lambda e: e.k = one), lambda e: e.v)}))"
    ),
    "url_extract_protocol(u)": _url(1),
    "url_extract_host(u)": _url(2),
    "url_extract_port(u)": _url(3, number=True),
    "url_extract_path(u)": f"regexp_extract(u, '{_URL}', 4)",
    "url_extract_query(u)": _url(5),
    "url_extract_fragment(u)": _url(6),
    "url_extract_parameter(u, p)": (
        f"nullif(regexp_extract('&' || coalesce({_url(5)}, ''), '&' || regexp_escape(p) || '=([^&]*)', 1), '')"
    ),
    "codepoint(c)": "unicode(c)",
    "is_finite(x)": "isfinite(x)",
    "is_infinite(x)": "isinf(x)",
    "is_nan(x)": "isnan(x)",
    "e()": "exp(1)",
    "infinity()": "CAST('inf' AS DOUBLE)",
    "nan()": "CAST('nan' AS DOUBLE)",
    "truncate(x)": "trunc(x)",
    "last_day_of_month(d)": "last_day(d)",
    "json_array_contains(j, v)": "list_contains(CAST(j AS JSON[]), to_json(v))",
    "json_size(j, p)": "coalesce(json_array_length(j, p), len(json_keys(j, p)), 0)",
    "from_hex(s)": "unhex(s)",
    "to_hex(b)": "hex(b)",
    "to_utf8(s)": "encode(s)",
    "from_utf8(b)": "decode(b)",
    "cbrt(x)": "cbrt(x)",
    "java_double(x)": (
        "CASE WHEN isnan(x) THEN 'NaN' WHEN isinf(x) THEN CASE WHEN x > 0 THEN 'Infinity' ELSE '-Infinity' END"
        " WHEN x = 0 OR (abs(x) >= 1e-3 AND abs(x) < 1e7) THEN CAST(x AS VARCHAR)"
        " ELSE scientific(CAST(x AS VARCHAR)) END"
    ),
    "scientific(s)": (
        "CASE WHEN contains(s, 'e') THEN (CASE WHEN contains(split_part(s, 'e', 1), '.') THEN split_part(s, 'e', 1)"
        " ELSE split_part(s, 'e', 1) || '.0' END) || 'E' || CAST(CAST(split_part(s, 'e', 2) AS INTEGER) AS VARCHAR)"
        " WHEN regexp_matches(s, '^-?0\\.') THEN significant(s, ltrim(regexp_replace(s, '^-?0\\.', ''), '0'),"
        " length(ltrim(regexp_replace(s, '^-?0\\.', ''), '0')) - length(regexp_replace(s, '^-?0\\.', '')) - 1)"
        " ELSE significant(s, replace(ltrim(s, '-'), '.', ''), length(split_part(ltrim(s, '-'), '.', 1)) - 1) END"
    ),
    "significant(s, digits, exponent)": (
        "(CASE WHEN starts_with(s, '-') THEN '-' ELSE '' END) || digits[1] || '.' ||"
        " coalesce(nullif(rtrim(digits[2:], '0'), ''), '0') || 'E' || CAST(exponent AS VARCHAR)"
    ),
}
"""Macros by their heads."""
_OF_ANSWERS = "java_double"
"""What answers are written with, whatever a statement calls."""


def used(sql: str, macros: Mapping[str, str]) -> dict[str, str]:
    """The macros that a statement may need, those that others need among them: to make them all takes 12 ms.

    One whose body calls its own name is DuckDB's function of that name, and needs none.
    """
    found: dict[str, str] = {}
    text = f"{_OF_ANSWERS} {sql.lower()}"
    while more := {
        head: body
        for head, body in macros.items()
        if head not in found and (name := head.partition("(")[0]) in text and f"{name}(" not in body
    }:
        found |= more
        text = " ".join(more.values())
    return found


_NAMES = (
    " abs acos approx_distinct approx_percentile arbitrary array_agg array_average array_distinct"
    " array_except array_intersect array_join array_max array_min array_position array_remove array_sort"
    " array_sum array_union arrays_overlap asin atan atan2 avg bit_and bit_count bit_or bit_xor"
    " bitwise_and bitwise_not bitwise_or bitwise_xor bool_and bool_or cardinality cbrt ceil ceiling chr"
    " coalesce combinations concat contains corr cos cosh cot count count_if covar_pop covar_samp"
    " cume_dist current_date current_time current_timestamp date date_add date_diff date_format"
    " date_parse date_trunc day day_of_month day_of_week day_of_year degrees dense_rank dow doy"
    " element_at every exp filter first_value flatten floor format from_base from_iso8601_date"
    " from_iso8601_timestamp from_unixtime geometric_mean greatest histogram hour if json_array_length"
    " json_extract json_extract_scalar json_format json_parse kurtosis lag last_value lead least length"
    " levenshtein_distance like ln localtime localtimestamp log log10 log2 lower lpad ltrim map"
    " map_concat map_entries map_filter map_from_entries map_keys map_values max max_by md5 millisecond"
    " min min_by minute mod month none_match now nth_value ntile nullif ord percent_rank pi position pow"
    " power quarter radians rand random rank regexp_extract regexp_extract_all regexp_like regexp_replace"
    " regexp_split regr_intercept regr_slope repeat replace reverse round row_number rpad rtrim second"
    " sequence sha1 sha256 sign sin sinh skewness slice split split_part sqrt starts_with stddev"
    " stddev_pop stddev_samp strpos substr substring sum tan tanh to_base to_char to_milliseconds"
    " to_unixtime transform trim truncate try try_cast typeof upper uuid var_pop var_samp variance week"
    " week_of_year year year_of_week yow zip any_match all_match"
)
_SAME = frozenset(_NAMES.split())
_REWRITTEN = frozenset(("format_datetime", "parse_datetime", "date", "from_unixtime_nanos", "bitwise_not"))

KNOWN = _SAME | _REWRITTEN | {head.partition("(")[0] for head in MACROS} - {"scientific", "significant", "java_double"}
"""The functions that a query may call beside those that sqlglot knows as Presto's."""


def rewritten_function(node: exp.Expr) -> exp.Expr:
    """A call as DuckDB needs it; other nodes as they are."""
    if isinstance(node, exp.Anonymous):
        rewrite = _CALLS.get(node.name.lower())
        return node if rewrite is None else rewrite(node)
    for kind, rewrite in _NODES.items():
        if isinstance(node, kind):
            return rewrite(node)
    return node


def _pattern(node: exp.Expr | None) -> exp.Expr:
    if not isinstance(node, exp.Literal) or not node.is_string:
        raise QueryRefused("The pattern of a date must be a text, not an expression.")
    try:
        return exp.Literal.string(strftime_pattern(node.name))
    except PatternError as error:
        raise QueryRefused(str(error)) from None


def _format_datetime(node: exp.Anonymous) -> exp.Expr:
    value, pattern = _two(node)
    return exp.Anonymous(this="strftime", expressions=[exp.cast(value, "timestamp"), _pattern(pattern)])


def _parse_datetime(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="strptime", expressions=[node.this, _pattern(node.args.get("format"))])


def _two(node: exp.Anonymous) -> tuple[exp.Expr, exp.Expr]:
    if len(node.expressions) != 2:
        raise QueryRefused(f"{node.name} takes 2 arguments.")
    first, second = node.expressions
    return first, second


def _regexp_replace(node: exp.Expr) -> exp.Expr:
    replacement = node.args.get("replacement")
    if isinstance(replacement, exp.Literal) and replacement.is_string and "$" in replacement.name:
        text = re.sub(r"\\(.)|\$(\d)", lambda m: m[1] if m[1] else "\\" + m[2], replacement.name)
        replacement.replace(exp.Literal.string(text))
    return node


def _from_unixtime(node: exp.Expr) -> exp.Expr:
    seconds = exp.Anonymous(this="to_timestamp", expressions=[exp.cast(node.this, "double")])
    zone = node.args.get("zone")
    if zone is None:
        return exp.cast(seconds, "timestamp")
    return exp.Anonymous(this="timezone", expressions=[zone, seconds])


def _at_time_zone(node: exp.Expr) -> exp.Expr:
    moment = exp.cast(node.this, exp.DataType.build("TIMESTAMPTZ", dialect="duckdb"))
    return exp.Anonymous(this="timezone", expressions=[node.args["zone"], moment])


def _iso8601(node: exp.Expr) -> exp.Expr:
    zoned = exp.cast(node.this, exp.DataType.build("TIMESTAMPTZ", dialect="duckdb"))
    return exp.cast(zoned, "timestamp")


def _now(_node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="presto_now", expressions=[])


def _today(_node: exp.Expr) -> exp.Expr:
    return exp.cast(exp.Anonymous(this="presto_now", expressions=[]), "date")


def _reduce(node: exp.Expr) -> exp.Expr:
    """The last function, which DuckDB's reduce lacks, is applied to a list of the one value."""
    finish = node.args.get("finish")
    if finish is None:
        return node
    if not isinstance(finish, exp.Lambda) or len(finish.expressions) != 1:
        raise QueryRefused("The last argument of reduce must be a function of one argument.")
    plain = node.copy()
    plain.set("finish", None)
    applied = exp.Anonymous(this="list_transform", expressions=[exp.Array(expressions=[plain]), finish])
    return exp.Anonymous(this="list_extract", expressions=[applied, exp.Literal.number(1)])


def _sequence(node: exp.Expr) -> exp.Expr:
    start = node.args.get("start")
    dates = isinstance(start, exp.CurrentDate) or (isinstance(start, exp.Cast) and start.is_type("date"))
    if not dates or node.meta.get("cast"):
        return node
    copy = node.copy()
    copy.meta["cast"] = True
    return exp.cast(copy, exp.DataType.build("DATE[]", dialect="duckdb"))


_CALLS: Mapping[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "format_datetime": _format_datetime,
}
_NODES: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.RegexpReplace: _regexp_replace,
    exp.UnixToTime: _from_unixtime,
    exp.AtTimeZone: _at_time_zone,
    exp.FromISO8601Timestamp: _iso8601,
    exp.CurrentTimestamp: _now,
    exp.CurrentDate: _today,
    exp.Localtimestamp: _now,
    exp.ParseDatetime: _parse_datetime,
    exp.Reduce: _reduce,
    exp.GenerateSeries: _sequence,
}
