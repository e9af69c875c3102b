"""Which model answers, choosing another, keys, and fetching the embedded one."""

from __future__ import annotations

import http.server
import json
import threading
import time

import pytest

from analyst.frontends.server.model import ModelDesk
from analyst.frontends.server.pulling import Puller
from analyst.llm.catalogue import DEFAULT_MODEL
from analyst.llm.completion import ModelError
from analyst.llm.weights import PullProgress

KEY = "sk-a-key-that-nobody-may-see"


def test_a_choice_is_kept_and_a_key_is_not(start_server):
    server = start_server()
    answer = server.post(
        "model", {"model": "some-model", "base_url": "http://127.0.0.1:9/v1", "api_key": KEY}
    )
    assert answer.status_code == 200
    assert answer.json()["key_set"] is True
    chosen = answer.json()["chosen"]
    assert (chosen["model"], chosen["base_url"]) == ("some-model", "http://127.0.0.1:9/v1")
    status = server.get("status")
    assert status.json()["model"]["model"] == "some-model"
    models = server.get("models")
    assert models.json()["endpoint"]["problem"] == "http://127.0.0.1:9/v1 cannot be reached."
    for shown in (answer, status, models):
        assert KEY not in shown.text
    server.stop()
    for file in server.directory.rglob("*"):
        assert not file.is_file() or KEY.encode() not in file.read_bytes(), file
    server.start()
    models = server.get("models").json()
    assert models["chosen"]["model"] == "some-model"
    assert models["key_set"] is False


def test_a_key_does_not_go_to_another_host(server):
    given = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "api_key": KEY}
    assert server.post("model", given).json()["key_set"] is True
    other = {"base_url": "http://127.0.0.1:10/v1"}
    assert server.post("model", other).json()["key_set"] is False
    back = server.post("model", {"model": None, "base_url": ""}).json()
    assert back["chosen"]["embedded"] is True


@pytest.mark.parametrize(
    "wanted",
    [
        {"model": 1},
        {"base_url": "ftp://x"},
        {"base_url": "http://u:p@host/v1"},
        {"isolation": "none"},
        {"api_key": ["x"]},
    ],
)
def test_a_choice_that_is_none_is_refused(server, wanted):
    answer = server.post("model", wanted)
    assert answer.status_code == 400
    assert answer.json()["message"]
    assert server.get("status").json()["model"]["embedded"] is True


def test_an_override_can_take_no_isolation_away(server):
    conversation = server.conversation()
    asked = {"question": "{}", "overrides": {"isolation": "none"}}
    assert server.post(f"conversations/{conversation}/ask", asked).status_code == 400
    asked = {"question": "{}", "overrides": {"approval": "sometimes"}}
    answer = server.post(f"conversations/{conversation}/ask", asked)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("approval:")


@pytest.fixture
def endpoint():
    """An endpoint that lists its models to who has the key."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Authorization"]))
            body = json.dumps({"data": [{"id": "beta"}, {"id": "alpha"}]}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}/v1", asked
        served.shutdown()
        thread.join()


def test_the_models_of_an_endpoint_are_listed(endpoint):
    url, asked = endpoint
    desk = ModelDesk()
    desk.choose({"model": "alpha", "base_url": url, "api_key": KEY})
    models = desk.models()
    assert models["endpoint"] == {"base_url": url, "models": ["alpha", "beta"], "problem": None}
    assert asked == [("/v1/models", f"Bearer {KEY}")]


def test_settings_that_cannot_be_read_are_a_sentence(tmp_path):
    desk = ModelDesk()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "analyst.json").write_text("{")
    status = desk.status()
    assert "mend or delete it" in status["model"]["problem"]
    assert status["model"]["problem"] in status["missing"]


def test_one_fetch_at_a_time_with_progress_and_an_end():
    going, calls = threading.Event(), []

    def fetch(entry, on_progress):
        calls.append(entry)
        on_progress(PullProgress(stage="downloading", source="a hub", done=5, total=10))
        assert going.wait(10)
        if len(calls) == 1:
            raise ModelError("No source has it; try again later.")

    puller = Puller(fetch)
    assert puller.progress()["state"] == "idle"
    puller.begin()
    puller.begin()
    ended(puller, "downloading", "stage")
    assert puller.progress() == {
        "state": "running",
        "stage": "downloading",
        "source": "a hub",
        "done": 5,
        "total": DEFAULT_MODEL.bytes,
        "message": None,
    }
    going.set()
    ended(puller, "failed")
    assert puller.progress()["message"] == "No source has it; try again later."
    puller.begin()
    ended(puller, "done")
    assert calls == [DEFAULT_MODEL, DEFAULT_MODEL]


def ended(puller, state, name="state"):
    deadline = time.monotonic() + 5
    while puller.progress()[name] != state:
        assert time.monotonic() < deadline, puller.progress()
        time.sleep(0.01)
