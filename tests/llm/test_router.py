"""Which model is asked, and the sentence that says why."""

from __future__ import annotations

import pytest

from analyst.llm.known_models import default_protocol, known_context_window
from analyst.llm.router import (
    DEFAULT_OPENAI_MODEL,
    EMBEDDED_CONTEXT_WINDOW,
    ModelChoiceError,
    build_model,
    choose_model,
)
from analyst.settings import Settings

KEY = {"OPENAI_API_KEY": "sk-topsecret"}
EMBEDDED = "Qwen2.5-Coder-1.5B-Instruct"


def choose(cell=None, config=None, environ=None):
    return choose_model(cell or {}, Settings().updated(config or {}), environ or {})


def key_of(choice):
    return choice.key.get_secret_value() if choice.key else None


def test_without_anything_the_embedded_model_answers():
    choice = choose()
    assert choice.embedded
    assert choice.model == EMBEDDED
    assert choice.source == "embedded"
    assert choice.reason == f"embedded {EMBEDDED}: no model configured and no OPENAI_API_KEY set"
    assert choice.protocol == "fenced"
    assert choice.context_window == EMBEDDED_CONTEXT_WINDOW


@pytest.mark.parametrize(
    ("cell", "config", "chosen"),
    [
        ("a", "b", ("a", "cell", "--model on the cell")),
        ("", "b", ("b", "config", "%agent config")),
        ("", "", ("c", "environment", "ANALYST_MODEL")),
        (" ", " ", ("c", "environment", "ANALYST_MODEL")),
    ],
)
def test_the_nearest_setting_wins_and_is_named(cell, config, chosen):
    choice = choose({"model": cell}, {"model": config}, KEY | {"ANALYST_MODEL": "c"})
    assert (choice.model, choice.source) == chosen[:2]
    assert choice.reason.endswith(f"chosen by {chosen[2]}")
    assert choice.base_url == "https://api.openai.com/v1"


def test_the_reason_names_model_address_and_both_settings():
    choice = choose(environ=KEY | {"ANALYST_MODEL": "gpt-x", "OPENAI_BASE_URL": "https://host/v1"})
    assert choice.reason == "gpt-x at https://host/v1 (OPENAI_BASE_URL), chosen by ANALYST_MODEL"


def test_a_key_alone_asks_the_default_model_of_openai():
    choice = choose(environ=KEY)
    assert (choice.model, choice.base_url) == (DEFAULT_OPENAI_MODEL, "https://api.openai.com/v1")
    assert "default model: OPENAI_API_KEY is set" in choice.reason
    assert key_of(choice) == "sk-topsecret"
    assert choice.protocol == "native"


def test_an_address_alone_is_a_server_that_wants_no_key():
    choice = choose(environ={"OPENAI_BASE_URL": "http://localhost:11434/v1"})
    assert choice.key is None
    assert choice.model == DEFAULT_OPENAI_MODEL
    assert "OPENAI_BASE_URL is set and no model chosen" in choice.reason


def test_a_model_that_cannot_be_reached_says_what_to_set():
    with pytest.raises(ModelChoiceError, match=r"ANALYST_MODEL names gpt-x.*set OPENAI_API_KEY"):
        choose(environ={"ANALYST_MODEL": "gpt-x", "OPENAI_API_KEY": "  "})


@pytest.mark.parametrize("name", ["embedded", "Embedded", "local"])
def test_embedded_is_embedded_whatever_else_is_set(name):
    choice = choose({"model": name}, {"base_url": "https://host/v1"}, KEY)
    assert choice.embedded
    assert key_of(choice) is None
    assert choice.reason == f"embedded {EMBEDDED}, chosen by --model on the cell"


def test_the_name_of_the_embedded_model_means_it_unless_a_server_is_named():
    assert choose({"model": EMBEDDED.lower()}, environ=KEY).embedded
    elsewhere = choose({"model": EMBEDDED.lower()}, {"base_url": "http://localhost:1/v1"})
    assert not elsewhere.embedded
    assert elsewhere.protocol == "fenced"


def test_a_key_of_the_session_wins_over_the_environment():
    choice = choose(config={"api_key": "sk-session"}, environ=KEY)
    assert key_of(choice) == "sk-session"
    assert choice.key_hint == "%agent config api_key=..."


def test_no_key_goes_to_a_host_that_only_a_cell_names():
    choice = choose({"model": "m", "base_url": "https://elsewhere/v1"}, environ=KEY)
    assert choice.key is None
    assert "without a key, because the one in OPENAI_API_KEY is not for that host" in choice.reason


@pytest.mark.parametrize(
    ("config", "environ"),
    [
        ({"base_url": "https://mine/v1"}, {}),
        ({}, {"OPENAI_BASE_URL": "https://MINE:443/other"}),
    ],
)
def test_a_cell_may_name_the_host_that_the_user_configured(config, environ):
    choice = choose({"base_url": "https://mine/v1"}, config, KEY | environ)
    assert key_of(choice) == "sk-topsecret"


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/v1", "http://[::1", "https://h:x/v1"])
def test_an_address_that_is_none_names_its_setting(url):
    with pytest.raises(ModelChoiceError, match="OPENAI_BASE_URL is no address"):
        choose(environ=KEY | {"OPENAI_BASE_URL": url})


def test_nothing_secret_is_shown():
    url = "https://user:topsecret@host/v1?key=topsecret"
    choice = choose(environ=KEY | {"OPENAI_BASE_URL": url, "ANALYST_MODEL": "m"})
    assert choice.reason == "m at https://host/v1 (OPENAI_BASE_URL), chosen by ANALYST_MODEL"
    assert "topsecret" not in choice.reason + repr(build_model(choice))


def test_the_repr_of_a_choice_holds_no_secret():
    assert "topsecret" not in repr(choose(environ=KEY))
    url = "https://user:topsecret@host/v1"
    assert "topsecret" not in repr(choose(environ={"OPENAI_BASE_URL": url}))


def test_protocol_and_window_can_be_overridden():
    choice = choose({"protocol": "native"}, {"protocol": "fenced", "context_window": 5000})
    assert (choice.protocol, choice.context_window) == ("native", 5000)
    assert choose({}, {"protocol": "fenced"}, KEY).protocol == "fenced"
    assert choose({"protocol": "auto"}, {}, KEY).protocol == "native"


@pytest.mark.parametrize(
    ("model", "protocol"),
    [
        ("gpt-5.4-mini", "native"),
        ("qwen2.5-coder:7b", "fenced"),
        ("Qwen/Qwen2.5-Coder-1.5B-Instruct", "fenced"),
        ("meta-llama/Llama-3.1-8B-Instruct", "fenced"),
        ("llama-3.3-70b-versatile", "native"),
        ("qwen3-30b-a3b", "native"),
        ("mixtral-8x7b", "native"),
        ("gemma-2-27b", "fenced"),
        ("phi-3-mini", "fenced"),
        ("claude-sonnet-4", "native"),
    ],
)
def test_small_models_write_fenced_code(model, protocol):
    assert default_protocol(model) == protocol


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-4o-mini", 128_000),
        ("openai/gpt-4.1", 1_000_000),
        ("gpt-4", 8_192),
        ("o3", 200_000),
        ("anybody's", 32_768),
    ],
)
def test_windows_are_known_or_cautious(model, window):
    assert known_context_window(model) == window


def test_the_embedded_model_needs_somebody_who_knows_its_address():
    with pytest.raises(ValueError, match="before_request"):
        build_model(choose())
