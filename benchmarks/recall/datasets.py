"""Fourteen data sets that installed packages ship, by the names that questions.txt uses."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.data
import sklearn.datasets


def _sklearn(load: Callable[..., object]) -> pd.DataFrame:
    frame: pd.DataFrame = load(as_frame=True).frame  # type: ignore[attr-defined]
    return frame


def _statsmodels(name: str) -> pd.DataFrame:
    import statsmodels.api as sm  # noqa: PLC0415 - slow to import

    frame: pd.DataFrame = getattr(sm.datasets, name).load_pandas().data
    return frame


DATASETS: dict[str, Callable[[], pd.DataFrame]] = {
    "tips": plotly.data.tips,
    "gapminder": plotly.data.gapminder,
    "iris": plotly.data.iris,
    "stocks": plotly.data.stocks,
    "medals": plotly.data.medals_long,
    "election": plotly.data.election,
    "wind": plotly.data.wind,
    "carshare": plotly.data.carshare,
    "wine": lambda: _sklearn(sklearn.datasets.load_wine),
    "diabetes": lambda: _sklearn(sklearn.datasets.load_diabetes),
    "fair": lambda: _statsmodels("fair"),
    "macrodata": lambda: _statsmodels("macrodata"),
    "statecrime": lambda: _statsmodels("statecrime"),
    "sunspots": lambda: _statsmodels("sunspots"),
}
