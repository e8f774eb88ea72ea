"""Write the report of a diagnosis: the reply as text for a terminal, in one language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shotwise.hidden_characters import visible

MAX_TYPES = 3
MAX_SIGNALS = 8  # values; an unusual shot has a large reconstruction error in nearly all of them
SIGNALS = ("outside_limits", "high_attribution", "high_error")

TEXTS: dict[str, dict[str, str]] = {
    "ko": {
        "defect": "결함", "normal": "정상", "accept": "합격", "inspect": "검사 필요", "reject": "불합격",
        "high": "높음", "medium": "보통", "low": "낮음", "importance": "영향 분석", "knowledge": "문서 근거",
        "chart": "차트",
        "verdict": "판정: {kind} · 결함 확률 {probability:.1%} (판정 기준 {threshold:.1%}) · 권고: {advice} · "
                   "판정이 맞을 가능성: {confidence}",
        "history": "이 런의 검사 결과 {results}건을 함께 반영했습니다. 샷의 값만으로는 {probability_alone:.1%}이며, "
                   "영향 분석은 이 값을 설명합니다.",
        "types": "가능한 결함: {types}", "few": "사례가 너무 적어 확률을 제시할 수 없는 결함: {types}",
        "conditions": "이 샷의 조건은 학습 데이터에 없던 것입니다. 새 생산 런이라면, 이 런의 검사 결과로 모델을 다시 "
                      "학습하기 전까지 판정을 참고로만 쓰십시오.",
        "unusual": "주의: 학습한 적 없는 유형의 샷입니다. 판정을 그대로 믿지 마십시오.",
        "outside_seen": "학습 범위를 벗어난 값: {names}",
        "outside": "양품 한계 밖: {feature} {value:g} (한계 {low:g}–{high:g})",
        "drivers": "영향이 큰 값 (퍼센트포인트, 배경 샷 평균 {base:.1%} → 이 샷 {probability:.1%})",
        "absent": "측정 안 됨",
        "chart_at": "차트: {location}", "remedies": "권고 조치", "sources": "출처",
        "proposal": "설정 제안 (결함 확률 {before:.1%} → {after:.1%}, 판정 기준보다 낮음 · 권고: {advice})",
        "no_proposal": "설정 제안: {reason}",
        "caveat": "모델이 배운 연관성일 뿐 입증된 원인이 아닙니다. 바꿀 값은 양품 한계 안에서 골랐지만, 먼저 몇 샷만 "
                  "시험해 보십시오.",
        "signals": "눈여겨볼 값 (근거가 서로 다른 세 신호이며, 서로 엇갈려도 그대로 보여 줍니다)",
        "outside_limits": "양품 한계 밖", "high_attribution": "영향 큼", "high_error": "복원 오차 큼",
        "unknown": "판단할 수 없음: {signals}", "more": "그 밖의 값 {count}개: {labels}",
        "source": "{title} {page}쪽 ({document})", "skipped": "건너뜀: {step} (정상으로 보이는 샷)",
        "degraded": "실패: {step} ({error}). 나머지 결과는 유효합니다. 다시 진단하십시오."},
    "en": {
        "defect": "defect", "normal": "normal", "accept": "accept", "inspect": "inspect", "reject": "reject",
        "high": "high", "medium": "medium", "low": "low", "importance": "importance", "knowledge": "documents",
        "chart": "chart",
        "verdict": "Verdict: {kind} · probability of a defect {probability:.1%} (threshold {threshold:.1%}) · "
                   "advice: {advice} · chance that the verdict is right: {confidence}",
        "history": "This includes {results} inspection results of the same run; from the shot's values alone the "
                   "probability is {probability_alone:.1%}, which is what the importance explains.",
        "types": "Possible defects: {types}", "few": "Too few examples to give a probability: {types}",
        "conditions": "The model has not seen conditions like these. In a new production run, take its verdicts as "
                      "hints only until it has been retrained with inspected shots of that run.",
        "unusual": "Careful: the model has never seen a shot like this. Do not rely on the verdict alone.",
        "outside_seen": "Outside the range of the training shots: {names}",
        "outside": "Outside the limits of good shots: {feature} {value:g} (limits {low:g}–{high:g})",
        "drivers": "What drove it (percentage points, background mean {base:.1%} → this shot {probability:.1%})",
        "absent": "not measured", "chart_at": "Chart: {location}", "remedies": "What to do", "sources": "Sources",
        "proposal": "What to change (probability of a defect {before:.1%} → {after:.1%}, under the threshold · "
                    "advice: {advice})",
        "no_proposal": "What to change: {reason}",
        "caveat": "This is what the model says from association, not a proven cause. The new values lie within the "
                  "limits of good shots; try them on a few shots first.",
        "signals": "Values to look at (three signals from different evidence; where they disagree, each is shown)",
        "outside_limits": "outside the limits of good shots", "high_attribution": "large contribution",
        "high_error": "large reconstruction error",
        "unknown": "unknown: {signals}", "more": "{count} more: {labels}",
        "source": "{title}, page {page} ({document})", "skipped": "Skipped: {step} (the shot looks normal)",
        "degraded": "Failed: {step} ({error}). The other results stand. Diagnose again."},
}


def diagnosis_report(reply: dict[str, Any], language: str, labels: Mapping[str, str]) -> str:
    """Write the report of a diagnosis.

    Parameters
    ----------
    reply : dict
        What POST /diagnose replies.
    language : str
        "ko" or "en"; the reply has to be in the same language.
    labels : mapping
        Feature name → label, in that language.
    """
    texts = TEXTS[language]
    lines = _prediction_lines(reply["prediction"], texts, labels)
    if reply["importance"]:
        lines += ["", *_importance_lines(reply["importance"], texts)]
    if reply["knowledge"]:
        lines += ["", texts["knowledge"], *answer_lines(reply["knowledge"], language)]
    lines += ["", *(texts["skipped"].format(step=texts[step]) for step in reply["skipped"])]
    lines += [texts["degraded"].format(step=texts[failure["step"]], error=failure["error"])
              for failure in reply["degraded"]]
    return "\n".join(lines).rstrip()


def _prediction_lines(reply: dict[str, Any], texts: dict[str, str], labels: Mapping[str, str]) -> list[str]:
    """The verdict with its warnings, the possible defects, and the values outside of limits."""
    prediction, kind = reply["prediction"], reply["novelty"]["kind"]
    lines = [texts["conditions"]] if kind == "conditions" else []
    lines.append(texts["verdict"].format(
        kind=texts[prediction["class"]], probability=prediction["probability"], threshold=prediction["threshold"],
        advice=texts[prediction["advice"]], confidence=texts[prediction["confidence"]]))
    if reply["history"] and reply["history"]["used"]:
        lines.append(texts["history"].format(**reply["history"]))
    if prediction["class"] == "defect":
        lines += _type_lines(reply["defect_types"], texts)
    if kind == "shot":
        lines.append(texts["unusual"])
    if reply["novelty"]["outside_seen"]:
        names = ", ".join(labels[name] for name in reply["novelty"]["outside_seen"])
        lines.append(texts["outside_seen"].format(names=names))
    return lines + [texts["outside"].format(**{**breach, "feature": labels[breach["feature"]]})
                    for breach in reply["limits"]]


def _type_lines(types: list[dict[str, Any]], texts: dict[str, str]) -> list[str]:
    """The most likely defect types, and those with too few examples for a probability."""
    likely = [f"{kind['label']} {kind['probability']:.1%}" for kind in types if kind["probability"] is not None]
    few = [kind["label"] for kind in types if kind["probability"] is None]
    lines = (("types", likely[:MAX_TYPES]), ("few", few))
    return [texts[key].format(types=", ".join(labels)) for key, labels in lines if labels]


def _importance_lines(importance: dict[str, Any], texts: dict[str, str]) -> list[str]:
    """The top features with their contributions in percentage points, the chart, setpoints and signals."""
    lines = [texts["drivers"].format(base=importance["base_value"], probability=importance["probability"])]
    for feature in importance["top_features"]:
        measured = texts["absent"] if feature["measured"] is None \
            else f"{feature['measured']} {feature['unit']}".rstrip()
        lines.append(f"  {feature['value'] * 100:+6.2f}  {feature['label']} = {measured}")
    url = importance["visualization_url"]
    if url:
        lines.append(texts["chart_at"].format(location=_chart_location(url)))
    return [*lines, *_setpoint_lines(importance, texts), *_signal_lines(importance["signals"] or [], texts)]


def _setpoint_lines(importance: dict[str, Any], texts: dict[str, str]) -> list[str]:
    """The proposed changes, or why there are none; nothing where no change is needed."""
    proposal = importance["setpoints"]
    if not proposal or proposal["state"] == "not_needed":
        return []
    if not proposal["changes"]:
        return ["", texts["no_proposal"].format(reason=proposal["reason"])]
    changes = (f"  {change['label']}: {change['from']:.12g} → {change['to']:.12g} {change['unit']}".rstrip()
               for change in proposal["changes"])
    head = texts["proposal"].format(before=importance["probability"], after=proposal["probability"],
                                    advice=texts[proposal["advice"]])
    return ["", head, *changes, texts["caveat"]]


def _signal_lines(signals: list[dict[str, Any]], texts: dict[str, str]) -> list[str]:
    """A line for each of the first MAX_SIGNALS values, with its raised and unknown signals; the others by name only."""
    lines = []
    for feature in signals[:MAX_SIGNALS]:
        raised, unknown = (", ".join(texts[name] for name in SIGNALS if feature[name] is state)
                           for state in (True, None))
        suffix = f" ({texts['unknown'].format(signals=unknown)})" if unknown else ""
        lines.append(f"  {feature['label']}: {raised}{suffix}")
    more = [feature["label"] for feature in signals[MAX_SIGNALS:]]
    if more:
        lines.append("  " + texts["more"].format(count=len(more), labels=", ".join(more)))
    return ["", texts["signals"], *lines] if lines else []


def _chart_location(url: str) -> str:
    """The chart's file if it exists, because a command runs no server for the chart's URL; else the URL."""
    file = Path(os.environ.get("SHOTWISE_HOME", ".")) / "charts" / url.rsplit("/", 1)[1]
    return str(file) if file.is_file() else url


def answer_lines(reply: dict[str, Any], language: str) -> list[str]:
    """The answer to a question: its text, the recommendations with their sources, and the sources with their pages."""
    texts = TEXTS[language]
    lines = [reply["answer"]]
    if reply["recommendations"]:
        lines += ["", texts["remedies"]]
        pairs = zip(reply["recommendations"], reply["recommendation_sources"], strict=True)
        lines += [f"  · {visible(text)} [{source + 1}]" for text, source in pairs]
    if reply["sources"]:
        lines += ["", texts["sources"]]
        lines += [f"  [{number}] {visible(texts['source'].format(**source))}"
                  for number, source in enumerate(reply["sources"], 1)]
    return lines
