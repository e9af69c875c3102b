"""Files that hostile code leaves: listed and copied only where they are plain files of its own."""

from __future__ import annotations

import pytest

from kernel_sandbox import HandOff, HandOffError, UntrustedResultError
from kernel_sandbox.workspace import MOST_FILES


@pytest.fixture
def workspace(session):
    return HandOff(session).workspace


async def names(workspace) -> list[str]:
    return [written.name for written in await workspace.files()]


async def test_a_written_file_is_listed_and_copied(session, run, workspace, tmp_path):
    await run(session, "open('report one.csv', 'w').write('a,b\\n1,2\\n')")
    (written,) = [w for w in await workspace.files() if w.name == "report one.csv"]
    assert written.bytes == 8
    saved = await workspace.save("report one.csv", tmp_path)
    assert saved == tmp_path / "report one.csv"
    assert saved.read_text() == "a,b\n1,2\n"
    await run(session, "open('report one.csv', 'a').write('3,4\\n')")
    assert {w.bytes for w in await workspace.files() if w.name == "report one.csv"} == {12}


async def test_nothing_is_overwritten(session, run, workspace, tmp_path):
    await run(session, "open('kept.txt', 'w').write('new')")
    target = tmp_path / "mine.txt"
    target.write_text("mine")
    with pytest.raises(HandOffError, match="exists already"):
        await workspace.save("kept.txt", target)
    assert target.read_text() == "mine"
    with pytest.raises(HandOffError, match="could not be written"):
        await workspace.save("kept.txt", tmp_path / "nowhere" / "x.txt")


async def test_links_pipes_and_odd_names_are_not_taken(session, run, workspace, tmp_path):
    (tmp_path / "secret").write_text("of the host")
    made = await run(
        session,
        "import os\n"
        f"os.symlink({str(tmp_path / 'secret')!r}, 'linked')\n"
        "os.symlink('/etc/passwd', 'passwd.txt')\n"
        "os.mkfifo('pipe')\n"
        "os.mkdir('folder')\n"
        "open('original', 'w').write('x')\n"
        "os.link('original', 'hard')\n"
        "open('bad\\nname', 'w'); open('\\u202etxt.exe', 'w'); open('.hidden', 'w')\n"
        "open(b'\\xff\\xfe', 'w')\n"
        "open('good', 'w').write('y')",
    )
    assert made.result.status == "ok"
    listed = await names(workspace)
    assert "good" in listed
    refused = {"linked", "passwd.txt", "pipe", "folder", "hard", "original"}
    assert not refused & {*listed}
    assert all(name.isprintable() and not name.startswith(".") for name in listed)
    for name in refused:
        with pytest.raises((UntrustedResultError, HandOffError)):
            await workspace.read(name)
    for name in ("../conn/kernel.json", "/etc/passwd", "..", ".", "", "bad\nname", "x" * 300):
        with pytest.raises(HandOffError):
            await workspace.read(name)


async def test_a_name_that_becomes_a_link_is_not_followed(session, run, workspace, tmp_path):
    await run(session, "open('swapped', 'w').write('z')")
    assert "swapped" in await names(workspace)
    await run(session, "import os; os.unlink('swapped'); os.symlink('/etc/hostname', 'swapped')")
    with pytest.raises(UntrustedResultError, match="not a plain file"):
        await workspace.save("swapped", tmp_path)
    assert not [*tmp_path.iterdir()]


async def test_size_and_number_are_capped(session, run, workspace):
    await run(session, "open('sparse', 'wb').truncate(50_000_000)")
    with pytest.raises(UntrustedResultError, match="larger than the limit"):
        await workspace.read("sparse", max_bytes=10_000_000)
    await run(session, f"for n in range({MOST_FILES + 50}): open(f'many-{{n:04}}', 'w')")
    assert len(await workspace.files()) == MOST_FILES
    await run(
        session,
        "import os\nfor name in os.listdir():\n"
        "    os.unlink(name) if not os.path.isdir(name) else None",
    )
    assert await workspace.files() == ()


async def test_a_missing_file_is_told_by_name(workspace):
    with pytest.raises(HandOffError, match=r"wrote no file .nothing\.csv"):
        await workspace.read("nothing.csv")


async def test_a_workspace_that_was_made_a_link_is_not_followed(session, tmp_path, monkeypatch):
    (tmp_path / "secret").write_text("of the host")
    linked = tmp_path / "linked"
    linked.symlink_to(tmp_path)
    monkeypatch.setattr(type(session), "working_directory", property(lambda _: linked))
    workspace = HandOff(session).workspace
    assert await workspace.files() == ()
    with pytest.raises(UntrustedResultError):
        await workspace.read("secret")
