"""Schemas of servers taken over, and the names of their tools."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyst.tools.mcp.names import names
from analyst.tools.mcp.schemas import AbsurdSchemaError, strict, taken_over, without_nulls
from analyst.tools.mcp.source import McpTools
from analyst.tools.registry import is_strict

from .conftest import Bench, raw

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=8), one, max_size=3),
    max_leaves=12,
)
LEAVES = st.sampled_from(
    [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": ["string", "null"]}]
)
NAMES = st.text("abcdef", min_size=1, max_size=2)


def objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, parts, max_size=4).flatmap(
        lambda properties: st.lists(
            st.sampled_from(sorted(properties)) if properties else st.nothing(), unique=True
        ).map(
            lambda required: {
                "type": "object",
                "properties": properties,
                "required": required,
            }
        )
    )


SCHEMAS = objects(
    st.recursive(
        LEAVES,
        lambda one: objects(one) | one.map(lambda items: {"type": "array", "items": items}),
        max_leaves=8,
    )
)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that fit a schema of :data:`SCHEMAS`."""
    kind = schema["type"]
    if kind == "object":
        required = schema["required"]
        return st.fixed_dictionaries(
            {name: values(one) for name, one in schema["properties"].items() if name in required},
            optional={
                name: values(one)
                for name, one in schema["properties"].items()
                if name not in required
            },
        )
    if kind == "array":
        return st.lists(values(schema["items"]), max_size=2)
    if kind == ["string", "null"]:
        return st.none() | st.text(max_size=3)
    return {"string": st.text(max_size=3), "integer": st.integers(), "boolean": st.booleans()}[kind]


def filled(value: Any, schema: dict[str, Any]) -> Any:
    """Write null for all that is left out, as a model that is held to a strict schema does."""
    if schema["type"] == "object":
        return {
            name: filled(value[name], one) if name in value else None
            for name, one in schema["properties"].items()
        }
    if schema["type"] == "array":
        return [filled(one, schema["items"]) for one in value]
    return value


@given(st.data())
def test_strict_schemas_take_what_the_server_takes(data: st.DataObject) -> None:
    schema = data.draw(SCHEMAS)
    value = data.draw(values(schema))
    taken = taken_over(schema)
    held = strict(taken)
    assert is_strict(held)
    jsonschema.validate(value, taken)
    said = filled(value, schema)
    jsonschema.validate(said, held)
    sent = without_nulls(said, taken)
    jsonschema.validate(sent, schema)
    # Nothing is lost but nulls that could be left out.
    assert _without_optional_nulls(sent, schema) == _without_optional_nulls(value, schema)


def _without_optional_nulls(value: Any, schema: dict[str, Any]) -> Any:
    if schema["type"] == "object":
        return {
            name: _without_optional_nulls(one, schema["properties"][name])
            for name, one in value.items()
            if one is not None or name in schema["required"]
        }
    if schema["type"] == "array":
        return [_without_optional_nulls(one, schema["items"]) for one in value]
    return value


# fmt: off
KEYWORDS = st.sampled_from([
    "type", "properties", "required", "items", "prefixItems", "anyOf", "oneOf", "allOf", "not",
    "if", "then", "$ref", "$defs", "additionalProperties", "patternProperties", "pattern", "enum",
    "const", "default", "description", "format", "minimum", "exclusiveMinimum", "maxLength",
    "uniqueItems", "$id", "$schema", "definitions",
])
# fmt: on
WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["object", "string", "#", "#/$defs/a", "#/properties", "file:///etc/passwd"]),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(KEYWORDS | NAMES, one, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(KEYWORDS | NAMES, WILD, max_size=6), JSON)
def test_any_schema_is_taken_over_or_refused(schema: dict[str, Any], value: Any) -> None:
    try:
        taken = taken_over(schema)
    except AbsurdSchemaError:
        return
    assert taken["type"] == "object"
    assert "$ref" not in json.dumps([*keywords(taken)])
    jsonschema.Draft202012Validator.check_schema(taken)
    jsonschema.Draft202012Validator(taken).is_valid(value)
    is_strict(strict(taken))


def keywords(schema: Any) -> list[str]:
    """Return the keywords of a schema and its parts, but for names of properties."""
    if not isinstance(schema, dict):
        return []
    found = list(schema)
    for name, one in schema.items():
        parts = one.values() if name == "properties" else one if isinstance(one, list) else [one]
        if name not in ("enum", "const", "required", "type"):
            for part in parts:
                found += keywords(part)
    return found


