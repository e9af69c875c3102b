"""The two files: what each may say, and that a project can free nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyst.configuration import Configuration, ConfigurationError, expanded


@pytest.fixture
def files(tmp_path: Path):
    home, project = tmp_path / "home", tmp_path / "project"
    (project / "deep" / "er").mkdir(parents=True)
    (project / ".git").mkdir()
    home.mkdir()

    def load(mine: str = "", theirs: str | None = None, cwd: str = "deep/er") -> Configuration:
        (home / "analyst-tools.toml").write_text(mine)
        if theirs is not None:
            (project / "analyst.toml").write_text(theirs)
        return Configuration.load(project / cwd, user_file=home / "analyst-tools.toml")

    return load


def test_without_files_nothing_is_configured(tmp_path):
    found = Configuration.load(tmp_path, user_file=tmp_path / "none.toml")
    assert found == Configuration()
    assert (found.web, found.databases, found.mcp_servers) == (None, {}, {})


def test_the_users_file_says_all_and_the_projects_adds_its_own(files, tmp_path):
    found = files(
        '[databases.shop]\nurl = "sqlite:///shop.db"\n[web]\nallow = ["*.who.int"]\n'
        '[mcp_servers.clock]\ncommand = "clock"\n[prices.m]\ninput = 1\noutput = 2\n'
        '[[permissions]]\ntool = "sql"\ndecision = "allow"\n[roles.reviewer]\nprompt = "mine"',
        '[knowledge]\nfolders = ["docs"]\n[roles.reviewer]\nprompt = "theirs"\n'
        '[roles.writer]\nprompt = "w"\n[[permissions]]\ntool = "web*"\ndecision = "deny"',
    )
    assert found.databases["shop"].row_cap == 10_000
    assert [rule.tool for rule in found.permissions] == ["sql"]
    assert [rule.tool for rule in found.project_permissions] == ["web*"]
    assert found.knowledge.folders == ((tmp_path / "project" / "docs").resolve(),)
    assert found.roles["reviewer"].prompt == "mine"
    assert found.roles["writer"].prompt == "w"


def test_a_project_cannot_allow_itself_anything(files):
    found = files("", '[[permissions]]\ntool = "*"\ndecision = "allow"')
    assert found.project_permissions == ()


@pytest.mark.parametrize(
    "theirs",
    [
        '[mcp_servers.x]\ncommand = "evil"',
        '[databases.x]\nurl = "sqlite://"',
        '[web]\nallow = ["*"]',
        "[prices.m]\ninput = 0\noutput = 0",
        '[roles.analyst]\nmodel = "gpt-5"',
    ],
)
def test_a_project_can_start_and_reach_nothing(files, theirs):
    with pytest.raises(ConfigurationError, match="only the user's own file"):
        files("", theirs)


@pytest.mark.parametrize("folder", ["../other", "/etc", "docs/../../x"])
def test_a_project_names_no_folder_outside_itself(files, folder):
    with pytest.raises(ConfigurationError, match="outside the project"):
        files("", f'[knowledge]\nfolders = ["{folder}"]')


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ("[databases", "no TOML"),
        ("[databases.x]\nurl = 3", "databases.x.url"),
        ("colour = 1", "colour"),
        ('[mcp_servers.x]\nargs = ["a"]', "either command"),
        ('[mcp_servers.x]\ncommand = "a"\nurl = "b"', "either command"),
        ('[mcp_servers."a b"]\ncommand = "a"', "is no name"),
        ('[[permissions]]\ntool = "sql"\ndecision = "maybe"', "decision"),
        ('folder = "/tmp"', "not set in a file"),
    ],
)
def test_mistakes_are_told_with_their_place(files, mine, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        files(mine)
    assert "analyst-tools.toml" in str(caught.value)


def test_secrets_come_from_the_environment_and_are_not_told():
    assert expanded("Bearer ${TOKEN}", {"TOKEN": "s3"}) == "Bearer s3"
    with pytest.raises(ConfigurationError, match="TOKEN is not set"):
        expanded("Bearer ${TOKEN}", {"OTHER": "s3"})
