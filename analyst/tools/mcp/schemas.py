"""The schemas of servers' tools, made into ones that a model can be held to and we can check.

A server's schema is taken over with its references put in their places, so that checking a call
takes no longer than the schema is long. What is left out (patterns, conditions) only widens it:
the server checks what it gets anyway. Here: pure functions. Not here: the names and descriptions
of tools.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import jsonschema

from analyst.tools.mcp.words import one_line

MOST_CHARACTERS = 20_000
MOST_PARTS = 2_000
MOST_DEPTH = 24
DESCRIPTION_CHARACTERS = 400
NAME_CHARACTERS = 64

# fmt: off
_PLAIN = (
    "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "required",
)
# fmt: on
_ONE_OF = {"anyOf": "anyOf", "oneOf": "anyOf"}
"""Exactly one becomes at least one: without what was left out, more than one may fit."""


class AbsurdSchemaError(ValueError):
    """A schema cannot be taken over; the message says why, as the end of a sentence."""


def taken_over(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a server's schema of a tool's arguments as ours: closed, and without references.

    Raises :class:`AbsurdSchemaError`.
    """
    try:
        size = len(json.dumps(schema))
        if size > MOST_CHARACTERS:
            raise AbsurdSchemaError(f"its schema is too long ({size} characters)")
        if schema.get("type", "object") != "object":
            raise AbsurdSchemaError("its schema is not one of an object")
        taken = _Taking(root=schema).part(schema, closes=True)
        # Endpoints take no alternatives at the top.
        found = {name: taken[name] for name in taken if name not in ("allOf", "anyOf", "enum")}
        found = {"type": "object", "properties": {}, **found}
        jsonschema.Draft202012Validator.check_schema(found)
        if len(json.dumps(found)) > 2 * MOST_CHARACTERS:
            raise AbsurdSchemaError("its schema is too long with its references in place")
    except jsonschema.SchemaError as error:
        raise AbsurdSchemaError(f"its schema is none: {one_line(error.message, 200)}") from None
    except (RecursionError, TypeError, AttributeError) as error:
        raise AbsurdSchemaError("its schema cannot be read") from error
    return found


