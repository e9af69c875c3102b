"""An IPython extension for tests: the magics, with the replies of a file in place of a model.

``ANALYST_TEST_REPLIES`` names a JSON list of replies: a text, or an object with the text and
``seconds_before``. Everything else is the real thing: session, kernel, record.
"""

import json
import os
from pathlib import Path


def load_ipython_extension(ipython):
    from analyst.frontends.magic import load

    load(ipython, make_session=make_session)


def make_session(settings):
    from analyst.llm.scripted import ScriptedModel, ScriptedReply
    from analyst.session import Session

    written = json.loads(Path(os.environ["ANALYST_TEST_REPLIES"]).read_text())
    replies = [reply if isinstance(reply, str) else ScriptedReply(**reply) for reply in written]
    return Session(
        cwd=Path.cwd(), settings=settings, model=ScriptedModel(replies), protocol="fenced"
    )
