"""How a run looks in a notebook: its style sheet, and the highlighting of code.

Colours come from JupyterLab's variables where there are any, else from the text around, so that
light and dark themes both fit.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from analyst.frontends.untrusted import clean_text, escape

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MAX_HIGHLIGHTED_CHARS = 20_000


@functools.cache
def style_sheet() -> str:
    """Return the style sheet of a run's parts."""
    return resources.files("analyst.frontends").joinpath("style.css").read_text("utf-8")


@functools.cache
def _lexer(language: str) -> Lexer:
    from pygments.lexers import get_lexer_by_name  # noqa: PLC0415  # late: only code needs it

    return get_lexer_by_name(language, stripnl=False, ensurenl=False)


def code_html(code: str, language: str) -> str:
    """Return ``code`` as a ``<pre>`` with highlighting; very long code stays plain."""
    from pygments import highlight  # noqa: PLC0415  # late: see _lexer
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415

    code = clean_text(code).rstrip()
    if len(code) > MAX_HIGHLIGHTED_CHARS:
        return f"<pre>{escape(code)}</pre>"
    formatter = HtmlFormatter(nowrap=True, classprefix="analyst-")
    return f"<pre>{highlight(code, _lexer(language), formatter)}</pre>"
