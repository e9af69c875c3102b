"""A notebook with agent runs as one HTML page, charts included.

nbconvert's own HTML knows no Plotly data: it would show a chart as its name. The exporter here
draws the charts in the page, which needs nothing from elsewhere.
"""

from __future__ import annotations

import copy
from typing import Any

from nbconvert import HTMLExporter

from analyst.frontends.outputs import PLOTLY, chart


class PageExporter(HTMLExporter):
    """nbconvert's HTML, with Plotly charts that work without a network."""

    def from_notebook_node(
        self, nb: Any, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[Any, dict[str, Any]]:
        """Convert ``nb``; it is not changed."""
        page, resources = super().from_notebook_node(with_drawn_charts(nb), resources, **kw)
        return page, resources


def with_drawn_charts(notebook: Any) -> Any:
    """Return a copy of ``notebook`` whose charts have HTML that draws them."""
    drawn = copy.deepcopy(notebook)
    library = True
    for cell in drawn.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if PLOTLY in data and (page := _chart_html(data[PLOTLY], library=library)):
                data["text/html"] = page
                library = False
    return drawn


def _chart_html(figure: object, *, library: bool) -> str | None:
    bundle = chart(figure)
    if bundle is None or PLOTLY not in bundle:
        return None
    import plotly.graph_objects as go  # noqa: PLC0415  # late: slow, and not every page has charts
    import plotly.io as pio  # noqa: PLC0415

    shown = bundle[PLOTLY]
    parts = {key: shown[key] for key in ("data", "layout", "frames") if key in shown}
    drawn: str = pio.to_html(
        go.Figure(parts, skip_invalid=True),
        config=shown.get("config"),
        full_html=False,
        include_plotlyjs=library,
    )
    return drawn
