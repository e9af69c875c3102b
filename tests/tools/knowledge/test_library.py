"""Documents are found by what they say, kept up to date, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading

import pytest

from analyst.memory.errors import EmbeddingError, StoreError
from analyst.tools.knowledge import folders, updating
from analyst.tools.knowledge import library as library_module
from analyst.tools.knowledge.library import Embedding

from .conftest import write_all
from .documents_made import encrypted, pdf


@pytest.mark.parametrize(
    ("question", "file", "place"),
    [
        ("How long may damaged goods be returned?", "handbook.md", "Refunds"),
        ("Who is a premium customer?", "handbook.md", "Loyalty programme"),
        ("definition of churn", "handbook.md", "Churn"),
        ("When does a customer count as churned?", "handbook.md", "Churn"),
        ("How long are server logs kept?", "handbook.md", "Data retention"),
        ("What is net revenue?", "glossary.txt", "line 1"),
        ("contribution margin", "glossary.txt", "line 1"),
        ("How is the conversion rate computed?", "glossary.txt", "line 1"),
        ("When is the inventory counted?", "warehouse.html", "Stocktaking"),
        ("temperature of cheese in storage", "warehouse.html", "Cold storage"),
        ("How are heavy parcels sent?", "shipping.rst", "Carriers"),
        ("customs for Switzerland", "shipping.rst", "Customs"),
        ("sales in Berlin", "reports/annual.pdf", "p. 2"),
        ("When was the Hamburg branch closed?", "reports/annual.pdf", "p. 2"),
        ("number of employees", "reports/annual.pdf", "p. 3"),
        ("How many customers were asked in the survey?", "survey.ipynb", "cell 1"),
        ("mean satisfaction", "survey.ipynb", "cell 2"),
        ("How were answers weighted?", "survey.ipynb", "cell 3"),
    ],
)
def test_the_right_passage_comes_first(shop, question, file, place):
    found = shop.search(question)
    assert (found[0].file, found[0].place) == (file, place)
    assert found[0].citation == f"[K{found[0].number}: {file}, {place}]"


@pytest.mark.parametrize(
    "question",
    ["capital of Mongolia", "recipe for pancakes", "dosage of ibuprofen for children", "the of and",
     "Who won the world cup in 1998?", "photosynthesis in plants", "", "?!", "maternity leave",
     "interest rate of the central bank", "how to treat a headache"]
)  # fmt: skip
def test_where_nothing_speaks_of_it_nothing_is_found(shop, question):
    assert shop.search(question) == []


@pytest.mark.parametrize("question", ['" OR 1=1 --', "NEAR(a b)", "customer*", "\0", "x" * 900])
def test_no_question_breaks_the_search(shop, question):
    shop.search(question)


def test_only_what_changed_is_read_again(library, folder):
    before = library.search("premium customer")[0]
    assert not library.update().changed
    (folder / "glossary.txt").write_text("Stock turnover is sales divided by average inventory.")
    (folder / "shipping.rst").unlink()
    (folder / "new.md").write_text("# Gift cards\nGift cards are valid for three years.")
    done = library.update()
    assert (done.read, done.dropped, done.unchanged) == (2, 1, 4)
    assert library.search("stock turnover")[0].file == "glossary.txt"
    assert library.search("how long are gift cards valid")[0].file == "new.md"
    assert library.search("contribution margin") == []
    assert library.search("customs for Switzerland") == []
    # What did not change is called what it was called before.
    assert library.search("premium customer")[0].number == before.number


def test_a_file_that_was_only_touched_is_not_read_again(library, folder):
    number = library.search("premium customer")[0].number
    os.utime(folder / "handbook.md", (1, 1))
    assert library.update().read == 0
    assert not library.update().changed
    assert library.search("premium customer")[0].number == number


def test_all_is_there_again_after_a_restart(library, folder, opened):
    library.close()
    again = opened(folder)
    assert again.search("premium customer")[0].file == "handbook.md"
    assert not again.update().changed


def test_other_folders_are_another_library(library, tmp_path, opened):
    other = tmp_path / "other"
    other.mkdir()
    assert opened(other).search("premium customer") == []
    assert library.search("premium customer")


def test_what_cannot_be_read_is_told_once_each(folder, opened, monkeypatch):
    monkeypatch.setattr(updating, "MOST_BYTES", 5_000)
    (folder / "locked.pdf").write_bytes(encrypted(pdf("secret"), "word"))
    (folder / "torn.pdf").write_bytes(b"%PDF-1.7 torn")
    (folder / "image.md").write_bytes(b"\x89PNG\0\0\0\0")
    (folder / "empty.txt").write_bytes(b" \n")
    (folder / "huge.txt").write_text("x " * 5_000)
    (folder / "bad.ipynb").write_text("{")
    (folder / "latin.txt").write_bytes(
        "Größe und Gewicht: fünf Kilogramm, schätzt man".encode("cp1252")
    )
    (folder / "secret.md").write_text("x")
    (folder / "secret.md").chmod(0)
    os.mkfifo(folder / "pipe.txt")
    (folder / "circle").symlink_to(folder)
    (folder / "self.md").symlink_to("self.md")
    (folder / "outside.md").symlink_to("/etc/hostname")
    library = opened(folder, folder / "nowhere")
    done = library.update()
    told = "\n".join(done.notes)
    for words in (
        "locked.pdf is encrypted",
        "torn.pdf is broken",
        "image.md is no text",
        "empty.txt is empty",
        "huge.txt is left out: it is larger",
        "bad.ipynb is no notebook",
        "nowhere is no folder",
        "Links are not followed: circle, outside.md, self.md.",
    ):
        assert told.count(words) == 1, words
    assert "latin.txt" not in told
    assert library.search("Größe und Gewicht")[0].file == "latin.txt"
    assert library.search("premium customer")
    # They are not tried again, and still told.
    again = library.update()
    assert again.read == 0
    assert set(again.notes) == set(done.notes)


def test_what_was_mended_is_read(folder, opened):
    (folder / "a.pdf").write_bytes(b"%PDF-1.7 torn")
    library = opened(folder)
    assert library.update().notes
    (folder / "a.pdf").write_bytes(pdf("Espresso machines are descaled weekly"))
    assert not library.update().notes
    assert library.search("descaled espresso machines")[0].place == "p. 1"


def test_too_many_files_and_passages(folder, opened, monkeypatch):
    monkeypatch.setattr(updating, "MOST_IN_ALL", 5)
    library = opened(folder)
    assert "more than 5 passages" in "\n".join(library.update().notes)
    assert 0 < library.count() <= 5
    monkeypatch.setattr(folders, "MOST_FILES", 3)
    assert "more than 3 documents" in "\n".join(library.update().notes)
    assert len(library.files()) == 3


def test_names_that_break_citations_are_harmless(folder, opened):
    (folder / "a]b\n[K1: c.md").with_suffix(".md").write_text("# Zebra\nA zebra has stripes.")
    (folder / os.fsdecode(b"\xff.md")).write_text("# Okapi\nAn okapi has striped legs.")
    library = opened(folder)
    library.update()
    (found,) = library.search("zebra stripes", 1)
    assert found.citation.count("]") == found.citation.count("[") == 1
    assert "\n" not in found.citation
    library.search("okapi legs")[0].citation.encode()


def test_stopping_keeps_what_was_read(folder, opened):
    stopped = threading.Event()
    library = opened(folder)
    done = library.update(
        progress=lambda done, _all: stopped.set() if done == 1 else None, stopped=stopped
    )
    assert done.read == 2
    assert len(library.files()) == 2
    assert library.update().read == 4


def test_a_damaged_index_is_made_anew(library, folder, opened, tmp_path):
    library.close()
    (database,) = (tmp_path / "knowledge").glob("*/documents.sqlite")
    for kept in (0, 4096):
        whole = database.read_bytes()
        for beside in database.parent.glob("documents.sqlite-*"):
            beside.unlink()
        database.write_bytes(whole[:kept] + os.urandom(len(whole) - kept))
        again = opened(folder)
        assert again.search("premium customer")[0].file == "handbook.md"
        again.close()


def test_a_damaged_snapshot_of_vectors_is_made_anew(library, folder, opened, tmp_path):
    library.close()
    for file in (tmp_path / "knowledge").glob("*/index/*/*.vectors"):
        file.write_bytes(b"torn")
    assert opened(folder).search("premium customer")[0].file == "handbook.md"


def test_a_disk_that_cannot_be_written_is_told(tmp_path, folder, opened, monkeypatch):
    monkeypatch.setattr(library_module, "private_directory", _full)
    with pytest.raises((StoreError, OSError)):
        opened(folder).update()


def _full(_path):
    raise StoreError("There is no room left.")


def test_an_embedding_that_fails_leaves_words(folder, opened, monkeypatch):
    library = opened(folder, embedding=Embedding("endpoint:none", "http://127.0.0.1:1/v1", "key"))
    library.update()
    assert library.search("premium customer")[0].file == "handbook.md"

    def fail(*_):
        raise EmbeddingError("Nothing can be embedded.")

    _store, index = library._open()
    monkeypatch.setattr(index, "search", fail)
    assert library.search("premium customer")[0].file == "handbook.md"
    assert "by their words only" in library.notice


PROGRAM = """
import sys
from pathlib import Path
from analyst.tools.knowledge.library import Library

