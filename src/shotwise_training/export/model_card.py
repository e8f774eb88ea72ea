"""Write the model card: what the model is, what its figures mean, what is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shotwise_training.evaluation.figures_text import figures_table, types_table

DESCRIPTIONS = {
    "shotwise": """A torch autoencoder (12 latents) feeds, with the values
themselves, a scikit-learn gradient boosting. The boosting is distilled from two forests: its target is the defect rate
that they estimate for shots like this one without having seen it, where the label itself is one throw of a coin. It
was chosen by protocols that never score a shot twice, and made to be right on shots that it has not seen. Serve this
one.""",
    "poc_baseline": """A torch autoencoder (12 latents) feeds, with the values
themselves, a scikit-learn gradient boosting of deep trees, fitted with the repeated rows: the pipeline of the proof of
concept. It knows every shot that it has seen again, which is what its figures under `published` measure, and it is
worse on shots that it has not seen. It is here so that those figures can be checked; do not decide by it."""}

TEMPLATE = """# Model card: {version}

**What it does.** From the {count} values of one shot: the calibrated probability that the part is
defective, 12 latents, and how unusual the shot is. {description}
Imputation, scaling, encoder, trees, calibration and prototypes are fused into one ONNX graph.

**Data.** {attribution}. {shots} rows, {unique_shots} unique shots (a row that repeats another in all values and
labels is a duplicate), {defective_unique_shots} of them defective, {runs} runs. The data is not part of this
project; up to 100 of its rows, rounded as published, ship as background shots, samples and events. sha256 of the
file: `{data_sha256}`.

## Figures

{figures}

In brackets: the 95 % bootstrap interval over shots. `run-rate` is no model at all: every shot gets the defect rate of
its run in the training part. `within-run` is the ROC-AUC inside each run, weighted by its size; 0.5 is chance (under
`unique`, `run-rate` falls below it because holding a defect out lowers the rate that its run has left). Thresholds,
scalers and calibration are fitted on the training part only.

**How far to believe them.** {warnings}
{types}
## Assumptions

- Units, plausible ranges (range seen ± 3 spans where the schema gives none) and which values an operator can set are
  assumptions made from the values; the schema says which.
- Limits of good shots are the quantiles 1 % and 99 % of good unique training shots, per product type: one good shot in
  a hundred lies outside of each.
- The probability of a defect type is the calibrated probability of a defect × the chance, by a forest of the defective
  shots alone, that a defect of such a shot shows it. A type with fewer than 50 examples gets no probability.
- Thresholds, all from predictions in which the shot was held out: decision {decision:.3f} (best F1), accept below
  {accept_below:.3f}, reject from {reject_from:.3f} (28 % of the shots lie between and are left to a person);
  reconstruction error limit {novelty:.4f} (99 % of the training shots lie below), distance limit {distance:.4f} (97 %).
{history}

Libraries: {libraries}.
"""

RATES = {"run-rate": "the defect rate of the run", "late-rate": "the rate of the latest known results"}
HISTORY = """- With `history`, the probability counts as one known inspection result of the run; each result halves its
  weight every 10 shots. Decision {decision:.3f}, accept below {accept_below:.3f}, reject from {reject_from:.3f}: from
  the last 30 % of every run, as predicted from the part before."""
NO_HISTORY = "- There is no history head: none was asked for, or the ends of the runs show too few shots of a class."


def model_card(manifest: dict[str, Any]) -> str:
    """Write the card of a bundle as Markdown, from its manifest (`bundle.json`) alone."""
    training = manifest["training"]
    libraries = ", ".join(f"{name} {version}" for name, version in training["libraries"].items())
    return TEMPLATE.format(
        version=manifest["version"], count=len(manifest["features"]),
        description=DESCRIPTIONS[training["configuration"]], figures="\n".join(_figures(manifest["figures"])),
        warnings=" ".join(_warnings(manifest["figures"])), types="\n".join(_types(manifest["type_figures"])),
        history=_history(manifest["history"]), **{**training, "libraries": libraries}, **manifest["thresholds"])


def _types(type_figures: dict[str, Any]) -> Iterator[str]:
    for protocol, types in type_figures.items():
        if not types:
            continue
        yield ""
        yield (f"Defect types under `{protocol}`; `by share` gives each the part that it had of the product type's "
               "past defects:")
        yield ""
        yield from types_table(types)
        yield ""
        intervals = {name: figures["difference"]["interval"] for name, figures in types.items()}
        worse = [name for name, (_, high) in intervals.items() if (high or 0) < 0]
        better = [name for name, (low, _) in intervals.items() if (low or 0) > 0]
        yield (f"Better than the share: {', '.join(better) or 'none'}. Worse: {', '.join(worse) or 'none'}. "
               "Of the others no difference is shown.")


def _history(thresholds: dict[str, float] | None) -> str:
    return HISTORY.format(**thresholds) if thresholds else NO_HISTORY


def _figures(figures: dict[str, Any]) -> Iterator[str]:
    for protocol, entry in figures.items():
        yield f"`{protocol}`: {entry['definition']}."
        yield ""
        yield from figures_table((name, values) for name, values in entry.items() if name != "definition")
        yield ""


def _warnings(figures: dict[str, Any]) -> Iterator[str]:
    """How far to believe the figures, judged by the figures themselves."""
    if "published" in figures:
        yield "Under `published` most test shots have an exact duplicate in training, so those figures measure memory."
    for protocol, entry in figures.items():
        for model in (values for name, values in entry.items() if name not in ("definition", *RATES)):
            low, high = model["interval"]["within_run_roc_auc"]
            if low is not None and low <= 0.5 <= high:
                yield (f"Under `{protocol}` the interval of the within-run ROC-AUC holds 0.5: the values tell the run, "
                       "not the shot.")
            for rate, meaning in RATES.items():
                rate_area = entry.get(rate, {}).get("roc_auc")
                if None not in (rate_area, model["roc_auc"]) and model["roc_auc"] <= rate_area:
                    yield f"Under `{protocol}` it ranks no better than {meaning} alone."
    yield ("No figure says that it transfers to a run that it has not seen; for such shots it says that their "
           "conditions are new.")
