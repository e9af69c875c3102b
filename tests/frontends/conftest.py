"""Sessions that play scripts, and notebooks whose agent does, for what stands before a session."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest

import analyst
from analyst.record import events as ev
from analyst.settings import Settings
from kernel_sandbox import WrittenFile

if TYPE_CHECKING:
    import nbformat
    from nbclient import NotebookClient

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
CHART = {
    "data": [{"type": "bar", "x": ["a", "b"], "y": [1, 2]}],
    "layout": {"title": {"text": "Two bars"}},
}


@pytest.fixture(autouse=True)
def _directories_of_its_own(tmp_path, monkeypatch):
    """No test reads or writes the user's settings and records, or finds a model to ask."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("ANALYST_DATA", str(tmp_path / "analyst"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANALYST_MODEL"):
        monkeypatch.delenv(name, raising=False)


class Script:
    """Makes the events of one run, numbered and timed."""

    def __init__(self, run_id: str = "20260101T000000000-abcdef") -> None:
        self.run_id = run_id
        self.events: list[ev.Event] = []
        self._calls = 0
        self._requests = 0

    def add(self, kind: type, **fields: Any) -> Any:
        event = kind(run_id=self.run_id, seq=len(self.events), t=len(self.events) * 0.5, **fields)
        self.events.append(event)
        return event

    def start(self, question: str = "What is the mean?", **fields: Any) -> Script:
        known = {
            "question": question,
            "started_at": "2026-01-01T00:00:00+00:00",
            "model": "scripted events",
            "model_reason": "the test says so",
            "protocol": "fenced",
            "settings": {},
        }
        self.add(ev.RunStarted, **(known | fields))
        return self

    def words(self, text: str, *, piece: int = 7) -> Script:
        for start in range(0, len(text), piece):
            self.add(ev.MessageDelta, request=self._requests, text=text[start : start + piece])
        usage = ev.Usage(input=100, output=20, cached=60)
        self.add(ev.ModelResponded, request=self._requests, text=text, usage=usage, seconds=0.5)
        self._requests += 1
        return self

    def call(self, code: str, *, raw: str | None = None, tool: str = "python") -> Script:
        self._calls += 1
        raw = f"```python\n{code}\n```" if raw is None else raw
        self.add(
            ev.ToolCallStarted,
            call_id=self.call_id,
            tool=tool,
            raw=raw,
            arguments={"code": code},
        )
        return self

    @property
    def call_id(self) -> str:
        return f"call_{self._calls}"

    def output(self, output: Mapping[str, Any] | None, **fields: Any) -> Script:
        given = dict(output) if output is not None else None
        self.add(ev.OutputEmitted, call_id=self.call_id, output=given, **fields)
        return self

    def display(self, data: Mapping[str, Any], **fields: Any) -> Script:
        output = {"output_type": "display_data", "data": dict(data), "metadata": {}}
        return self.output(output, **fields)

    def stream(self, text: str, name: str = "stdout") -> Script:
        return self.output({"output_type": "stream", "name": name, "text": text})

    def called(self, status: str = "ok", observation: str = "") -> Script:
        self.add(
            ev.ToolCallFinished,
            call_id=self.call_id,
            status=status,
            observation=observation,
            seconds=0.25,
        )
        return self

    def note(self, text: str, *, level: str = "warning", code: str = "test") -> Script:
        self.add(ev.Note, level=level, code=code, text=text)
        return self

    def answer(self, text: str, **fields: Any) -> Script:
        self.add(ev.Answer, text=text, **fields)
        return self

    def finish(self, status: str = "ok", reason: str | None = None) -> Script:
        usage = ev.Usage(input=300, output=60, cached=120)
        self.add(
            ev.RunFinished,
            status=status,
            reason=reason,
            usage=usage,
            steps=self._calls,
            seconds=2.5,
        )
        return self


def whole_run() -> Script:
    """A run with text, code, printed text, a table, a chart, an image and an answer."""
    script = Script().start()
    script.add(ev.KernelReady, backend="none", isolation="nothing runs", policy={})
    script.add(
        ev.DataHandedOver,
        data=(
            ev.DataDescription(
                name="df", kind="frame", rows=1704, columns=6, bytes=98_304, fingerprint="f"
            ),
        ),
    )
    script.words("I compute it.\n```python\nprint(df.x.mean())\n```")
    script.call("print(df.x.mean())").stream("4.").stream("5\n").called()
    script.words("```python\n# show it\nfig.show()\n```").call("# show it\nfig.show()")
    script.display({"application/vnd.plotly.v1+json": CHART, "text/plain": "Figure()"})
    script.display({"text/html": "<table><tr><td>4.5</td></tr></table>", "text/plain": "x 4.5"})
    script.display({"image/png": PNG, "text/plain": "<Figure size 1x1>"}).called()
    script.words("FINAL: The mean is **4.5**.")
    return script.answer("The mean is **4.5**.", values={"mean": 4.5}).finish()


