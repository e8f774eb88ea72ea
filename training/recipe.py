"""The training run as a whole: table → figures → thresholds → final pipeline → bundle folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training import export
from training.pipeline import best_f1_threshold, fit
from training.protocol import PROTOCOLS, Scored, figures, score
from training.table import read_table

VERSION = "v0.9_12D_GB"
INSPECTED = 0.30  # the part of the shots, nearest to the threshold, that a person should look at
NOVELTY_QUANTILE = 0.99


def train(csv_path: Path, schema_path: Path, out: Path,
          say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Train on `csv_path`, write the bundle to `out` and the fitted pipeline to `export.pipeline_folder(out)`. Returns
    the bundle's document; `say` hears of every stage.

    Everything chosen (thresholds, novelty limit) is chosen on out-of-fold predictions of the twin-free shots; the
    final model is then fitted on all of them.
    """
    table = read_table(csv_path, schema_path)
    unique = table.without_twins()
    scored: dict[str, Scored] = {}
    for number, protocol in enumerate(PROTOCOLS, 1):
        say(f"[{number}/{len(PROTOCOLS) + 1}] measuring: {protocol}")
        scored[protocol] = score(unique if protocol == "unique" else table, protocol)
    say(f"[{len(PROTOCOLS) + 1}/{len(PROTOCOLS) + 1}] fitting the final model")
    pipeline = fit(unique.features, unique.defect)
    return export.write(
        out, VERSION, table, unique, pipeline, thresholds(scored["unique"]),
        {protocol: {"definition": PROTOCOLS[protocol], **figures(held)} for protocol, held in scored.items()},
        scored["unique"].probability)


def thresholds(held: Scored) -> dict[str, float]:
    """Decision (best F1), the band to inspect around it, and the limit of the reconstruction error, all out of fold."""
    decision = best_f1_threshold(held.probability, held.defect)
    below, above = _band(held.probability, decision)
    return {"decision": decision, "accept_below": below, "reject_from": above,
            "novelty": float(np.quantile(held.error, NOVELTY_QUANTILE))}


def _band(probability: NDArray[np.float64], decision: float) -> tuple[float, float]:
    """The probabilities that enclose the INSPECTED part of the shots, half of it on either side of `decision`."""
    rank = float(np.mean(probability < decision))
    low, high = max(rank - INSPECTED / 2, 0.0), min(rank + INSPECTED / 2, 1.0)
    return float(np.quantile(probability, low)), float(np.quantile(probability, high))
