"""How the patterns of rules match addresses, whatever spelling of one a call gives.

A pattern is matched part by part, so that a star for the host reaches into no path; one that names
no path means all of the host. Here: pure functions on texts. Not here: other patterns
(:mod:`analyst.tools.rule_patterns`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from analyst.tools import url_targets
from analyst.tools.rule_texts import fits, folded

_STRICT = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\\@\s%]+)((?:[/?#][^\s\\]*)?)", re.IGNORECASE)
_LOOSE = re.compile(
    r"(?:([a-z][a-z0-9+.-]*):(?=[/\\]))?[/\\]*([^/\\?#]*)(.*)", re.IGNORECASE | re.DOTALL
)
_DROPPED = re.compile(r"[\t\r\n]")
_PORTS = {"https": "443", "http": "80"}


@dataclass(frozen=True, slots=True)
class _Reading:
    scheme: str
    host: str
    target: str

    @property
    def hosts(self) -> set[str]:
        """The host as it is, and with the port that goes without saying."""
        port = _PORTS.get(self.scheme)
        has_port = re.search(r":\d+$", self.host) is not None
        return {self.host} if port is None or has_port else {self.host, f"{self.host}:{port}"}


def every_reading_fits(text: str, pattern: str) -> bool:
    """Tell whether a text is an address, and a pattern of an address matches it in any reading."""
    found = _STRICT.fullmatch(text)
    if found is None:
        return False
    scheme = found[1].lower()
    given = _Reading(scheme, _host(found[2], scheme), found[3])
    wanted = _read_pattern(pattern)
    return (
        fits(given.scheme, wanted.scheme)
        and any(fits(host, wanted.host) for host in given.hosts)
        and all(
            fits(spelt(given.target), spelt(wanted.target))
            for spelt in (url_targets.plain, url_targets.thorough)
        )
    )


def any_reading_fits(text: str, pattern: str) -> bool:
    """Tell whether a pattern matches a text in some reading of it as an address.

    Capitals and a slash at the end of the path do not count. A pattern that is no address is
    matched with the whole of each reading.
    """
    text, pattern = _DROPPED.sub("", folded(text)).strip(), folded(pattern)
    for given in _readings(text):
        if "://" not in pattern:
            whole = f"{given.scheme}://{given.host}"
            if any(fits(whole + target, pattern) for target in _targets(given.target)):
                return True
            continue
        wanted = _read_pattern(pattern)
        if not fits(given.scheme, wanted.scheme):
            continue
        if not any(fits(host, wanted.host) for host in given.hosts):
            continue
        paths = {spelt(wanted.target) for spelt in (url_targets.plain, url_targets.thorough)}
        if any(fits(target, path) for target in _targets(given.target) for path in paths):
            return True
    return False


def _readings(text: str) -> Iterator[_Reading]:
    found = _LOOSE.match(text)
    if found is None:
        return
    # Browsers and many tools put a scheme before what has none.
    for scheme in [found[1]] if found[1] else _PORTS:
        authority = unquote(found[2]).rpartition("@")[2]
        yield _Reading(scheme, _host(authority, scheme), found[3].replace("\\", "/"))


def _targets(target: str) -> Iterator[str]:
    for spelt in (url_targets.plain, url_targets.thorough):
        path, rest = url_targets.split(spelt(target))
        yield path + rest
        yield (path[:-1] if path.endswith("/") else path + "/") + rest


def _read_pattern(pattern: str) -> _Reading:
    scheme, _, rest = pattern.partition("://")
    host, slash, path = rest.partition("/")
    scheme = scheme.lower()
    return _Reading(scheme, _host(host, scheme), slash + path if slash else "/*")


def _host(text: str, scheme: str) -> str:
    """Return a host, or a pattern of hosts, in one spelling, without the port of its scheme."""
    host = text.lower().removesuffix(f":{_PORTS.get(scheme, '')}").removesuffix(".")
    if host.isascii():
        return host
    labels = []
    for label in host.split("."):
        spelt = label
        with contextlib.suppress(UnicodeError):
            spelt = label if label.isascii() else label.encode("idna").decode()
        labels.append(spelt)
    return ".".join(labels)