class ScriptedEventsSession:
    """Plays events in place of an agent. ``hold`` makes a run wait until it is stopped."""

    def __init__(
        self,
        scripts: Iterable[Script | Exception] = (),
        *,
        hold: bool = False,
        deaf: bool = False,
        frames: Mapping[str, Any] | None = None,
    ) -> None:
        self.settings = Settings()
        self.scripts = list(scripts)
        self.asked: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self._hold = hold
        self._deaf = deaf
        self._frames = dict(frames or {})
        self._stopped = asyncio.Event()
        self.written: tuple[WrittenFile, ...] = ()

    async def __aenter__(self) -> Self:
        self.calls.append("enter")
        return self

    async def aclose(self) -> None:
        self.calls.append("close")

    async def ask(self, question: str, **options: Any) -> AsyncIterator[ev.Event]:
        self.asked.append({"question": question, **options})
        self._stopped.clear()
        script = self.scripts.pop(0) if self.scripts else whole_run()
        if isinstance(script, Exception):
            raise script
        events = script.events
        if not self._hold:
            for event in events:
                yield event
            return
        for event in events[:-1]:
            yield event
        await self._stopped.wait()
        last = events[-1]
        yield ev.RunFinished(
            run_id=last.run_id, seq=last.seq, t=last.t, status="stopped", seconds=last.t
        )

    async def stop(self) -> None:
        self.calls.append("stop")
        if not self._deaf:
            self._stopped.set()

    async def reset(self) -> None:
        self.calls.append("reset")

    async def fetch_frame(self, name: str) -> Any:
        if name not in self._frames:
            raise LookupError(f"{name} is no table")
        return self._frames[name]

    async def written_files(self) -> Any:
        return self.written

    async def save_file(self, name: str, target: Path) -> Path:
        self.calls.append(f"save {name} {target}")
        return target

    def status(self) -> Any:
        return SimpleNamespace(
            model="scripted events",
            model_reason="the test says so",
            protocol="fenced",
            kernel="not started",
            isolation="none: nothing runs",
            policy={"memory": "1 GiB", "network": "none"},
            runs=len(self.asked),
            running=False,
            data=(),
        )


@pytest.fixture
def session_of() -> Callable[..., Callable[[Settings], ScriptedEventsSession]]:
    """Make a session factory that keeps the session it made in its ``made`` list."""

    def of(*scripts: Script | Exception, **options: Any) -> Any:
        made: list[ScriptedEventsSession] = []

        def factory(settings: Settings) -> ScriptedEventsSession:
            session = ScriptedEventsSession(scripts, **options)
            session.settings = settings
            made.append(session)
            return session

        factory.made = made  # type: ignore[attr-defined]
        return factory

    return of


@pytest.fixture
def script() -> Script:
    """A run to write the events of."""
    return Script()


@pytest.fixture
def the_whole_run() -> Script:
    """A run with everything a view has to show."""
    return whole_run()


def environment_with_package() -> dict[str, str]:
    """The environment for a process that is to import the package under test."""
    paths = [str(Path(analyst.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@pytest.fixture
def package_environment() -> dict[str, str]:
    """The environment for a process that is to import the package under test."""
    return environment_with_package()


class NotebookRunner:
    """Runs cells in a real kernel whose agent plays replies; the rest is the real thing."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self._environment = dict(environment)

    def environment(self, replies: list[Any], *, name: str = "replies.json") -> dict[str, str]:
        """Return the environment of a kernel that plays ``replies``, kept as file ``name``."""
        in_kernel = str(Path(__file__).parent / "in_kernel")
        file = self.directory / name
        file.write_text(json.dumps(replies))
        return self._environment | {
            "ANALYST_TEST_REPLIES": str(file),
            "PYTHONPATH": os.pathsep.join([in_kernel, self._environment["PYTHONPATH"]]),
        }

    def notebook(self, *cells: str) -> nbformat.NotebookNode:
        """Return a notebook that loads the magics and then has ``cells``."""
        import nbformat

        sources = ["%load_ext scripted_analyst", *cells]
        return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])

    def client(self, notebook: nbformat.NotebookNode, **options: Any) -> NotebookClient:
        """Return a client that runs ``notebook`` in this runner's directory."""
        from nbclient import NotebookClient

        resources = {"metadata": {"path": str(self.directory)}}
        return NotebookClient(
            notebook, timeout=60, kernel_name="python3", resources=resources, **options
        )

    def run(self, replies: list[Any], *cells: str, **options: Any) -> list[nbformat.NotebookNode]:
        """Run the cells and return them, without the one that loads the magics."""
        import nbformat

        notebook = self.notebook(*cells)
        self.client(notebook, **options).execute(env=self.environment(replies))
        nbformat.validate(notebook)
        return notebook.cells[1:]


@pytest.fixture
def notebooks(tmp_path, package_environment) -> NotebookRunner:
    """Run notebooks in a directory of the test's own."""
    directory = tmp_path / "notebooks"
    directory.mkdir()
    return NotebookRunner(directory, package_environment)


def shown_text(cell: nbformat.NotebookNode) -> str:
    """Return all that a cell shows, as text."""
    shown = []
    for output in cell.outputs:
        shown += [output.get("text", ""), "\n".join(output.get("traceback", []))]
        shown.append(str(output.get("data", {}).get("text/plain", "")))
    return "\n".join(filter(None, shown))


@pytest.fixture
def text_of() -> Callable[[nbformat.NotebookNode], str]:
    """All that a cell shows, as text."""
    return shown_text


@pytest.fixture(scope="session")
def notebook_runner() -> Callable[[Path], NotebookRunner]:
    """Make a runner for a directory; for tests that share what it ran."""
    return lambda directory: NotebookRunner(directory, environment_with_package())
