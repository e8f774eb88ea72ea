"""The model card: what the model is, what its figures mean, what is assumed."""

from __future__ import annotations

from typing import Any

TEMPLATE = """# Model card: {version}

**What it does.** From the {count} values of one die-casting shot: the calibrated probability that the part is
defective, 12 latents, and how unusual the shot is. A torch autoencoder (12 latents) feeds, with the values
themselves, a scikit-learn gradient boosting; imputation, scaling, encoder, trees and calibration are fused into one
ONNX graph.

**Data.** {attribution}. {shots} rows, {unique_shots} unique shots (rows that repeat another in all values and labels
are twins and are kept once), {defective_unique_shots} of them defective, {runs} runs. The data is not part of this
project; up to 100 of its rows, rounded as published, ship as background shots, samples and events. sha256 of the
file: `{data_sha256}`.

## Figures

{figures}

`run-rate` is no model at all: every shot gets the defect rate of its run in the training part. `within-run` is the
ROC-AUC inside each run, weighted by its size; 0.5 is chance (under `unique`, `run-rate` falls below it because
holding a defect out lowers the rate that its run has left). Thresholds, scalers and calibration are fitted on the
training part only.

**Read them so.** Under `published` most test shots have an exact twin in the training part, so those figures measure
memory. Under `unique` much of what any model of this data knows is which run a shot belongs to: compare with
`run-rate` and with the within-run column before trusting a single prediction. No one's model of this data is known
to transfer to a run that it has not seen.

## Assumptions

- Units, plausible ranges (range seen ± 3 spans) and which values an operator can set are assumptions made from the
  values; the publisher names none of them.
- Limits of good shots are the quantiles 1 % and 99 % of good unique training shots, per product type.
- Probabilities of defect types are the calibrated probability of a defect × the type's share among the defective
  training shots of the product type. They do not depend on the shot's values.
- Thresholds: decision {decision:.3f} (best F1 out of fold), accept below {accept_below:.3f}, reject from
  {reject_from:.3f} (the 30 % of shots nearest to the decision lie between), reconstruction error limit {novelty:.4f}
  (99 % of held-out shots lie below).

Libraries: {libraries}.
"""


def model_card(document: dict[str, Any]) -> str:
    """The card of a bundle document, as Markdown."""
    training = document["training"]
    return TEMPLATE.format(
        version=document["version"], count=len(document["features"]), figures=_figures(document["figures"]),
        **{**training, "libraries": ", ".join(f"{name} {version}" for name, version in training["libraries"].items())},
        **document["thresholds"])


def _figures(figures: dict[str, Any]) -> str:
    lines = ["| protocol | who | F1 | precision | recall | ROC-AUC | within-run | shots | defective |",
             "|---|---|---|---|---|---|---|---|---|"]
    names = ("f1", "precision", "recall", "roc_auc", "within_run_roc_auc")
    for protocol, entry in figures.items():
        for who in ("shotwise", "run-rate"):
            numbers = " | ".join(f"{entry[who][name]:.3f}" for name in names)
            lines.append(f"| {protocol} | {who} | {numbers} | {entry[who]['n']:.0f} | {entry[who]['positives']:.0f} |")
    lines += ["", *(f"- `{protocol}`: {entry['definition']}." for protocol, entry in figures.items())]
    return "\n".join(lines)
