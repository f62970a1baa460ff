"""An experiment's report as JSON, as a page, as JUnit (so that CI shows what broke), and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree as Xml

import msgspec

from kumoi.experiments.sweep import Matrix
from kumoi.experiments.verdict import Check, Replayed, Report

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;color:#1d2733;background:#fff}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.35rem .7rem;border:1px solid #d5dbe3;text-align:left}
th{background:#f2f5f9}.good{background:#d9f2e0}.slow{background:#fff0c2}.bad{background:#fbd3d0}.lost{background:#20242b;
color:#fff}.mute{color:#66717f}code{background:#f2f5f9;padding:0 .25rem}
"""


def as_json(report: Report | Matrix) -> bytes:
    """Everything."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2)


def lines(report: Report) -> Iterator[str]:
    """What a person wants to know first."""
    yield f"{report.title}: {report.verdict.upper()} ({report.seconds:.1f} s, seed {report.seed})"
    if report.requests:
        yield (
            f"  {report.requests} requests: {report.accepted} accepted, {report.failed} failed, "
            f"{report.degraded} degraded, {report.absorbed} met a fault that nobody saw; "
            f"lost {report.lost}, duplicated {report.duplicated}"
        )
    for fault in report.faults:
        yield (
            f"  {fault.title}: struck {fault.struck} times; absorbed {fault.absorbed}, degraded {fault.degraded}, "
            f"failed {fault.failed}"
        )
    for layer, count in report.retries.items():
        yield f"  tried again: {layer}, {count} times"
    if report.added_usd:
        yield f"  what was done again would cost ${report.added_usd:.2g} at AWS (list prices, nothing free)"
    if report.unseen_calls:
        yield f"  {report.unseen_calls} calls passed too fast to be looked at: retries and what was absorbed lack them"
    for queue, count in report.dead_letters.items():
        yield f"  dead letters: {queue}, {count}"
    if report.recovery_seconds is not None and report.invariants:
        yield f"  all was well again {report.recovery_seconds:.1f} s (of the platform's clock) after the faults"
    for check in (*report.before, *report.after, *report.invariants):
        if not check.held:
            yield f"  ✗ {check.title}: {check.seen}"
            for name, ids in (("lost", check.lost), ("duplicated", check.duplicated)):
                if ids:
                    yield f"      {name}: {', '.join(ids[:10])}{' …' if len(ids) > 10 else ''}"
    for problem in report.problems:
        yield f"  ✗ {problem}"
    if report.replay is not None:
        yield from _replay_lines(report.replay, report.verdict)


def _replay_lines(replay: Replayed, verdict: str) -> Iterator[str]:
    same = "the same strikes" if replay.identical else "OTHER strikes"
    ended = "and ended as it did" if replay.verdict == verdict else f"and ended otherwise: it had {replay.verdict}"
    yield f"  replayed: {same} as in the recorded run ({replay.strikes}), {ended}"
    for word, told in (("did not come", replay.missing), ("came beside", replay.more)):
        for one in told:
            yield f"      {word}: {one}"


def as_html(report: Report) -> str:
    """A page that needs nothing else."""
    good = report.verdict == "passed"
    facts = [
        ("requests", report.requests),
        ("accepted", report.accepted),
        ("absorbed", report.absorbed),
        ("degraded", report.degraded),
        ("failed", report.failed),
        ("lost", report.lost),
        ("duplicated", report.duplicated),
        ("tried again by users", report.user_retries),
        ("USD at AWS for what was done again (list prices)", f"{report.added_usd:.2g}"),
        ("seconds until all was well", "-" if report.recovery_seconds is None else report.recovery_seconds),
    ]
    faults = [[one.title, one.struck, one.absorbed, one.degraded, one.failed] for one in report.faults]
    return page(
        report.title,
        f'<p class="{"good" if good else "bad"}"><strong>{report.verdict}</strong> in {report.seconds:.1f} s, '
        f"seed {report.seed}</p>"
        + table(["", ""], [list(one) for one in facts])
        + "<h2>Faults</h2>"
        + table(["fault", "struck", "absorbed", "degraded", "failed"], faults)
        + "<h2>Who tried again</h2>"
        + table(["layer", "times"], [list(one) for one in report.retries.items()])
        + "<h2>Dead letters</h2>"
        + table(["queue", "messages"], [list(one) for one in report.dead_letters.items()])
        + _checks("Before", report.before)
        + _checks("After", report.after)
        + _checks("Invariants", report.invariants)
        + "".join(f'<p class="bad">{escape(problem)}</p>' for problem in report.problems),
    )


def as_junit(report: Report) -> bytes:
    """A test case for each thing that had to hold."""
    cases: list[tuple[str, str]] = []
    for place, checks in (("before", report.before), ("after", report.after), ("invariant", report.invariants)):
        cases += [(f"{place}: {check.title}", "" if check.held else check.seen) for check in checks]
    cases += [("method", problem) for problem in report.problems]
    wrong = f"{report.failed} failed, {report.degraded} degraded" if report.verdict == "failed" else ""
    cases.append((f"requests: {report.accepted} of {report.requests} accepted", wrong))
    suite = Xml.Element("testsuite", name=_plain(report.title), tests=str(len(cases)), time=f"{report.seconds:.3f}")
    suite.set("failures", str(sum(bool(failure) for _, failure in cases)))
    for name, failure in cases:
        case = Xml.SubElement(suite, "testcase", classname="kumoi.break", name=_plain(name))
        if failure:
            Xml.SubElement(case, "failure", message=_plain(failure))
    return bytes(Xml.tostring(suite, encoding="utf-8", xml_declaration=True))


def matrix_junit(matrix: Matrix) -> bytes:
    """A test case for each cell: black and red ones have failed."""
    suite = Xml.Element("testsuite", name="kumoi break --all-edges", time=f"{matrix.seconds:.3f}")
    failures = tests = 0
    for row in matrix.rows:
        for flow, cells in row.cells.items():
            for kind, cell in cells.items():
                name = _plain(f"{flow}: {row.source} → {row.target} {row.operation}: {kind}")
                case = Xml.SubElement(suite, "testcase", classname="kumoi.break", name=name)
                tests += 1
                if cell.color in ("red", "black"):
                    failures += 1
                    Xml.SubElement(case, "failure", message=_plain(f"{cell.color}: {cell.seen}"))
                elif cell.color == "none":
                    Xml.SubElement(case, "skipped")
    suite.set("tests", str(tests))
    suite.set("failures", str(failures))
    return bytes(Xml.tostring(suite, encoding="utf-8", xml_declaration=True))


def page(title: str, body: str) -> str:
    """A page with a title."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1>{body}</html>"
    )


