"""A kernel may send anything, with the right signature: the session goes on."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_sandbox import DisplayData, ErrorOutput, ExecuteResult, Stream, to_nbformat
from kernel_sandbox.outputs import MAX_NESTING, from_message

FORGE = """
kernel = get_ipython().kernel
FORGED = b'{"name": "stdout", "text": "forged"}'
DEEP = b'{"data": {"a/b":' + b'[' * 900 + b']' * 900 + b'}}'
def parent():
    return kernel.session.pack(kernel.get_parent('shell')['header'])
def header(kind):
    return kernel.session.pack(kernel.session.msg_header(kind))
def send(*parts, signature=None):
    signature = kernel.session.sign(list(parts)) if signature is None else signature
    kernel.iopub_thread.send_multipart([b'topic', b'<IDS|MSG>', signature, *parts])
"""


@pytest.mark.parametrize(
    "attack",
    [
        "kernel.iopub_thread.send_multipart([b'no delimiter'])",
        "kernel.iopub_thread.send_multipart([b'<IDS|MSG>'])",
        "kernel.iopub_thread.send_multipart([b''] * 3000)",
        "send(header('stream'), parent(), b'{}', FORGED, signature=b'0' * 64)",
        "send(header('stream'), parent(), b'{}', b'[' * 100000)",
        "send(header('stream'), parent(), b'{}', b'not json')",
        "send(header('stream'), parent(), b'{}', b'\\xff\\xfe')",
        "send(b'[]', b'[]', b'[]', b'[]')",
        "send(b'null', parent(), b'{}', b'{}')",
        "send(header('stream'), b'{\"msg_id\": [1]}', b'{}', b'{}')",
        "send(header('status'), parent(), b'{}', b'[]')",
        "send(header('stream'), parent(), b'{}', b'{\"text\": 5}')",
        "send(header('display_data'), parent(), b'{}', DEEP)",
    ],
)  # fmt: skip
async def test_a_malformed_message_is_dropped_and_the_cell_goes_on(session, run, attack):
    ran = await run(session, f"{FORGE}\n{attack}\nprint('after')")
    assert ran.result.status == "ok", ran.result
    assert ran.stdout == "after\n"
    assert not [o for o in ran.outputs if isinstance(o, Stream) and "forged" in o.text]
    assert (await run(session, "7")).value == "7"


async def test_a_forged_end_does_not_end_the_cell(session, run):
    forged = """send(header('status'), parent(), b'{}', b'{"execution_state": "idle"}')"""
    ran = await run(session, f"{FORGE}\n{forged}\nimport time; time.sleep(0.1); print('after')")
    assert ran.stdout == "after\n"


def test_nested_content_is_dropped_before_it_breaks_a_writer():
    tree = []
    for _ in range(MAX_NESTING + 5):
        tree = [tree]
    output = from_message("display_data", {"data": {"x/deep": tree, "text/html": "<b>"}})
    assert output.data["text/html"] == "<b>"
    assert "x/deep" not in output.data
    assert "nested too deeply" in output.data["text/plain"]


def test_text_that_no_file_can_hold_is_mended():
    output = from_message("stream", {"name": "stdout", "text": "a\ud800b"})
    assert output.text == "a?b"


def test_content_is_kept_as_it_is():
    tree = {"data": [{"y": [1, 2.5, None, True, "é"]}]}
    output = from_message(
        "display_data", {"data": {"application/json": tree}, "metadata": {"a": 1}}
    )
    assert output == DisplayData({"application/json": tree}, {"a": 1})
    assert to_nbformat(output) == {
        "output_type": "display_data",
        "data": {"application/json": tree},
        "metadata": {"a": 1},
    }


def test_lines_of_text_are_joined():
    output = from_message("execute_result", {"data": {"text/plain": ["a\n", "b"]}})
    assert output == ExecuteResult({"text/plain": "a\nb"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["name", "text", "data", "metadata", "transient", "ename", "evalue", "traceback", "wait",
     "execution_count"]
)  # fmt: skip


@given(
    kind=st.sampled_from(
        ["stream", "display_data", "update_display_data", "execute_result", "error",
         "clear_output", "status", "comm_msg"]
    ),
    content=JSON | st.dictionaries(FIELDS, JSON),
)  # fmt: skip
def test_whatever_comes_is_read_as_something_that_can_be_written(kind, content):
    output = from_message(kind, content)
    if output is not None and (written := to_nbformat(output)) is not None:
        json.dumps(written, ensure_ascii=False).encode("utf-8")
        if isinstance(output, ErrorOutput):
            assert all(isinstance(line, str) for line in output.traceback)
