"""The worked example: real data of an installed package, and a folder of notes.

The data are Gapminder's, as Plotly ships them: life expectancy, population and income of 142
countries from 1952 to 2007, every five years. The notes are written for these tests.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import plotly.express as px

QUESTION = (
    "Analyse health trends over the last decade of gapminder, with a chart of life expectancy by "
    "continent, and what the notes say about the reasons."
)
FOLLOW_UP = "Which continent gained the most life expectancy over the last decade of gapminder?"

NOTES = {
    "reasons.md": """# Why life expectancy changes

## Africa after 1990

In southern Africa life expectancy fell in the 1990s and early 2000s, mostly because of HIV and
AIDS. Treatment became widely available only after 2003, and life expectancy recovered from then.

## Asia

In Asia child mortality fell with vaccination, clean water and rising income, which is the main
reason why life expectancy rose there.
""",
    "method.md": """# How the figures are made

Life expectancy at birth is a period measure: the years a newborn would live if the death rates of
that year held for life. Means over countries are not weighted by population unless that is said.
""",
}


def lay_out(folder: Path) -> Path:
    """Write data, notes and the project's configuration; return the data file."""
    notes = folder / "notes"
    notes.mkdir()
    for name, text in NOTES.items():
        (notes / name).write_text(text)
    (folder / "analyst.toml").write_text('[knowledge]\nfolders = ["notes"]\n')
    data = folder / "gapminder.csv"
    gapminder().to_csv(data, index=False)
    return data


def gapminder() -> pd.DataFrame:
    """Return the data."""
    frame: pd.DataFrame = px.data.gapminder()
    return frame


def gains() -> pd.Series:
    """Return how much the mean life expectancy of each continent rose from 1997 to 2007."""
    means = gapminder().groupby(["continent", "year"])["lifeExp"].mean().unstack()
    gained: pd.Series = means[2007] - means[1997]
    return gained