def table(head: list[str], rows: list[list[object]]) -> str:
    """A table; a word where it has no rows."""
    if not rows:
        return '<p class="mute">none</p>'
    heads = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(one))}</td>' for one in row)}</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{body}</table>"


_MARKS = {"green": "■", "yellow": "▲", "red": "✗", "black": "●", "none": "·"}
_CLASSES = {"green": "good", "yellow": "slow", "red": "bad", "black": "lost", "none": "mute"}


def matrix_lines(matrix: Matrix) -> Iterator[str]:
    """The matrix for a terminal: a block for each flow, a row for each edge."""
    for flow in matrix.flows:
        yield ""
        yield flow
        yield "  " + " ".join(f"{kind:<9}" for kind in matrix.kinds) + " edge"
        for row in matrix.rows:
            cells = row.cells.get(flow)
            if cells is not None:
                marks = " ".join(f"{_MARKS[cells[kind].color]:<9}" for kind in matrix.kinds)
                yield f"  {marks} {row.source} → {row.target} {row.operation}"
    counts = ", ".join(f"{matrix.counts.get(color, 0)} {word}" for color, word in _WORDS.items())
    yield ""
    yield f"■ unaffected  ▲ degraded  ✗ broken  ● data lost or counted twice: {counts} ({matrix.seconds:.0f} s)"
    for one in matrix.advice:
        yield f"→ {one.rule}: {one.text}"


_WORDS = {"green": "unaffected", "yellow": "degraded", "red": "broken", "black": "lost or twice"}


def matrix_html(matrix: Matrix) -> str:
    """The matrix as a page: hover over a cell to read what was seen."""
    body = ""
    for flow in matrix.flows:
        heads = "".join(f"<th>{escape(kind)}</th>" for kind in matrix.kinds)
        rows = ""
        for row in matrix.rows:
            cells = row.cells.get(flow)
            if cells is None:
                continue
            rows += f"<tr><td><code>{escape(row.source)}</code> → <code>{escape(row.target)}</code> "
            rows += f"{escape(row.operation)}</td>"
            for kind in matrix.kinds:
                cell = cells[kind]
                title = escape(f"{cell.color}: {cell.seen or 'nothing to see'}; struck {cell.struck} times", quote=True)
                rows += f'<td class="{_CLASSES[cell.color]}" title="{title}">{_MARKS[cell.color]}</td>'
            rows += "</tr>"
        body += f"<h2>{escape(flow)}</h2><table><tr><th>edge</th>{heads}</tr>{rows}</table>"
    body += "<h2>Advice</h2>" + table(
        ["rule", "where", "what to do"], [[a.rule, a.node, a.text] for a in matrix.advice]
    )
    return page("What breaks when an edge does", body)


def _checks(title: str, checks: list[Check]) -> str:
    if not checks:
        return ""
    rows = [
        f'<tr class="{"good" if one.held else "bad"}"><td>{escape(one.title)}</td><td>{escape(one.seen)}</td>'
        f"<td>{escape(', '.join(one.lost))}</td><td>{escape(', '.join(one.duplicated))}</td></tr>"
        for one in checks
    ]
    head = "<tr><th>what must hold</th><th>seen</th><th>lost</th><th>duplicated</th></tr>"
    return f"<h2>{title}</h2><table>{head}{''.join(rows)}</table>"


def _plain(text: str) -> str:
    """Text that XML can hold."""
    return "".join(one if one >= " " else " " for one in text)
