"""The server extension for the panel's benchmark: sessions that play events, no model, no kernel.

The question is JSON: how many ``runs`` of ``steps`` and ``deltas``, and the ``pause`` between
events in seconds. Each delta tells the wall clock when it was made, in milliseconds.
"""

import asyncio
import json
import time

from analyst.frontends.server.app import AnalystServer


class StampedServer(AnalystServer):
    """The real one but for its sessions."""

    def __init__(self, **options):
        super().__init__(**options)
        self.session_factory = lambda _directory: StampedSession()


def _jupyter_server_extension_points():
    return [{"module": "stamped_analyst_server", "app": StampedServer}]


class StampedSession:
    """Plays the events of one run a question, and records them as a session does."""

    def __init__(self):
        self.settings = None
        self.data_room = None

    async def ask(self, question, **_options):
        from analyst.record import events as ev
        from analyst.record.log import RunLog, new_run_id
        from analyst.record.making import EventMaker

        asked = json.loads(question)
        make = EventMaker(new_run_id())
        pause = asked.get("pause", 0)
        with RunLog(make.run_id) as log:

            def told(kind, **fields):
                event = make(kind, **fields)
                log.append(event)
                return event

            yield told(
                ev.RunStarted,
                question=asked.get("title", "How do prices differ by region?"),
                started_at="2026-01-01T00:00:00+00:00",
                model="scripted events",
                model_reason="the benchmark says so",
                protocol="fenced",
                settings={},
            )
            for step in range(asked.get("steps", 0)):
                call = f"{make.run_id}-{step}"
                code = f"print(sales.groupby('region').price.mean())  # {step}"
                yield told(
                    ev.ToolCallStarted,
                    call_id=call,
                    tool="python",
                    raw=code,
                    arguments={"code": code},
                )
                output = {"output_type": "stream", "name": "stdout", "text": "north 1.5\n" * 8}
                yield told(ev.OutputEmitted, call_id=call, output=output)
                yield told(
                    ev.ToolCallFinished, call_id=call, status="ok", observation="", seconds=0.1
                )
            for _ in range(asked.get("deltas", 0)):
                text = f"t{time.time() * 1000:.2f} "
                yield told(ev.MessageDelta, request=0, text=text)
                await asyncio.sleep(pause)
            yield told(ev.Answer, text="The **north** is dearer by 1.5.")
            yield told(ev.RunFinished, status="ok", seconds=make.seconds, steps=1)

    async def stop(self):
        """Nothing: its runs are short."""

    async def reset(self):
        """Nothing is kept."""

    async def aclose(self):
        """Nothing is open."""
