"""A folder of a shop's small documents, and libraries of it."""

from __future__ import annotations

import pytest

from analyst.tools.knowledge.library import Library

from .documents_made import notebook, pdf

HANDBOOK = """# Handbook

## Refunds
Customers may return damaged goods within 30 days. The refund is paid to the card that was used.

## Loyalty programme
A premium customer has spent more than 500 euros in the last twelve months. Premium customers get
free shipping.

## Churn
A customer counts as churned after 90 days without an order. Monthly churn is the share of active
customers that churn in a month.

```python
# Not a heading
churned = days_without_order > 90
```

## Data retention
Order records are kept for ten years, server logs for fourteen days.
"""

GLOSSARY = """Glossary of measures

Net revenue is gross revenue minus returns and value added tax.

Contribution margin is net revenue minus variable costs such as shipping and packaging.

The conversion rate is the number of orders divided by the number of visits.
"""

HTML = """<html><head><title>Warehouse guide</title></head><body><nav>Home</nav><main>
<h1>Warehouse guide</h1><h2>Stocktaking</h2><p>Inventory is counted on the last Friday of each
quarter.</p><h2>Cold storage</h2><p>Cheese and fish are stored at four degrees.</p></main></body>
</html>"""

RST = """Shipping
========

Carriers
--------

Parcels above twenty kilograms are sent by freight forwarder.

Customs
-------

Deliveries to Switzerland need a customs declaration.
"""


def write_all(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "handbook.md").write_text(HANDBOOK)
    (folder / "glossary.txt").write_text(GLOSSARY)
    (folder / "warehouse.html").write_text(HTML)
    (folder / "shipping.rst").write_text(RST)
    (folder / "reports").mkdir(exist_ok=True)
    (folder / "reports" / "annual.pdf").write_bytes(
        pdf(
            "Annual report 2024 of the shop",
            "Sales in Berlin rose by eleven percent.\nThe Hamburg branch was closed in May.",
            "The workforce grew to 47 employees.\nTwo apprentices were hired.",
            title="Annual report",
        )
    )
    (folder / "survey.ipynb").write_bytes(
        notebook(
            "# Satisfaction survey\nWe asked 1200 customers how satisfied they were.",
            ("answers.mean()", "mean satisfaction 4.2"),
            "## Method\nAnswers were weighted by age group.",
        )
    )
    return folder


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A library that no test changes."""
    place = tmp_path_factory.mktemp("shop")
    library = Library([write_all(place / "shop")], place / "knowledge")
    library.update()
    yield library
    library.close()


@pytest.fixture
def folder(tmp_path):
    return write_all(tmp_path / "shop")


@pytest.fixture
def opened(tmp_path):
    """Return what opens a library of folders, and closes it."""
    libraries = []

    def open_library(*folders, **options):
        libraries.append(Library(folders, tmp_path / "knowledge", **options))
        return libraries[-1]

    yield open_library
    for library in libraries:
        library.close()


@pytest.fixture
def library(folder, opened):
    library = opened(folder)
    library.update()
    return library