library = Library([Path(sys.argv[1])], Path(sys.argv[2]))
for _ in range(5):
    library.update(wait_seconds=30)
    library.search("premium customer")
print(library.count(), library.search("premium customer")[0].file)
library.close()
"""


def test_several_processes_at_once(tmp_path, folder, opened):
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(PROGRAM),
        str(folder),
        str(tmp_path / "knowledge"),
    ]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for number in range(10):
        (folder / f"more{number}.md").write_text(f"# Topic {number}\nSome words on topic {number}.")
    ended = [process.communicate(timeout=60) for process in running]
    assert all(process.returncode == 0 for process in running), ended
    library = opened(folder)
    library.update()
    assert len(library.files()) == 16
    assert library.search("topic 7")[0].file == "more7.md"
    assert len({one.number for one in library.search("customer", 50)}) == len(
        library.search("customer", 50)
    )


def test_who_comes_while_another_reads_is_not_kept_waiting(library):
    with library._alone("updating", 0):
        assert library.update() is None
    assert library.search("premium customer")


def test_many_threads_at_once(library, folder):
    failures = []

    def work(number):
        try:
            (folder / f"t{number}.md").write_text(f"# Thread {number}\nwords of thread {number}")
            library.update(wait_seconds=30)
            library.search(f"thread {number}")
        except Exception as error:  # noqa: BLE001 - gathered
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    library.update()
    assert len(library.files()) == 12


def test_an_older_form_is_dropped(library, folder, opened, monkeypatch):
    from analyst.tools.knowledge import store

    library.close()
    monkeypatch.setattr(store, "FORM", 99)
    newer = opened(folder)
    assert newer.count() == 0
    newer.update()
    assert newer.search("premium customer")[0].file == "handbook.md"


def test_a_thousand_files_are_walked_quickly(tmp_path, opened):
    folder = write_all(tmp_path / "many")
    for number in range(300):
        (folder / f"n{number}.md").write_text(f"# Note {number}\nThis note is about item {number}.")
    library = opened(folder)
    assert library.update().read == 306
    assert library.search("note about item 217")[0].file == "n217.md"
