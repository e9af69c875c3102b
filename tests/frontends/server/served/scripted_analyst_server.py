"""The extension for tests: the real one but for its sessions, which play what the question says.

``ANALYST_TEST_SESSION`` chooses: ``events`` plays events that the question describes as JSON, and
records them as a session does; ``real`` is a real session whose model replies with the code block
of the question, and then with an answer.
"""

import asyncio
import json
import os

from analyst.frontends.server import stream
from analyst.frontends.server.app import AnalystServer


class ScriptedServer(AnalystServer):
    def __init__(self, **options):
        super().__init__(**options)
        real = os.environ["ANALYST_TEST_SESSION"] == "real"
        if "ANALYST_TEST_HEARTBEAT" in os.environ:
            stream.HEARTBEAT_SECONDS = float(os.environ["ANALYST_TEST_HEARTBEAT"])
        self.session_factory = real_session if real else events_session


def _jupyter_server_extension_points():
    return [{"module": "scripted_analyst_server", "app": ScriptedServer}]


def real_session(directory):
    from analyst.llm.scripted import ScriptedModel, ScriptedReply
    from analyst.session import Session
    from analyst.settings import Settings

    def reply(request):
        text = str(request.messages[-1]["content"])
        block = text.partition("```python\n")[2].partition("```")[0]
        # Code that failed is asked for afresh, at a higher temperature.
        if block and request.temperature == 0:
            return ScriptedReply(text=f"I compute it.\n```python\n{block}```")
        return "FINAL: It is computed."

    model = ScriptedModel([reply] * 1000)
    return Session(cwd=directory, settings=Settings(), model=model, protocol="fenced")


def events_session(directory):
    return EventsSession()


APPROVALS = {
    True: {"risk": "It may do harm."},
    "plan": {"kind": "plan", "risk": "Carry out this plan?", "editable": "load\nsum"},
    "question": {
        "kind": "question",
        "risk": "Which year?",
        "editable": "",
        "choices": ("2024", "2025"),
    },
}


class EventsSession:
    def __init__(self):
        self.settings = None
        self.data_room = None
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._waiting = {}

    async def ask(self, question, *, overrides=None, notebook=None, data=None, files=(), **options):
        from analyst.record import events as ev
        from analyst.record.log import RunLog, new_run_id
        from analyst.record.making import EventMaker

        asked = json.loads(question)
        settings = self.settings.updated(overrides or {})
        self._stop.clear()
        self._ended.clear()
        make = EventMaker(new_run_id())
        log = None if settings.private else RunLog(make.run_id)

        def told(made, **fields):
            event = make(made, **fields)
            if log is not None:
                log.append(event)
            return event

        try:
            yield told(
                ev.RunStarted,
                question=question,
                started_at="2026-01-01T00:00:00+00:00",
                model="scripted events",
                model_reason="the test says so",
                protocol="fenced",
                settings=settings.public(),
                notebook=notebook,
            )
            yield told(ev.Prompt, request=0, messages=({"role": "user", "content": "x" * 1000},))
            given = [*(data or {}), *(path.name for path in files)]
            if given:
                yield told(ev.Note, code="given", text=",".join(given))
            for request in range(asked.get("replies", 1)):
                async for event in self._reply(asked, request, told):
                    yield event
            answer = "The answer."
            if asked.get("approve"):
                self._waiting["call"] = asyncio.get_running_loop().create_future()
                yield told(ev.ApprovalRequested, call_id="call", **APPROVALS[asked["approve"]])
                decision, text = await self._waiting["call"]
                yield told(
                    ev.ApprovalResolved, call_id="call", decision=decision, by="user", answer=text
                )
                answer = f"Decided: {decision}, {text}."
            if asked.get("hang"):
                await self._stop.wait()
            if asked.get("defect"):
                raise ZeroDivisionError
            status = "stopped" if self._stop.is_set() else "ok"
            yield told(ev.Answer, text=answer, complete=status == "ok")
            yield told(ev.RunFinished, status=status, seconds=make.seconds)
        finally:
            self._ended.set()
            if log is not None:
                log.close()

    async def _reply(self, asked, request, told):
        from analyst.record import events as ev

        for number in range(asked.get("deltas", 3)):
            if self._stop.is_set():
                break
            yield told(ev.MessageDelta, request=request, text=f"word {number} ")
            await asyncio.sleep(asked.get("pause", 0))
        yield told(ev.ModelResponded, request=request, text="words", seconds=0.1)
        if asked.get("step"):
            code = {"code": f"print({request})"}
            yield told(ev.ToolCallStarted, call_id="c", tool="python", raw="", arguments=code)
        if "output" in asked:
            output = {"output_type": "stream", "name": "stdout", "text": asked["output"][0]}
            output["text"] *= asked["output"][1]
            yield told(ev.OutputEmitted, call_id="c", output=output)

    def resolve_approval(self, call_id, decision, text=None, *, always=False):
        future = self._waiting.get(call_id)
        if future is None or future.done():
            return False
        future.set_result((decision, text))
        return True

    async def stop(self):
        self._stop.set()
        await self._ended.wait()

    async def reset(self):
        await self.stop()

    async def aclose(self):
        await self.stop()

    def status(self):
        raise NotImplementedError
