"""Settings: typed, told in words when wrong, private on disk, and without keys."""

from __future__ import annotations

import contextlib
import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from analyst.settings import (
    InvalidSettingError,
    Settings,
    SettingsError,
    SettingsFileError,
    UnknownSettingError,
    display_url,
    parse_assignment,
    settings_path,
)


def test_what_is_typed_becomes_a_value():
    changed = Settings().updated(
        {"max_steps": "12", "temperature": "0.5", "show_rows": "Yes", "protocol": "fenced"}
    )
    assert changed.max_steps == 12
    assert changed.temperature == 0.5
    assert changed.show_rows is True
    assert changed.protocol == "fenced"


@pytest.mark.parametrize("back", ["", "default", None])
def test_a_setting_can_be_put_back_to_its_default(back):
    changed = Settings().updated({"max_steps": "12", "model": "m"})
    again = changed.updated({"max_steps": back, "model": back})
    assert again == Settings()
    assert not again.model_fields_set


def test_settings_do_not_change_in_place():
    before = Settings()
    before.updated({"max_steps": 3})
    assert before.max_steps == 8
    with pytest.raises(ValidationError, match="frozen"):
        before.max_steps = 3


def test_an_unknown_setting_lists_the_right_ones():
    with pytest.raises(UnknownSettingError, match="Did you mean max_steps") as caught:
        Settings().updated({"max_step": "3"})
    assert "cell_deadline_seconds" in str(caught.value)
    assert caught.value.known == tuple(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_steps", "many", "max_steps: input should be a valid integer"),
        ("max_steps", "0", "greater than or equal to 1"),
        ("max_seconds", "nan", "finite"),
        ("protocol", "smoke", "'auto', 'native' or 'fenced'"),
        ("show_rows", "perhaps", "valid boolean"),
        ("base_url", "host/v1", "such as https://host/v1"),
        ("base_url", "file:///etc", "such as https://host/v1"),
        ("base_url", "http://[::1", "such as https://host/v1"),
        ("base_url", "https://me:secret@host/v1", "user name or password apart"),
    ],
)
def test_a_wrong_value_is_told_in_a_sentence(name, value, words):
    with pytest.raises(InvalidSettingError, match=words) as caught:
        Settings().updated({name: value})
    assert "secret" not in str(caught.value)
    assert caught.value.name == name


def test_settings_come_back_from_their_file(tmp_path):
    path = tmp_path / "jupyter" / "analyst.json"
    changed = Settings().updated({"model": "m", "max_steps": 9})
    changed.save(path)
    assert Settings.load(path) == changed
    assert json.loads(path.read_text()) == {"max_steps": 9, "model": "m"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_what_was_set_is_kept_so_that_defaults_can_move_on(tmp_path):
    path = Settings().save(tmp_path / "analyst.json")
    assert json.loads(path.read_text()) == {}


def test_without_a_file_all_is_at_its_default(tmp_path):
    assert Settings.load(tmp_path / "none.json") == Settings()


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = Settings().updated({"max_steps": 9}).save(tmp_path / "analyst.json")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsFileError, match="No space left"):
        Settings().updated({"max_steps": 5}).save(path)
    monkeypatch.undo()
    assert Settings.load(path).max_steps == 9
    assert [entry.name for entry in tmp_path.iterdir()] == ["analyst.json"]


def test_a_file_that_is_a_link_stays_one(tmp_path):
    real = tmp_path / "dotfiles" / "analyst.json"
    real.parent.mkdir()
    link = tmp_path / "analyst.json"
    link.symlink_to(real)
    Settings().updated({"max_steps": 9}).save(link)
    assert link.is_symlink()
    assert Settings.load(real).max_steps == 9


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "holds no JSON object"),
        ('{"colour": 1}', "There is no setting 'colour'"),
        ('{"max_steps": "x"}', "max_steps: input should be"),
        ('{"api_key": "sk-1"}', "delete that, and set OPENAI_API_KEY"),
    ],
)
def test_a_spoilt_file_is_named_and_told_what_is_wrong(tmp_path, content, words):
    path = tmp_path / "analyst.json"
    path.write_text(content)
    with pytest.raises(SettingsFileError, match=words) as caught:
        Settings.load(path)
    assert str(path) in str(caught.value)
    assert "sk-1" not in str(caught.value)


@given(content=st.binary(max_size=200))
def test_any_file_gives_settings_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    with contextlib.suppress(SettingsFileError):
        assert isinstance(Settings.load(path), Settings)


def test_a_key_is_held_but_never_shown_or_written(tmp_path):
    held = Settings().updated({"api_key": "sk-topsecret", "model": "m"})
    assert held.api_key.get_secret_value() == "sk-topsecret"
    path = held.save(tmp_path / "analyst.json")
    shown = [repr(held), str(held), path.read_text(), str(held.public()), str(held.describe())]
    shown += [held.model_dump_json(), str(held.model_dump())]
    assert not [text for text in shown if "topsecret" in text]
    assert {d.name: d.value for d in held.describe()}["api_key"] == "set (not shown)"
    assert held.updated({"max_steps": 3}).api_key == held.api_key
    assert held.updated({"api_key": ""}).api_key is None


def test_the_query_of_an_address_is_not_shown():
    held = Settings().updated({"base_url": "https://host/v1/?key=topsecret"})
    assert held.public()["base_url"] == "https://host/v1"
    assert "topsecret" not in str(held.describe())


def test_every_setting_has_help():
    for setting in Settings().describe():
        assert len(setting.help) > 20
        assert not setting.is_set


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [("a=b", ("a", "b")), (" max-steps = 3 ", ("max_steps", "3")), ("u=x?a=b", ("u", "x?a=b"))],
)
def test_assignments_are_split_at_the_first_equals_sign(typed, parsed):
    assert parse_assignment(typed) == parsed


@pytest.mark.parametrize("typed", ["", "model", "=x"])
def test_what_assigns_nothing_is_told(typed):
    with pytest.raises(SettingsError, match="name=value"):
        parse_assignment(typed)


def test_the_file_stands_in_jupyters_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    assert settings_path() == tmp_path / "analyst.json"


@given(st.text(), st.text(min_size=1, alphabet=st.characters(categories=["Ll", "Nd"])))
def test_a_shown_address_never_holds_its_credentials(name, secret):
    assert f"p{secret}Q" not in display_url(f"https://{name}:p{secret}Q@host/v1?k=p{secret}Q")
