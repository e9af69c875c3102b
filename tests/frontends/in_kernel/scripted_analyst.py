"""An IPython extension for tests: the magics, with the replies of a file in place of a model.

``ANALYST_TEST_REPLIES`` names a JSON list of replies: a text, an object with the fields of a
:class:`ScriptedReply`, or ``{"fails_with": sentence}``. Everything else is the real thing:
session, kernel, record.
"""

import json
import os
from pathlib import Path


def load_ipython_extension(ipython):
    from analyst.frontends.magic import load

    load(ipython, make_session=make_session)


def make_session(settings):
    from analyst.llm.completion import ModelUnreachableError
    from analyst.llm.scripted import ScriptedModel, ScriptedReply
    from analyst.session import Session

    def reply(written):
        if isinstance(written, str):
            return written
        if "fails_with" in written:
            return ModelUnreachableError(written["fails_with"])
        return ScriptedReply(**written)

    replies = json.loads(Path(os.environ["ANALYST_TEST_REPLIES"]).read_text())
    model = ScriptedModel([reply(written) for written in replies])
    return Session(cwd=Path.cwd(), settings=settings, model=model, protocol="fenced")