def without_nulls(value: Any, schema: Any) -> Any:
    """Leave out nulls that stand for what is not given: those that ``schema`` itself forbids."""
    if isinstance(value, Mapping) and isinstance(schema, Mapping):
        properties = schema.get("properties", {})
        required = schema.get("required", ())
        return {
            name: without_nulls(one, properties.get(name))
            for name, one in value.items()
            if one is not None
            or name in required
            or name not in properties
            or _takes_null(properties[name])
        }
    if isinstance(value, list) and isinstance(schema, Mapping):
        return [without_nulls(one, schema.get("items")) for one in value]
    return value


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with all properties required; those that were not may be null.

    Objects among alternatives are left as they are.
    """
    found = dict(schema)
    if isinstance(schema.get("items"), Mapping):
        found["items"] = strict(schema["items"])
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return found
    required = schema.get("required", ())
    found["properties"] = {
        name: strict(one) if name in required or _takes_null(one) else _nullable(strict(one))
        for name, one in properties.items()
    }
    found["required"] = list(dict.fromkeys([*properties, *required]))
    return found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    described = {"description": schema.pop("description")} if "description" in schema else {}
    return {"anyOf": [schema, {"type": "null"}], **described}


def _takes_null(schema: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema).is_valid(None))


@dataclass
class _Taking:
    """Takes one schema over. ``within``: the references that are being put in their places."""

    root: Mapping[str, Any]
    within: list[str] = field(default_factory=list)
    parts: int = 0
    depth: int = 0

    def part(self, schema: Any, *, closes: bool) -> Any:
        """Return a part of the schema. ``closes``: its objects may be closed to other properties.

        What stands beside others that speak of the same object may not.
        """
        if isinstance(schema, bool):
            return {} if schema else {"enum": []}
        if not isinstance(schema, Mapping):
            raise AbsurdSchemaError("its schema has a part that is none")
        self.parts += 1
        if self.parts > MOST_PARTS or self.depth > MOST_DEPTH:
            raise AbsurdSchemaError("its schema is too large")
        self.depth += 1
        found = self._found(schema, closes=closes)
        self.depth -= 1
        return found

    def _found(self, schema: Mapping[str, Any], *, closes: bool) -> dict[str, Any]:
        found = {name: schema[name] for name in _PLAIN if name in schema}
        for name in ("exclusiveMinimum", "exclusiveMaximum", "required"):
            if isinstance(found.get(name), bool):  # as earlier drafts had it
                del found[name]
        if words := _words(schema):
            found["description"] = words
        combined = any(name in schema for name in ("anyOf", "oneOf", "allOf", "$ref"))
        for name, ours in _ONE_OF.items():
            if name in schema:
                inner = closes and "properties" not in schema and "allOf" not in schema
                found[ours] = [self.part(one, closes=inner) for one in schema[name]]
        if "allOf" in schema:
            found["allOf"] = [self.part(one, closes=False) for one in schema["allOf"]]
        self._items(schema, found)
        self._properties(schema, found, closes=closes and not combined)
        if "$ref" in schema:
            return self._referred(str(schema["$ref"]), found, closes=closes)
        return found

    def _items(self, schema: Mapping[str, Any], found: dict[str, Any]) -> None:
        items, first = schema.get("items"), schema.get("prefixItems")
        if isinstance(items, list):  # as earlier drafts had it
            items, first = schema.get("additionalItems"), items
        if first is not None:
            found["prefixItems"] = [self.part(one, closes=True) for one in first]
        if items is not None:
            found["items"] = self.part(items, closes=True)

    def _properties(
        self, schema: Mapping[str, Any], found: dict[str, Any], *, closes: bool
    ) -> None:
        properties = schema.get("properties")
        if properties is not None:
            for name in properties:
                if len(name) > NAME_CHARACTERS or not name.isprintable():
                    raise AbsurdSchemaError("its schema has a name that is none")
            found["properties"] = {
                str(name): self.part(one, closes=True) for name, one in properties.items()
            }
        if "patternProperties" in schema:
            return
        others = schema.get("additionalProperties")
        if isinstance(others, Mapping):
            found["additionalProperties"] = self.part(others, closes=True)
        elif isinstance(others, bool):
            found["additionalProperties"] = others
        elif closes and properties is not None:
            found["additionalProperties"] = False

    def _referred(self, reference: str, beside: dict[str, Any], *, closes: bool) -> dict[str, Any]:
        described = {name: beside.pop(name) for name in ("description",) if name in beside}
        if reference in self.within:
            # It holds itself: from here on anything goes, and the server checks.
            return {**described}
        target = self._target(reference)
        self.within.append(reference)
        meant = self.part(target, closes=closes and not beside)
        self.within.pop()
        return {"allOf": [meant, beside], **described} if beside else {**meant, **described}

    def _target(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise AbsurdSchemaError("its schema refers to another one elsewhere")
        target: Any = self.root
        for step in reference.removeprefix("#").split("/")[1:]:
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            if not isinstance(target, Mapping) or key not in target:
                raise AbsurdSchemaError("its schema refers to what is not in it")
            target = target[key]
        if reference != "#" and not reference.startswith("#/"):
            raise AbsurdSchemaError("its schema refers to what is not in it")
        return target


def _words(schema: Mapping[str, Any]) -> str:
    """Return a part's description, with its default, which strict schemas cannot name."""
    described = schema.get("description")
    words = one_line(described, DESCRIPTION_CHARACTERS) if isinstance(described, str) else ""
    default = schema.get("default")
    if default is None:
        return words
    return f"{words} Default: {one_line(json.dumps(default, ensure_ascii=False), 100)}.".strip()
