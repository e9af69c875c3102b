"""The session: the one place where model, kernel, tools and record are put together.

``Session.ask(question)`` is the one door; everything above (front ends, evaluator, trainer)
calls only this and reads the events it yields.
"""

from analyst.session.run_input import RunInput
from analyst.session.session import RunInProgressError, Session, SessionStatus

__all__ = ["RunInProgressError", "RunInput", "Session", "SessionStatus"]
