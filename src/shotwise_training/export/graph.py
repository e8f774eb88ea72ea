"""Build ONNX graphs of fitted models.

The whole pipeline (imputation, scaling, encoder, trees, calibration) is one graph, so serving cannot drift from
training. Two details keep the two equal. First, the trees' float64 thresholds become float32 in the graph. Each is
rounded *down*, because for every float32 x, `x <= t` and `x <= floor32(t)` are equivalent, while rounding to nearest
could send a shot to the other side. Second, the autoencoder runs in float64 and its latents are rounded to float32
before the trees read them, for the reason given in `models.pipeline`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import GradientBoostingClassifier

from shotwise_training.data.protocol import DELAY
from shotwise_training.models.configuration import Booster
from shotwise_training.models.defect_types import DefectTypeModel
from shotwise_training.models.distillation import BOUNDS
from shotwise_training.models.history import HALF_LIFE, PRIOR_WEIGHT, HistoryHead
from shotwise_training.models.pipeline import Pipeline
from shotwise_training.models.scaling import SCALED_LIMIT

OPSET = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
IR_VERSION = 8  # read by every onnxruntime that runs on Python 3.11 or later
# Do not rename nodes and constants inside the graphs: they are part of the files that a bundle's hashes cover, and the
# same training data has to give the same files.


class TreeNode(NamedTuple):
    """One node of a tree.

    Attributes
    ----------
    leaf : bool
        Whether it is a leaf; the next four fields are then unused.
    feature : int
        Column that is compared.
    threshold : float
        A shot goes left if its value is at most this.
    left, right : int
        Positions of the children.
    value : float or ndarray of float64, shape (n_targets,)
        Output of a leaf.
    """

    leaf: bool
    feature: int
    threshold: float
    left: int
    right: int
    value: float | NDArray[np.float64]


def fuse(pipeline: Pipeline) -> onnx.ModelProto:
    """Build the graph of a pipeline.

    Returns
    -------
    onnx.ModelProto
        Input: `features` float32 [N, F], NaN where a value was not measured. Outputs, float32: `probability` [N],
        `latent` [N, D], `reconstruction_error` [N], `feature_error` [N, F] and `distance` [N].
    """
    count = len(pipeline.scaling.median)
    nodes = [*_prepare(), *_autoencode(), *_boost(pipeline), *_distance()]
    graph = helper.make_graph(
        nodes, "shotwise",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", count])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["N"]),
         helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["N", pipeline.autoencoder.encode.out_features]),
         helper.make_tensor_value_info("reconstruction_error", TensorProto.FLOAT, ["N"]),
         helper.make_tensor_value_info("feature_error", TensorProto.FLOAT, ["N", count]),
         helper.make_tensor_value_info("distance", TensorProto.FLOAT, ["N"])],
        initializer=_initializers(_constants(pipeline)))
    return _checked(graph)


def _checked(graph: onnx.GraphProto) -> onnx.ModelProto:
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=IR_VERSION, producer_name="shotwise")
    onnx.checker.check_model(model, full_check=True)
    return model


def _prepare() -> list[onnx.NodeProto]:
    return [
        helper.make_node("IsNaN", ["features"], ["absent"]),
        helper.make_node("Where", ["absent", "median", "features"], ["imputed"]),
        helper.make_node("Cast", ["imputed"], ["imputed64"], to=TensorProto.DOUBLE),
        helper.make_node("Sub", ["imputed64", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "lowest", "highest"], ["bounded"]),
    ]


def _autoencode() -> list[onnx.NodeProto]:
    return [
        *_layer("bounded", "encode_hidden", "encode_hidden_out", tanh=True),
        *_layer("encode_hidden_out", "encode", "latent64", tanh=True),
        helper.make_node("Cast", ["latent64"], ["latent"], to=TensorProto.FLOAT),
        *_layer("latent64", "decode_hidden", "decode_hidden_out", tanh=True),
        *_layer("decode_hidden_out", "decode", "reconstructed", tanh=False),
        helper.make_node("Sub", ["scaled", "reconstructed"], ["difference"]),
        helper.make_node("Mul", ["difference", "difference"], ["squared"]),
        helper.make_node("Cast", ["squared"], ["feature_error"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["feature_error"], ["reconstruction_error"], axes=[1], keepdims=0),
    ]


def _layer(source: str, name: str, target: str, *, tanh: bool) -> list[onnx.NodeProto]:
    linear = f"{name}_linear" if tanh else target
    nodes = [helper.make_node("Gemm", [source, f"{name}.weight", f"{name}.bias"], [linear], transB=1)]
    return [*nodes, helper.make_node("Tanh", [linear], [target])] if tanh else nodes


def _distance() -> list[onnx.NodeProto]:
    """The distance of x to the nearest prototype c: the root of the minimum over c of |x|² - 2 x·c + |c|²."""
    return [
        helper.make_node("Mul", ["bounded", "weights"], ["weighted"]),
        helper.make_node("ReduceSumSquare", ["weighted"], ["own_square"], axes=[1], keepdims=1),
        helper.make_node("Gemm", ["weighted", "prototypes", "prototype_squares"], ["others"], transB=1, alpha=-2.0),
        helper.make_node("ReduceMin", ["others"], ["nearest"], axes=[1], keepdims=1),
        helper.make_node("Add", ["own_square", "nearest"], ["square"]),
        helper.make_node("Max", ["square", "nothing"], ["no_less"]),
        helper.make_node("Sqrt", ["no_less"], ["root"]),
        helper.make_node("Cast", ["root"], ["root32"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["root32", "flat"], ["distance"]),
    ]


def _boost(pipeline: Pipeline) -> list[onnx.NodeProto]:
    inputs = ["imputed", "latent"] if pipeline.latents else ["imputed"]
    return [
        helper.make_node("Concat", inputs, ["joined"], axis=1),
        helper.make_node("TreeEnsembleRegressor", ["joined"], ["margin"], domain="ai.onnx.ml",
                         **tree_attributes(pipeline.booster)),
        helper.make_node("Mul", ["margin", "slope"], ["sloped"]),
        helper.make_node("Add", ["sloped", "intercept"], ["log_odds"]),
        helper.make_node("Sigmoid", ["log_odds"], ["calibrated"]),
        helper.make_node("Reshape", ["calibrated", "flat"], ["probability"]),
    ]


def tree_attributes(booster: Booster) -> dict[str, Any]:
    """Convert the trees of a fitted boosting with one output to attributes of a TreeEnsembleRegressor."""
    attributes = _empty_attributes()
    for tree, nodes in enumerate(_trees(booster)):
        for position, node in enumerate(nodes):
            _add_node(attributes, tree, position, node)
    return {**attributes, "n_targets": 1, "base_values": [_base_value(booster)], "post_transform": "NONE"}


def _empty_attributes() -> dict[str, list[Any]]:
    return {name: [] for name in (
        "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids",
        "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids", "target_weights")}


def _trees(booster: Booster) -> Iterator[Iterator[TreeNode]]:
    """Yield every tree as its nodes."""
    if isinstance(booster, GradientBoostingClassifier):
        for tree in (estimator.tree_ for (estimator,) in booster.estimators_):
            yield map(TreeNode, tree.children_left < 0, tree.feature, tree.threshold, tree.children_left,
                      tree.children_right, booster.learning_rate * tree.value[:, 0, 0])
    else:
        for (predictor,) in booster._predictors:
            nodes = predictor.nodes
            yield map(TreeNode, nodes["is_leaf"].astype(bool), nodes["feature_idx"], nodes["num_threshold"],
                      nodes["left"], nodes["right"], nodes["value"])


def _base_value(booster: Booster) -> float:
    if isinstance(booster, GradientBoostingClassifier):
        defect_rate = booster.init_.class_prior_[1]
        return float(np.log(defect_rate / (1 - defect_rate)))
    return float(booster._baseline_prediction.item())


def _add_node(attributes: dict[str, list[Any]], tree: int, position: int, node: TreeNode) -> None:
    for name, entry in (("nodes_treeids", tree), ("nodes_nodeids", position),
                        ("nodes_featureids", 0 if node.leaf else int(node.feature)),
                        ("nodes_values", 0.0 if node.leaf else float(floor32(node.threshold))),
                        ("nodes_modes", "LEAF" if node.leaf else "BRANCH_LEQ"),
                        ("nodes_truenodeids", 0 if node.leaf else int(node.left)),
                        ("nodes_falsenodeids", 0 if node.leaf else int(node.right))):
        attributes[name].append(entry)
    for target, weight in enumerate(np.atleast_1d(node.value)) if node.leaf else ():
        for name, entry in (("target_treeids", tree), ("target_nodeids", position), ("target_ids", target),
                            ("target_weights", float(weight))):
            attributes[name].append(entry)


def types_graph(types: DefectTypeModel) -> onnx.ModelProto:
    """Build the graph of a model of defect types.

    Returns
    -------
    onnx.ModelProto
        Input: `features` float32 [N, F], NaN where a value was not measured. Output: `types` float32 [N, T], the
        chance that a defect shows each type.
    """
    trees = [estimator.tree_ for estimator in types.forest.estimators_]
    attributes: dict[str, Any] = _empty_attributes()
    for number, tree in enumerate(trees):
        tree_nodes = map(TreeNode, tree.children_left < 0, tree.feature, tree.threshold, tree.children_left,
                         tree.children_right, tree.value[:, :, 0] / len(trees))
        for position, node in enumerate(tree_nodes):
            _add_node(attributes, number, position, node)
    count = trees[0].value.shape[1]
    nodes = [helper.make_node("IsNaN", ["features"], ["absent"]),
             helper.make_node("Where", ["absent", "median", "features"], ["imputed"]),
             helper.make_node("TreeEnsembleRegressor", ["imputed"], ["types"], domain="ai.onnx.ml", n_targets=count,
                              post_transform="NONE", **attributes)]
    graph = helper.make_graph(
        nodes, "shotwise-types",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", len(types.median)])],
        [helper.make_tensor_value_info("types", TensorProto.FLOAT, ["N", count])],
        initializer=[numpy_helper.from_array(types.median, "median")])
    return _checked(graph)


def history_graph(head: HistoryHead) -> onnx.ModelProto:
    """Build the graph of a history head.

    Returns
    -------
    onnx.ModelProto
        Inputs: `probability` float32 [1], of the fused graph, and `outcome` float32 [H], inspection results of the
        run's earlier shots, newest last (1 defect, 0 normal, NaN not known). Outputs: `with_history` float32 [1], the
        combined probability, and `results` float32 [1], the summed weight of the known results.
    """
    node = helper.make_node
    nodes = [
        node("Shape", ["outcome"], ["shape"]), node("Squeeze", ["shape"], ["count"]),
        node("Range", ["count", "none", "down"], ["back"]), node("Cast", ["back"], ["back64"], to=TensorProto.DOUBLE),
        node("Max", ["back64", "delay"], ["age"]),
        node("Pow", ["kept", "age"], ["weight_if_known"]),
        node("Cast", ["outcome"], ["outcome64"], to=TensorProto.DOUBLE), node("IsNaN", ["outcome"], ["unknown"]),
        node("Where", ["unknown", "zero", "weight_if_known"], ["weight"]),
        node("Where", ["unknown", "zero", "outcome64"], ["defect"]), node("Mul", ["weight", "defect"], ["weighted"]),
        node("ReduceSum", ["weighted"], ["defects"], keepdims=1),
        node("ReduceSum", ["weight"], ["results64"], keepdims=1),
        node("Cast", ["results64"], ["results"], to=TensorProto.FLOAT),
        node("Cast", ["probability"], ["probability64"], to=TensorProto.DOUBLE),
        node("Mul", ["probability64", "base_weight"], ["base"]), node("Add", ["defects", "base"], ["all_defects"]),
        node("Add", ["results64", "base_weight"], ["all_results"]),
        node("Div", ["all_defects", "all_results"], ["rate"]),
        node("Clip", ["rate", "least", "most"], ["bounded"]), node("Sub", ["one", "bounded"], ["good"]),
        node("Div", ["bounded", "good"], ["odds"]), node("Log", ["odds"], ["log_odds"]),
        node("Mul", ["log_odds", "slope"], ["sloped"]), node("Add", ["sloped", "intercept"], ["calibrated"]),
        node("Sigmoid", ["calibrated"], ["found"]), node("Cast", ["found"], ["with_history"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(
        nodes, "shotwise-history",
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [1]),
         helper.make_tensor_value_info("outcome", TensorProto.FLOAT, ["H"])],
        [helper.make_tensor_value_info("with_history", TensorProto.FLOAT, [1]),
         helper.make_tensor_value_info("results", TensorProto.FLOAT, [1])],
        initializer=_initializers(_history_constants(head)))
    return _checked(graph)


def _history_constants(head: HistoryHead) -> dict[str, Any]:
    return {"none": np.int64(0), "down": np.int64(-1), "delay": np.float64(DELAY),
            "kept": np.float64(0.5 ** (1 / HALF_LIFE)), "zero": np.float64(0), "one": np.array([1.0]),
            "base_weight": np.array([PRIOR_WEIGHT]), "least": np.float64(BOUNDS[0]), "most": np.float64(BOUNDS[1]),
            "slope": np.array([head.slope]), "intercept": np.array([head.intercept])}


def floor32(value: float) -> np.float32:
    """Round down to float32: return the largest float32 that is not above `value`."""
    nearest = np.float32(value)
    return nearest if float(nearest) <= value else np.nextafter(nearest, np.float32(-np.inf), dtype=np.float32)


def _constants(pipeline: Pipeline) -> dict[str, Any]:
    scaling = pipeline.scaling
    return {
        "median": scaling.median, "mean": scaling.mean.astype(np.float64), "scale": scaling.scale.astype(np.float64),
        "lowest": np.float64(-SCALED_LIMIT), "highest": np.float64(SCALED_LIMIT),
        "slope": np.array([pipeline.slope], np.float32), "intercept": np.array([pipeline.intercept], np.float32),
        "flat": np.array([-1], np.int64), "nothing": np.array([0.0]), "weights": pipeline.weights,
        "prototypes": pipeline.prototypes, "prototype_squares": (pipeline.prototypes**2).sum(axis=1),
        **{name: weight.numpy() for name, weight in pipeline.autoencoder.state_dict().items()},
    }


def _initializers(constants: dict[str, Any]) -> list[onnx.TensorProto]:
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
