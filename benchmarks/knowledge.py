"""How often documents are found, and how often nothing is said where they say nothing.

The documents are those of Python's own modules, as ``pydoc`` prints them: 60 files that everybody
has. Questions have one right module; others are of things that no module speaks of. Run it as
``python benchmarks/knowledge.py``.
"""

from __future__ import annotations

import importlib
import pydoc
import tempfile
import time
from pathlib import Path

from analyst.tools.knowledge.library import Library
from analyst.tools.knowledge.relevance import ENOUGH

MODULES = """
ast base64 bisect bz2 cProfile calendar cmd colorsys configparser copy csv datetime decimal difflib
dis doctest enum fractions ftplib getpass gettext gzip hashlib heapq hmac html.parser http.cookies
imaplib inspect ipaddress json locale logging lzma pickle pprint queue random re sched shlex shutil
smtplib socket sqlite3 ssl statistics string struct subprocess tarfile tempfile textwrap threading
timeit trace unicodedata unittest.mock urllib.parse uuid wave webbrowser zipfile argparse
""".split()  # noqa: SIM905 - a list of words

ANSWERED = """
median of grouped data = statistics
write rows to a delimited file = csv
compress a file with gzip = gzip
open a connection to a database file = sqlite3
smallest element of a priority queue = heapq
insert into a sorted list = bisect
copy a directory tree = shutil
create a temporary directory = tempfile
log messages with levels and handlers = logging
parse command line options = argparse
difference between two dates = datetime
extract all members of an archive = zipfile tarfile
send an e-mail message = smtplib
shuffle a list in place = random
exact rational arithmetic = fractions
rounding mode of decimal numbers = decimal
wrap a paragraph to a width = textwrap
close matches of a word = difflib
is this a leap year = calendar
prompt for a password without echoing = getpass
open a url in the browser = webbrowser
convert rgb to hsv = colorsys
read frames from a sound file = wave
first in first out queue between threads = queue
run a child process and capture its output = subprocess
verify a certificate = ssl
generate a random uuid = uuid
sha256 digest = hashlib
encode bytes as base64 = base64
deep copy of an object = copy
regular expression substitution = re
network address of a subnet = ipaddress
measure execution time of small code = timeit
replace an object by a mock in tests = unittest.mock
split a shell command line = shlex
read an ini file = configparser
"""

UNANSWERED = """
refund policy for damaged goods
capital of Mongolia
recipe for pancakes
churn of premium customers in 2023
how to treat a headache
Who won the world cup in 1998?
definition of EBITDA in the annual report
employee vacation days
mean fare of women
temperature in Berlin in March
photosynthesis in plants
Which customers bought the most?
gross margin by region
patients with diabetes
exchange rate of the euro
maternity leave rules
how is net revenue recognised
sample size of the clinical trial
who approves travel expenses
opening hours of the office
dosage of ibuprofen for children
warranty of the washing machine
when was the company founded
survey response rate
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "documents"
        folder.mkdir()
        for name in MODULES:
            words = pydoc.plain(pydoc.render_doc(importlib.import_module(name)))
            (folder / f"{name}.txt").write_text(words, encoding="utf-8")
        library = Library([folder], Path(place) / "index", enough=0)
        began = time.perf_counter()
        library.update()
        took = time.perf_counter() - began
        print(f"{len(MODULES)} files, {library.count()} passages, read in {took:.1f} s")
        best, first, fourth, seconds = [], 0, 0, []
        pairs = [line.split(" = ") for line in ANSWERED.strip().splitlines()]
        for question, modules in pairs:
            right = {f"{one}.txt" for one in modules.split()}
            began = time.perf_counter()
            found = library.search(question, 8)
            seconds.append(time.perf_counter() - began)
            best.append(max(one.relevance for one in found))
            first += found[0].file in right
            fourth += any(one.file in right for one in found[:4])
        print(f"first {first}/{len(pairs)}, among four {fourth}/{len(pairs)}")
        print(f"a search takes {sorted(seconds)[len(seconds) // 2] * 1000:.0f} ms")
        others = [
            max((one.relevance for one in library.search(question, 8)), default=0.0)
            for question in UNANSWERED.strip().splitlines()
        ]
        for limit in (0.3, 0.35, 0.4, ENOUGH, 0.45, 0.5, 0.6):
            told = sum(one >= limit for one in best)
            silent = sum(one < limit for one in others)
            print(f"from {limit:.2f}: answers {told}/{len(best)}, silent {silent}/{len(others)}")
        library.close()


if __name__ == "__main__":
    main()
