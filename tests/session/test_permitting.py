"""Permissions of a run: whose rules count, and what an administrator caps."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyst.configuration import Configuration, ConfigurationError, PermissionRule
from analyst.session.permitting import admin_cap, permissions
from analyst.settings import Settings
from analyst.tools.risk import Risk

SAFE = Risk("safe", "words")


def test_all_sources_count_and_are_named(tmp_path: Path) -> None:
    configuration = Configuration(
        permissions=(PermissionRule(tool="sql", decision="allow"),),
        project_permissions=(PermissionRule(tool="web*", decision="deny"),),
    )
    found = permissions(
        Settings(), configuration, given={"files": "ask"}, admin=admin_cap([tmp_path])
    )
    assert found.judge("web_fetch", {}, SAFE).why == "denied by the project's rules"
    assert found.judge("files", {}, SAFE).why == "asked for by this cell's options"
    assert found.judge("sql", {}, Risk("risky", "words")).why == "allowed by your rules"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "jupyter_analyst_config.json",
            '{"AnalystPermissions": {"deny": ["mcp*"], "most": "risky"}}',
        ),
        (
            "jupyter_analyst_config.py",
            'c.AnalystPermissions.deny = ["mcp*"]\nc.AnalystPermissions.most = "risky"',
        ),
    ],
)
def test_an_administrator_caps_mode_and_tools(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    cap = admin_cap([tmp_path])
    freed = Configuration(permissions=(PermissionRule(tool="*", decision="allow"),))
    found = permissions(Settings(approval="auto"), freed, admin=cap)
    assert found.mode == "risky"
    assert found.judge("mcp_x", {}, SAFE).verdict == "deny"
    assert permissions(Settings(approval="ask"), freed, admin=cap).mode == "ask"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("jupyter_analyst_config.json", "{"),
        ("jupyter_analyst_config.py", "1 / 0"),
        ("jupyter_analyst_config.json", '{"AnalystPermissions": {"most": "anything"}}'),
        ("jupyter_analyst_config.json", '{"AnalystPermissions": {"denied": ["a"]}}'),
        ("jupyter_analyst_config.py", 'c.AnalystPermision.deny = ["a"]'),
        ("jupyter_analyst_config.py", 'c.AnalystPermissions.denied = ["a"]'),
        ("jupyter_analyst_config.py", "raise SystemExit"),
    ],
)
def test_a_broken_file_of_the_administrator_frees_nothing(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match="administrator"):
        admin_cap([tmp_path])


def test_one_file_of_an_administrator_frees_nothing_that_another_holds(tmp_path: Path) -> None:
    system, environment = tmp_path / "system", tmp_path / "environment"
    for folder, text in (
        (system, 'c.AnalystPermissions.deny = ["web*"]\nc.AnalystPermissions.most = "ask"'),
        (environment, 'c.AnalystPermissions.deny = ["sql"]\nc.AnalystPermissions.most = "auto"'),
    ):
        folder.mkdir()
        (folder / "jupyter_analyst_config.py").write_text(text)
    for order in ([environment, system], [system, environment]):
        found = permissions(Settings(), Configuration(), admin=admin_cap(order))
        assert found.mode == "ask"
        assert found.judge("web_fetch", {}, SAFE).verdict == "deny"
        assert found.judge("sql", {}, SAFE).verdict == "deny"


def test_what_an_administrator_asks_about_no_approval_of_before_spares(tmp_path: Path) -> None:
    (tmp_path / "jupyter_analyst_config.py").write_text('c.AnalystPermissions.ask = ["crm__*"]')
    found = permissions(Settings(), Configuration(), admin=admin_cap([tmp_path]))
    assert found.judge("crm__read", {}, SAFE, always=True).verdict == "ask"


def test_an_administrator_caps_what_is_approved_where_nobody_is_there(tmp_path: Path) -> None:
    freed = Settings(approval_unattended="approve")
    assert permissions(freed, Configuration(), admin=admin_cap([tmp_path])).unattended == "approve"
    assert permissions(Settings(), Configuration()).unattended == "deny"
    text = 'c.AnalystPermissions.unattended = "deny"\nc.ServerApp.port = 1\nc.AnalystServer.x = 2'
    (tmp_path / "jupyter_analyst_config.py").write_text(text)
    assert permissions(freed, Configuration(), admin=admin_cap([tmp_path])).unattended == "deny"
