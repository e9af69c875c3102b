"""Whether the embedded model writes faster when tokens are guessed from what it has read.

Code repeats column names and code of before, so a guess by n-grams needs no second model: the
server looks the last tokens up in the conversation and checks what followed them in one go. For
each way to guess that the library has, a server with it and one without are up at once and
answer the same requests in turns, so that what else the machine does strikes both. Prints
medians of tokens per second, how many guesses were right, and whether the texts are the same.

    python benchmarks/speculative.py [ROUNDS] [WAY ...]

Two servers share the cores: nothing else should run, least of all the user's own server.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import httpx

from analyst.agent.context import Question
from analyst.llm import local_server
from analyst.llm.catalogue import DEFAULT_MODEL
from analyst.llm.local import server_status
from analyst.llm.weights import locate
from analyst.session.models import opening_for

KEY = "benchmark"
ROUNDS = 3
MOST_TOKENS = 300
START_SECONDS = 180.0
STOP = "\n```\n"

ORDERS = """df: 24310 rows x 9 columns
- 'order_id' int64 unique
- 'order_date' text 730 distinct: '2022-01-01', '2022-01-02', … (dates as text)
- 'customer_segment' text 3 distinct: 'Consumer', 'Corporate', 'Home Office'
- 'product_category' text 5 distinct: 'Furniture', 'Technology', 'Supplies', …
- 'shipping_region' text 4 distinct: 'north', 'south', 'east', 'west'
- 'unit_price' float64 0.99..2499.0, 12 null
- 'quantity_ordered' int64 1..48
- 'discount_rate' float64 0.0..0.5
- 'delivery_days' float64 0..31, 210 null"""

PATIENTS = """patients: 1830 rows x 8 columns
- 'patient_id' int64 unique
- 'age_at_admission' int64 18..97
- 'body_mass_index' float64 14.2..61.8, 37 null
- 'systolic_blood_pressure' float64 81..214, 9 null
- 'cholesterol_total' float64 2.1..10.4, 122 null
- 'smoking_status' text 3 distinct: 'never', 'former', 'current'
- 'treatment_group' text 2 distinct: 'control', 'treated'
- 'length_of_stay' int64 0..64"""

CODE = """```python
orders = df.dropna(subset=["unit_price"]).copy()
gross = orders["unit_price"] * orders["quantity_ordered"]
orders["revenue"] = gross * (1 - orders["discount_rate"])
by_category = orders.groupby("product_category")["revenue"].sum().sort_values(ascending=False)
print(by_category)
```"""

MENDED = """KeyError: 'discount'
The columns are: order_id, order_date, customer_segment, product_category, shipping_region,
unit_price, quantity_ordered, discount_rate, delivery_days
Write the code again, corrected."""


def asked(text: str, data: str = ORDERS, values: Sequence[str] = ()) -> list[dict[str, Any]]:
    content = Question(text=text, data=(data,), value_names=values).compose()
    return [*map(dict, opening_for("fenced")), {"role": "user", "content": content}]


def after(messages: list[dict[str, Any]], reply: str, said: str) -> list[dict[str, Any]]:
    return [
        *messages,
        {"role": "assistant", "content": reply},
        {"role": "user", "content": said},
    ]


_REVENUE = asked("What is the revenue of each product_category after discount_rate?")
PROMPTS: dict[str, list[dict[str, Any]]] = {
    "a mean": asked("What is the mean unit_price of Furniture in the north?"),
    "several values": asked(
        "For unit_price, quantity_ordered, discount_rate and delivery_days: the mean and the "
        "standard deviation of each, rounded to 2 decimals.",
        values=("mean_unit_price", "mean_quantity_ordered", "mean_discount_rate"),
    ),
    "a pivot": asked(
        "Revenue (unit_price times quantity_ordered) by customer_segment and shipping_region, as "
        "a table, and the share of each shipping_region within its customer_segment."
    ),
    "months": asked(
        "Convert order_date to dates, then the revenue of each month of 2022 and its change "
        "against the month before in percent."
    ),
    "outliers": asked(
        "How many rows are outliers by the IQR rule in unit_price, in quantity_ordered and in "
        "delivery_days? Remove them and report the means before and after."
    ),
    "a test": asked(
        "Do systolic_blood_pressure and cholesterol_total differ between the treatment_group "
        "control and treated? Use a t-test for each after dropping missing values.",
        PATIENTS,
    ),
    "a regression": asked(
        "Fit length_of_stay on age_at_admission, body_mass_index, systolic_blood_pressure and "
        "cholesterol_total by least squares with statsmodels and print the coefficients.",
        PATIENTS,
    ),
    "a chart": asked(
        "Draw systolic_blood_pressure against age_at_admission, coloured by smoking_status, one "
        "panel for each treatment_group.",
        PATIENTS,
    ),
    "the same for another": after(
        _REVENUE,
        CODE,
        "Technology 1,204,331.20\nFurniture 880,120.75\nSupplies 310,022.10\n\nNow the same for "
        "each shipping_region, and for each customer_segment.",
    ),
    "mending": after(_REVENUE, CODE.replace("discount_rate", "discount"), MENDED),
}

Tune = Callable[[Any, Any], None]
"""Sets a way to guess on the parameters of a server; gets the types of the library too."""


def _map(name: str, type_name: str, looked_up: int, guessed: int) -> Tune:
    def tune(speculative: Any, types: Any) -> None:
        speculative.types = [getattr(types, f"COMMON_SPECULATIVE_TYPE_{type_name}")]
        part = getattr(speculative, name)
        part.size_n, part.size_m, part.min_hits = looked_up, guessed, 1

    return tune


def _mod(matching: int, least: int, most: int) -> Tune:
    def tune(speculative: Any, types: Any) -> None:
        speculative.types = [types.COMMON_SPECULATIVE_TYPE_NGRAM_MOD]
        part = speculative.ngram_mod
        part.n_match, part.n_min, part.n_max = matching, least, most

    return tune


def _cache(speculative: Any, types: Any) -> None:
    speculative.types = [types.COMMON_SPECULATIVE_TYPE_NGRAM_CACHE]


WAYS: dict[str, Tune] = {
    "simple-3-8": _map("ngram_simple", "NGRAM_SIMPLE", 3, 8),
    "simple-5-16": _map("ngram_simple", "NGRAM_SIMPLE", 5, 16),
    "map-k-3-8": _map("ngram_map_k", "NGRAM_MAP_K", 3, 8),
    "map-k4v-3-8": _map("ngram_map_k4v", "NGRAM_MAP_K4V", 3, 8),
    "mod-16": _mod(16, 4, 16),
    "cache": _cache,
}


@dataclass
class Measured:
    """What one server did on one prompt, over all rounds."""

    speeds: list[float] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    guessed: int = 0
    right: int = 0

    def take(self, reply: dict[str, Any]) -> None:
        timings = reply["timings"]
        self.speeds.append(float(timings["predicted_per_second"]))
        self.guessed += int(timings.get("draft_n", 0))
        self.right += int(timings.get("draft_n_accepted", 0))
        self.texts.add(reply["choices"][0]["message"]["content"])

    @property
    def speed(self) -> float:
        return statistics.median(self.speeds)


def _serve(config: local_server.ServerConfig, way: str | None, pipe: Connection) -> None:
    """Run a server in this process until the pipe is closed."""
    import xllamacpp  # noqa: PLC0415 - only the servers' own processes need it

    parameters = local_server._parameters(config, KEY)  # noqa: SLF001 - as the real one is started
    if way is not None:
        WAYS[way](parameters.speculative, xllamacpp.common_speculative_type)
    server = xllamacpp.Server(parameters)
    pipe.send(server.listening_address)
    with suppress(EOFError):
        pipe.recv()


@contextmanager
def serving(way: str | None, directory: str) -> Iterator[httpx.Client]:
    config = local_server.ServerConfig(
        runtime_directory=directory,
        prefix_directory=directory,
        model_path=str(locate(DEFAULT_MODEL)),
        model_sha256=DEFAULT_MODEL.sha256,
        model_name=DEFAULT_MODEL.title,
        xllamacpp_version="",
        idle_seconds=0.0,
        context_tokens=8192,
        slots=1,
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(config, way, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(START_SECONDS):
            raise SystemExit(f"The server ({way or 'without guessing'}) did not start.")
        try:
            address = ours.recv()
        except EOFError:
            raise SystemExit(f"The server ({way or 'without guessing'}) ended at once.") from None
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(
            base_url=address, headers=headers, timeout=600.0, trust_env=False
        ) as client:
            yield client
    finally:
        ours.close()
        process.join(10)
        process.kill()


def ask(client: httpx.Client, messages: list[dict[str, Any]], most: int) -> dict[str, Any]:
    response = client.post(
        "/v1/chat/completions",
        json={
            "messages": messages,
            "max_tokens": most,
            "temperature": 0,
            "seed": 0,
            "stop": [STOP],
            "cache_prompt": True,
        },
    )
    response.raise_for_status()
    reply: dict[str, Any] = response.json()
    return reply


def compare(way: str, rounds: int) -> None:
    """Measure one way to guess against none, and print it."""
    with (
        tempfile.TemporaryDirectory() as directory,
        serving(None, directory) as plain,
        serving(way, directory) as guessing,
    ):
        found = {name: (Measured(), Measured()) for name in PROMPTS}
        for client in (plain, guessing):
            ask(client, PROMPTS["a mean"], 8)
        for number in range(rounds):
            for name, messages in PROMPTS.items():
                both = [*zip((plain, guessing), found[name], strict=True)]
                # Neither is always the first.
                for client, measured in both if number % 2 else reversed(both):
                    measured.take(ask(client, messages, MOST_TOKENS))
    print(f"\n{way}")
    print(f"  {'':22} {'without':>8} {'with':>8} {'ratio':>6} {'right':>6}  same text")
    ratios = []
    for name, (without, with_it) in found.items():
        ratio = with_it.speed / without.speed
        ratios.append(ratio)
        right = f"{with_it.right / with_it.guessed:.0%}" if with_it.guessed else "-"
        same = "yes" if without.texts == with_it.texts else "no"
        print(
            f"  {name:22} {without.speed:8.1f} {with_it.speed:8.1f} {ratio:6.2f} {right:>6}  {same}"
        )
    plain_speed = statistics.median(one.speed for one, _ in found.values())
    fast = statistics.median(one.speed for _, one in found.values())
    print(
        f"  {'median':22} {plain_speed:8.1f} {fast:8.1f} {statistics.median(ratios):6.2f}"
        f"        slowest {min(ratios):.2f}, fastest {max(ratios):.2f}"
    )


def main(arguments: Sequence[str]) -> None:
    rounds = int(arguments[0]) if arguments else ROUNDS
    ways = [*arguments[1:]] or [*WAYS]
    if unknown := [way for way in ways if way not in WAYS]:
        raise SystemExit(f"There is no way {', '.join(unknown)}; there are {', '.join(WAYS)}.")
    if server_status() is not None:
        raise SystemExit("The embedded model's server runs: analyst model stop ends it.")
    print(f"{len(PROMPTS)} prompts, {rounds} rounds, tokens per second (medians)")
    for way in ways:
        compare(way, rounds)


if __name__ == "__main__":
    main(sys.argv[1:])