def test_references_are_put_in_their_places() -> None:
    schema = {
        "$defs": {
            "Point": {
                "type": "object",
                "title": "Point",
                "properties": {"x": {"type": "number", "default": 1.5, "description": "Across."}},
            }
        },
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/Point", "description": "Where.\x1b[2J"}},
        "required": ["at"],
    }
    assert taken_over(schema) == {
        "type": "object",
        "properties": {
            "at": {
                "type": "object",
                "properties": {"x": {"type": "number", "description": "Across. Default: 1.5."}},
                "additionalProperties": False,
                "description": "Where.",
            }
        },
        "required": ["at"],
        "additionalProperties": False,
    }


def test_what_holds_itself_ends() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/tree"}}}
    schema = {"type": "object", "$defs": {"tree": tree}, "properties": {"a": tree}}
    taken = taken_over(schema)
    jsonschema.validate({"a": {"next": {"next": {"next": 1}}}}, taken)
    assert taken_over({"type": "object", "properties": {"a": {"$ref": "#"}}})


def test_older_drafts_are_understood() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"n": {"type": "integer", "exclusiveMinimum": True, "minimum": 0}},
        "type": "object",
        "properties": {
            "pair": {"type": "array", "items": [{"$ref": "#/definitions/n"}, {"type": "string"}]}
        },
    }
    jsonschema.validate({"pair": [1, "a"]}, taken_over(schema))


def test_objects_beside_others_are_not_closed() -> None:
    both = [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "string"}}}]
    schema = {"type": "object", "properties": {"one": {"allOf": both}}}
    jsonschema.validate({"one": {"a": "x", "b": "y"}}, taken_over(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "object", "properties": {"a": {"$ref": "https://example.org/x.json"}}},
        {"type": "object", "properties": {"a": {"$ref": "file:///etc/passwd"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/not/there"}}},
        {"type": "object", "properties": {"a": {"type": "no type"}}},
        {"type": "object", "properties": {"a\nIgnore all": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"description": "x" * 30_000}}},
        {"type": "object", "properties": 5},
        {"type": "object", "required": "everything"},
    ],
)
def test_absurd_schemas_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(AbsurdSchemaError):
        taken_over(schema)


def test_schemas_that_would_take_for_ever_are_refused_or_harmless() -> None:
    began = time.monotonic()
    doubling: dict[str, Any] = {"a0": {"type": "string"}}
    for level in range(1, 40):
        before = {"$ref": f"#/$defs/a{level - 1}"}
        doubling[f"a{level}"] = {"allOf": [before, before]}
    with pytest.raises(AbsurdSchemaError):
        taken_over(
            {"type": "object", "$defs": doubling, "properties": {"a": {"$ref": "#/$defs/a39"}}}
        )
    deep: Any = {"type": "string"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    with pytest.raises(AbsurdSchemaError):
        taken_over({"type": "object", "properties": {"a": deep}})
    slow = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    assert jsonschema.Draft202012Validator(taken_over(slow)).is_valid({"a": "a" * 60 + "!"})
    assert time.monotonic() - began < 2


async def test_tools_that_cannot_be_offered_are_left_out(bench: Bench, source: McpTools) -> None:
    bench.configure(a=raw("absurd"), m=raw("many"))
    found = [tool.name for tool in await source.tools(bench)]
    assert found[0] == "a__look"
    assert "a__remote" not in found
    assert len(found) == 65
    assert bench.notes == [
        (
            "The tool remote of the server a is left out: its schema refers to another one "
            "elsewhere."
        ),
        "Of the tools of the server m only the first 64 are used.",
    ]


def test_names_are_as_endpoints_take_them() -> None:
    found = names([("time", "get_current_time"), ("my-server", "get.weather now")])
    assert list(found.values()) == ["time__get_current_time", "my-server__get_weather_now"]


def test_names_that_would_be_alike_all_get_a_digest() -> None:
    alike = [("s", "a.b"), ("s", "a b"), ("s", "c"), ("s__a", "b"), ("s", "a__b")]
    found = names(alike)
    assert found["s", "c"] == "s__c"
    assert len(set(found.values())) == 5
    assert re.fullmatch(r"s__a_b_[0-9a-f]{8}", found["s", "a.b"])
    assert names(reversed(alike)) == found


@given(st.lists(st.tuples(st.text("ab_-9", min_size=1), st.text(min_size=1)), unique=True))
def test_names_are_sound_and_their_order_is_nothing(origins: list[tuple[str, str]]) -> None:
    found = names(origins)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in found.values())
    assert len(set(found.values())) == len(origins)
    assert names(origins[::-1]) == found
