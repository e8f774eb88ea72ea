"""Save and load fitted models without pickle; the parity tests compare the served graph with them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED

import skops.io
import torch

from shotwise.bundle import HistoryThresholds, Thresholds
from shotwise_training.export.output_folder import OutputError, OutputFolder
from shotwise_training.models.autoencoder import Autoencoder
from shotwise_training.models.defect_types import DefectTypeModel
from shotwise_training.models.history import HistoryHead
from shotwise_training.models.pipeline import Pipeline
from shotwise_training.models.scaling import Scaling

PIPELINES = Path(__file__).resolve().parents[1] / "pipelines"
MODELS = Path(__file__).resolve().parents[3] / "models"
FILES = frozenset(("pipeline.pt", "booster.skops", "types.skops"))
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
           "sklearn.tree._tree.Tree"]  # besides the types that skops trusts by default


@dataclass(frozen=True)
class FittedModels:
    """The fitted models that a bundle is made of.

    Attributes
    ----------
    pipeline : Pipeline
        Model of the probability of a defect.
    types : DefectTypeModel or None
        Model of the defect types; None if the table has no defect types.
    history : HistoryHead or None
        Combines known inspection results with the probability; None if none was fitted.
    """

    pipeline: Pipeline
    types: DefectTypeModel | None
    history: HistoryHead | None = None


def pipeline_folder(bundle: Path) -> Path:
    """Return the folder of a bundle's fitted models: in this package for a shipped bundle, else beside the bundle.

    Raises OutputError for the root of the file system.
    """
    bundle = Path(os.path.realpath(bundle))  # the same folder for a bundle and for a link to it
    if not bundle.name:
        raise OutputError(f"{bundle} cannot be a bundle folder; name another folder")
    shipped = bundle.parent == MODELS
    return PIPELINES / bundle.name if shipped else bundle.with_name(f"{bundle.name}.pipeline")


def pipeline_output(bundle: Path) -> OutputFolder:
    """Return the folder of a bundle's fitted models, to be written; it is theirs if it holds a pipeline.pt."""
    return OutputFolder(Path(os.path.realpath(pipeline_folder(bundle))), "folder of fitted models", FILES,
                        lambda folder: FILES if (folder / "pipeline.pt").is_file() else frozenset())


def save_pipeline(models: FittedModels, folder: Path) -> None:
    """Save fitted models into an empty folder: tensors in torch's format, trees in skops' format."""
    pipeline, history = models.pipeline, models.history
    tensors = BytesIO()  # torch itself reports a full disk as a RuntimeError without a reason
    torch.save({"autoencoder": pipeline.autoencoder.state_dict(), "latents": pipeline.latents,
                "scaling": {name: torch.from_numpy(array) for name, array in vars(pipeline.scaling).items()},
                "calibration": (pipeline.slope, pipeline.intercept), "thresholds": vars(pipeline.thresholds),
                "prototypes": torch.from_numpy(pipeline.prototypes), "weights": torch.from_numpy(pipeline.weights),
                "history": history and (history.slope, history.intercept, vars(history.thresholds))}, tensors)
    (folder / "pipeline.pt").write_bytes(tensors.getbuffer())
    skops.io.dump(pipeline.booster, folder / "booster.skops", compression=ZIP_DEFLATED)
    if models.types:
        skops.io.dump(models.types.forest, folder / "types.skops", compression=ZIP_DEFLATED)


def load_pipeline(folder: Path) -> FittedModels:
    """Load what `save_pipeline` saved; neither format can run code."""
    saved = torch.load(folder / "pipeline.pt", weights_only=True)
    weights = saved["autoencoder"]
    latents, features = weights["encode.weight"].shape[0], weights["decode.bias"].shape[0]
    autoencoder = Autoencoder(features, latents).double()
    autoencoder.load_state_dict(weights)
    slope, intercept = saved["calibration"]
    pipeline = Pipeline(
        Scaling(**{name: tensor.numpy() for name, tensor in saved["scaling"].items()}), autoencoder.eval(),
        skops.io.load(folder / "booster.skops", trusted=TRUSTED), slope, intercept, Thresholds(**saved["thresholds"]),
        saved["prototypes"].numpy(), saved["weights"].numpy(), saved["latents"])
    forest = folder / "types.skops"
    types = (DefectTypeModel(pipeline.scaling.median, skops.io.load(forest, trusted=TRUSTED)) if forest.exists()
             else None)
    if saved["history"] is None:
        return FittedModels(pipeline, types)
    slope, intercept, thresholds = saved["history"]
    return FittedModels(pipeline, types, HistoryHead(slope, intercept, HistoryThresholds(**thresholds)))
