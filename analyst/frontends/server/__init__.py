"""The panel's server: an extension of Jupyter's server in which the agent runs.

Importing this package imports nothing of the agent; :mod:`analyst.frontends.server.app` is what
Jupyter's server loads.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from analyst.frontends.server.app import AnalystServer  # noqa: PLC0415  # Jupyter's server asks

    return [{"module": "analyst.frontends.server", "app": AnalystServer}]
