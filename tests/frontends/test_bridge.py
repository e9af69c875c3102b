"""The bridge: events cross threads, an interrupt stops, and nothing is left behind."""

from __future__ import annotations

import _thread
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from analyst.frontends.bridge import SessionBridge
from analyst.frontends.errors import RunInProgressError, RunNotStoppedError
from analyst.record.events import RunFinished, RunStarted
from analyst.settings import Settings


@pytest.fixture
def bridge_of(session_of):
    bridges = []

    def of(*scripts, stop_seconds=5.0, **options):
        factory = session_of(*scripts, **options)
        bridge = SessionBridge(factory, stop_seconds=stop_seconds)
        bridge.made = factory.made
        bridges.append(bridge)
        return bridge

    yield of
    for bridge in bridges:
        bridge.close()


def read(run):
    return [event for event in run.events() if event is not None]


def test_events_arrive_whole_and_in_order(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run)
    with bridge.ask("q") as run:
        assert read(run) == the_whole_run.events
    assert not bridge.busy


def test_the_session_lives_in_another_thread_and_the_callers_loop_is_not_touched(session_of):
    threads = []
    factory = session_of()

    def noting(settings):
        threads.append(threading.current_thread())
        return factory(settings)

    bridge = SessionBridge(noting)
    with bridge.ask("q") as run:
        read(run)
    bridge.close()
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


def test_nothing_starts_before_the_first_use(bridge_of):
    before = threading.active_count()
    bridge = bridge_of()
    assert threading.active_count() == before
    assert bridge.made == []
    assert bridge.stop() is False


def test_status_does_not_enter_the_session(bridge_of):
    bridge = bridge_of()
    assert bridge.status().kernel == "not started"
    assert bridge.made[0].calls == []


def test_an_interrupt_stops_the_run_and_its_last_event_still_arrives(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True)
    with bridge.ask("q") as run:
        events = []
        for event in run.events():
            if isinstance(event, RunStarted):
                _thread.interrupt_main()
            events.append(event)
    events = [event for event in events if event]
    assert isinstance(events[-1], RunFinished)
    assert events[-1].status == "stopped"
    assert len(events) == len(the_whole_run.events)
    with bridge.ask("again") as run:
        run.stop()
        assert read(run)[-1].status == "stopped"


def test_the_interrupt_handler_is_as_before_after_the_run(bridge_of):
    before = signal.getsignal(signal.SIGINT)
    bridge = bridge_of()
    with bridge.ask("q") as run:
        assert signal.getsignal(signal.SIGINT) is not before
        read(run)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_ends_the_wait_for_a_session_that_does_not_stop(
    bridge_of, the_whole_run
):
    bridge = bridge_of(the_whole_run, hold=True, deaf=True, stop_seconds=60)

    def interrupt_twice():
        with bridge.ask("q") as run:
            for event in run.events(tick=0.02):
                if isinstance(event, RunStarted) or event is None:
                    _thread.interrupt_main()

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()
    assert bridge.busy
    bridge.made[0]._stopped.set()


def test_a_stop_from_before_the_first_event_counts(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True)
    with bridge.ask("q") as run:
        run.stop()
        assert read(run)[-1].status == "stopped"


def test_stop_works_from_another_thread(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True)
    with bridge.ask("q") as run:
        stopped = []
        thread = threading.Thread(target=lambda: stopped.append(bridge.stop()))
        thread.start()
        assert read(run)[-1].status == "stopped"
        thread.join()
    assert stopped == [True]


def test_a_run_that_does_not_stop_is_given_up_with_a_sentence(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True, deaf=True, stop_seconds=0.1)
    with bridge.ask("q") as run:
        run.stop()
        with pytest.raises(RunNotStoppedError, match="%agent reset"):
            read(run)


def test_a_second_question_during_a_run_is_refused_with_a_sentence(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True)
    with bridge.ask("q") as run:
        with pytest.raises(RunInProgressError, match="%agent stop"), bridge.ask("too soon"):
            pass
        assert bridge.busy
        run.stop()
        read(run)


def test_a_run_that_is_left_early_is_stopped(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True)
    with bridge.ask("q") as run:
        next(run.events())
    assert run.ended.wait(5)
    assert "stop" in bridge.made[0].calls


def test_what_the_session_raises_is_raised_in_the_callers_thread(bridge_of):
    bridge = bridge_of(LookupError("no such thing"))
    with pytest.raises(LookupError, match="no such thing"), bridge.ask("q") as run:
        read(run)
    assert not bridge.busy


def test_reset_stops_the_run_first(bridge_of, the_whole_run):
    bridge = bridge_of(the_whole_run, hold=True)
    with bridge.ask("q") as run:
        next(run.events())
        bridge.reset()
        assert read(run)[-1].status == "stopped"
    assert bridge.made[0].calls[-1] == "reset"


def test_changed_settings_reach_the_session(bridge_of):
    bridge = bridge_of()
    bridge.status()
    bridge.settings = Settings(max_steps=3)
    assert bridge.made[0].settings.max_steps == 3


def test_a_closed_bridge_can_be_used_again_with_a_new_session(bridge_of):
    bridge = bridge_of()
    for _ in range(2):
        with bridge.ask("q") as run:
            read(run)
        bridge.close()
    assert [session.calls for session in bridge.made] == [["enter", "close"]] * 2


def test_the_end_of_the_process_closes_the_session_quietly(package_environment):
    program = """
        import asyncio, sys
        from analyst.frontends.bridge import SessionBridge

        class Endless:
            settings = None
            async def __aenter__(self): pass
            async def ask(self, question, **options):
                yield "first"
                await asyncio.sleep(3600)
            async def stop(self): print("stopped", flush=True)
            async def aclose(self):
                await asyncio.sleep(0.05)
                print("closed", flush=True)

        bridge = SessionBridge(lambda settings: Endless())
        asking = bridge.ask("q")
        print(next(asking.__enter__().events()), flush=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=package_environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == ["first", "stopped", "closed"]
    assert done.stderr == ""
    assert done.returncode == 0
