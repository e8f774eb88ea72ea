"""The model card: what the model is, what its figures mean, what is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shotwise_training.evaluation.figures_text import table, types_table

WHAT = {
    "shotwise": """A torch autoencoder (12 latents) feeds, with the values
themselves, a scikit-learn gradient boosting. The boosting is taught: its target is the defect rate that two forests
give the shot's surroundings without the shot itself, not the one throw of a coin that the label is. It was chosen by
protocols that never score a shot twice, and made to be right on shots that it has not seen. Serve this one.""",
    "poc_baseline": """A torch autoencoder (12 latents) feeds, with the values
themselves, a scikit-learn gradient boosting of deep trees, fitted with the repeated rows: the pipeline of the proof of
concept. It knows every shot that it has seen again, which is what its figures under `published` measure, and it is
worse on shots that it has not seen. It is here so that those figures can be checked; do not decide by it."""}

TEMPLATE = """# Model card: {version}

**What it does.** From the {count} values of one shot: the calibrated probability that the part is
defective, 12 latents, and how unusual the shot is. {what}
Imputation, scaling, encoder, trees, calibration and prototypes are fused into one ONNX graph.

**Data.** {attribution}. {shots} rows, {unique_shots} unique shots (rows that repeat another in all values and labels
are twins), {defective_unique_shots} of them defective, {runs} runs. The data is not part of this
project; up to 100 of its rows, rounded as published, ship as background shots, samples and events. sha256 of the
file: `{data_sha256}`.

## Figures

{figures}

In brackets: the 95 % bootstrap interval over shots. `run-rate` is no model at all: every shot gets the defect rate of
its run in the training part. `within-run` is the ROC-AUC inside each run, weighted by its size; 0.5 is chance (under
`unique`, `run-rate` falls below it because holding a defect out lowers the rate that its run has left). Thresholds,
scalers and calibration are fitted on the training part only.

**Read them so.** {warning}
{types}
## Assumptions

- Units, plausible ranges (range seen ± 3 spans where the schema gives none) and which values an operator can set are
  assumptions made from the values; the schema says which.
- Limits of good shots are the quantiles 1 % and 99 % of good unique training shots, per product type: one good shot in
  a hundred lies outside of each.
- The probability of a defect type is the calibrated probability of a defect × the chance, by a forest of the defective
  shots alone, that a defect of such a shot shows it. Of a type with fewer than 50 examples nothing is said.
- Thresholds, all from predictions in which the shot was held out: decision {decision:.3f} (best F1), accept below
  {accept_below:.3f}, reject from {reject_from:.3f} (28 % of the shots lie between and are left to a person);
  reconstruction error limit {novelty:.4f} (99 % of the training shots lie below), distance limit {distance:.4f} (97 %).
{history}

Libraries: {libraries}.
"""

RATES = {"run-rate": "the defect rate of the run", "late-rate": "the rate of the latest known results"}
HISTORY = """- With `history`, the probability counts as one known inspection result of the run; each result halves its
  weight every 10 shots. Decision {decision:.3f}, accept below {accept_below:.3f}, reject from {reject_from:.3f}: from
  the last 30 % of every run, as foretold from the part before."""
NO_HISTORY = "- There is no history head: none was asked for, or the ends of the runs show too few shots of a class."


def model_card(manifest: dict[str, Any]) -> str:
    """The card of a bundle's manifest, as Markdown."""
    training = manifest["training"]
    return TEMPLATE.format(
        version=manifest["version"], count=len(manifest["features"]), what=WHAT[training["configuration"]],
        figures="\n".join(_figures(manifest["figures"])), warning=" ".join(_warnings(manifest["figures"])),
        **{**training, "libraries": ", ".join(f"{name} {version}" for name, version in training["libraries"].items())},
        types="\n".join(_types(manifest["type_figures"])), history=_history(manifest["history"]),
        **manifest["thresholds"])


def _types(figures: dict[str, Any]) -> Iterator[str]:
    for protocol, found in figures.items():
        if not found:
            continue
        yield ""
        yield (f"Defect types under `{protocol}`; `by share` gives each the part that it had of the product type's "
               "past defects:")
        yield ""
        yield from types_table(found)
        yield ""
        worse = [name for name, one in found.items() if (one["difference"]["interval"][1] or 0) < 0]
        better = [name for name, one in found.items() if (one["difference"]["interval"][0] or 0) > 0]
        yield (f"Better than the share: {', '.join(better) or 'none'}. Worse: {', '.join(worse) or 'none'}. "
               "Of the others no difference is shown.")


def _history(thresholds: dict[str, float] | None) -> str:
    return HISTORY.format(**thresholds) if thresholds else NO_HISTORY


def _figures(figures: dict[str, Any]) -> Iterator[str]:
    for protocol, entry in figures.items():
        yield f"`{protocol}`: {entry['definition']}."
        yield ""
        yield from table((who, found) for who, found in entry.items() if who != "definition")
        yield ""


def _warnings(figures: dict[str, Any]) -> Iterator[str]:
    """What the figures themselves say about how far to believe them."""
    if "published" in figures:
        yield "Under `published` most test shots have an exact twin in training, so those figures measure memory."
    for protocol, entry in figures.items():
        for found in (found for who, found in entry.items() if who not in ("definition", *RATES)):
            low, high = found["interval"]["within_run_roc_auc"]
            if low is not None and low <= 0.5 <= high:
                yield (f"Under `{protocol}` the interval of the within-run ROC-AUC holds 0.5: the values tell the run, "
                       "not the shot.")
            for rate, meaning in RATES.items():
                area = entry.get(rate, {}).get("roc_auc")
                if None not in (area, found["roc_auc"]) and found["roc_auc"] <= area:
                    yield f"Under `{protocol}` it ranks no better than {meaning} alone."
    yield ("No figure says that it transfers to a run that it has not seen; for such shots it says that their "
           "conditions are new.")
