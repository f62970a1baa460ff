"""The curve as a picture: costs a month by number of users, both logarithmic, ranges shaded. Needs matplotlib."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from kumoi.cost.alternatives import WAYS
from kumoi.cost.sheet import WAY_NAMES

LEAST = 0.01
"""USD that are drawn as the least: a logarithm has no zero."""


class NoMatplotlib(RuntimeError):
    """matplotlib is not installed; the text says how to get it."""


def png(report: Mapping[str, Any]) -> bytes:
    """The picture; NoMatplotlib where it cannot be drawn."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ImportError:
        raise NoMatplotlib("the picture needs matplotlib: pip install 'kumoi[cost]'") from None
    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    axes = figure.subplots()
    users = [one["users"] for one in report["curve"]]
    for way in WAYS:
        low, middle, high = (
            [max(one[way][end], LEAST) for one in report["curve"]] for end in ("low", "middle", "high")
        )
        (line,) = axes.plot(users, middle, label=WAY_NAMES[way], linewidth=2.5 if way == "serverless" else 1.5)
        axes.fill_between(users, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
    axes.set(xscale="log", yscale="log", xlabel="users a month", ylabel="USD a month", ylim=(LEAST, None))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.grid(alpha=0.3, which="major")
    axes.legend(frameon=False)
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()
