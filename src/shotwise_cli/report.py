"""A diagnosis as text for a terminal, all of it in one language."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAX_TYPES = 3
MAX_SIGNALS = 8  # of an unusual shot nearly every value is badly rebuilt
SIGNS = ("outside_limits", "high_attribution", "high_error")

WORDS: dict[str, dict[str, str]] = {
    "ko": {
        "defect": "결함", "normal": "정상", "accept": "합격", "inspect": "검사 필요", "reject": "불합격",
        "high": "높음", "medium": "보통", "low": "낮음", "importance": "영향 분석", "knowledge": "문서 근거",
        "chart": "차트",
        "verdict": "판정: {kind} · 결함 확률 {probability:.1%} (판정 기준 {threshold:.1%}) · 권고: {advice} · "
                   "판정이 맞을 가능성: {confidence}",
        "history": "이 구간의 검사 결과 {results}건을 함께 반영했습니다. 샷의 값만으로는 {probability_alone:.1%}이며, "
                   "영향 분석은 이 값을 설명합니다.",
        "types": "가능한 결함: {types}", "few": "예가 너무 적어 확률을 말할 수 없는 결함: {types}",
        "conditions": "이 샷의 조건은 학습 데이터에 없던 것입니다. 새 생산 구간이라면 "
                      "이 구간의 검사 결과가 쌓여 모델을 다시 학습하기 전까지 판정을 참고로만 쓰십시오.",
        "unusual": "주의: 학습한 적 없는 샷입니다.",
        "outside_seen": "학습 범위를 벗어난 값: {names}",
        "outside": "양품 한계 밖: {feature} {value:g} (한계 {low:g}–{high:g})",
        "drivers": "영향이 큰 값 (배경 평균 {base:.1%} → 이 샷 {probability:.1%})", "absent": "측정 안 됨",
        "chart_at": "차트: {place}", "remedies": "권고 조치", "sources": "출처",
        "proposal": "바꿔 볼 설정 (결함 확률 {before:.1%} → {after:.1%}, 판정 기준보다 낮음 · 권고: {advice})",
        "no_proposal": "바꿔 볼 설정: {reason}",
        "caveat": "모델이 배운 연관성일 뿐 입증된 원인이 아닙니다. 양품 한계 안의 값이니 몇 샷만 먼저 시험해 보십시오.",
        "signals": "눈여겨볼 값 (근거가 서로 다른 세 신호이며, 엇갈려도 그대로 적습니다)",
        "outside_limits": "양품 한계 밖", "high_attribution": "큰 영향", "high_error": "복원 오차 큼",
        "unknown": "판단할 수 없음: {signs}", "more": "그 밖의 값 {count}개: {labels}",
        "source": "{title} {page}쪽 ({document})", "skipped": "건너뜀: {step} (정상으로 보이는 샷)",
        "degraded": "실패: {step} ({error})"},
    "en": {
        "defect": "defect", "normal": "normal", "accept": "accept", "inspect": "inspect", "reject": "reject",
        "high": "high", "medium": "medium", "low": "low", "importance": "importance", "knowledge": "documents",
        "chart": "chart",
        "verdict": "Verdict: {kind} · probability of a defect {probability:.1%} (threshold {threshold:.1%}) · "
                   "advice: {advice} · chance that the verdict is right: {confidence}",
        "history": "It rests on {results} inspection results of the run as well; by the shot's values alone "
                   "{probability_alone:.1%}, which is what the importance explains.",
        "types": "Possible defects: {types}", "few": "Too few examples to give a probability: {types}",
        "conditions": "The model has not seen conditions like these. In a new production run, take its verdicts as "
                      "hints only until it has been retrained with inspected shots of that run.",
        "unusual": "Careful: the model has never seen such a shot.",
        "outside_seen": "Outside the range of the training shots: {names}",
        "outside": "Outside the limits of good shots: {feature} {value:g} (limits {low:g}–{high:g})",
        "drivers": "What drove it (background mean {base:.1%} → this shot {probability:.1%})",
        "absent": "not measured", "chart_at": "Chart: {place}", "remedies": "What to do", "sources": "Sources",
        "proposal": "What to change (probability of a defect {before:.1%} → {after:.1%}, under the threshold · "
                    "advice: {advice})",
        "no_proposal": "What to change: {reason}",
        "caveat": "By association, not a proven cause; within the limits of good shots. Try it on a few shots first.",
        "signals": "Values to look at (three signals that rest on different things; where they disagree, it is told)",
        "outside_limits": "outside good shots", "high_attribution": "large contribution", "high_error": "badly rebuilt",
        "unknown": "cannot be said: {signs}", "more": "{count} more: {labels}",
        "source": "{title}, page {page} ({document})", "skipped": "Skipped: {step} (the shot looks normal)",
        "degraded": "Failed: {step} ({error})"},
}


def report(reply: dict[str, Any], language: str, labels: Mapping[str, str]) -> str:
    """The whole diagnosis, in the order in which a shot travels. labels: of the features, in the language."""
    words = WORDS[language]
    lines = _prediction_lines(reply["prediction"], words, labels)
    if reply["importance"]:
        lines += ["", *_importance_lines(reply["importance"], words)]
    if reply["knowledge"]:
        lines += ["", words["knowledge"], *knowledge_lines(reply["knowledge"], language)]
    lines += ["", *(words["skipped"].format(step=words[step]) for step in reply["skipped"])]
    lines += [words["degraded"].format(step=words[item["step"]], error=item["error"]) for item in reply["degraded"]]
    return "\n".join(lines).rstrip()


def _prediction_lines(found: dict[str, Any], words: dict[str, str], labels: Mapping[str, str]) -> list[str]:
    prediction, kind = found["prediction"], found["novelty"]["kind"]
    lines = [words["conditions"]] if kind == "conditions" else []
    lines.append(words["verdict"].format(
        kind=words[prediction["class"]], probability=prediction["probability"], threshold=prediction["threshold"],
        advice=words[prediction["advice"]], confidence=words[prediction["confidence"]]))
    if found["history"] and found["history"]["used"]:
        lines.append(words["history"].format(**found["history"]))
    if prediction["class"] == "defect":
        lines += _type_lines(found["defect_types"], words)
    if kind == "shot":
        lines.append(words["unusual"])
    if found["novelty"]["outside_seen"]:
        names = ", ".join(labels[name] for name in found["novelty"]["outside_seen"])
        lines.append(words["outside_seen"].format(names=names))
    return lines + [words["outside"].format(**{**breach, "feature": labels[breach["feature"]]})
                    for breach in found["limits"]]


def _type_lines(types: list[dict[str, Any]], words: dict[str, str]) -> list[str]:
    """The likeliest types, and those that have too few examples for a probability."""
    likely = [f"{kind['label']} {kind['probability']:.1%}" for kind in types if kind["probability"] is not None]
    few = [kind["label"] for kind in types if kind["probability"] is None]
    lines = (("types", likely[:MAX_TYPES]), ("few", few))
    return [words[key].format(types=", ".join(shown)) for key, shown in lines if shown]


def _importance_lines(found: dict[str, Any], words: dict[str, str]) -> list[str]:
    lines = [words["drivers"].format(base=found["base_value"], probability=found["probability"])]
    for top in found["top_features"]:
        measured = words["absent"] if top["measured"] is None else f"{top['measured']} {top['unit']}".rstrip()
        lines.append(f"  {top['value'] * 100:+6.2f}  {top['label']} = {measured}")
    url = found["visualization_url"]
    if url:
        lines.append(words["chart_at"].format(place=_place(url)))
    return [*lines, *_setpoint_lines(found, words), *_signal_lines(found["signals"] or [], words)]


def _setpoint_lines(found: dict[str, Any], words: dict[str, str]) -> list[str]:
    """The proposed changes, or why there are none; nothing where none is needed."""
    proposal = found["setpoints"]
    if not proposal or proposal["state"] == "not_needed":
        return []
    if not proposal["changes"]:
        return ["", words["no_proposal"].format(reason=proposal["reason"])]
    changes = (f"  {change['label']}: {change['from']:.12g} → {change['to']:.12g} {change['unit']}".rstrip()
               for change in proposal["changes"])
    told = words["proposal"].format(before=found["probability"], after=proposal["probability"],
                                    advice=words[proposal["advice"]])
    return ["", told, *changes, words["caveat"]]


def _signal_lines(signals: list[dict[str, Any]], words: dict[str, str]) -> list[str]:
    """What each of the three says of a value, and what it cannot say; the values beyond the first by name."""
    lines = []
    for signal in signals[:MAX_SIGNALS]:
        said, unknown = (", ".join(words[sign] for sign in SIGNS if signal[sign] is value) for value in (True, None))
        also = f" ({words['unknown'].format(signs=unknown)})" if unknown else ""
        lines.append(f"  {signal['label']}: {said}{also}")
    more = [signal["label"] for signal in signals[MAX_SIGNALS:]]
    if more:
        lines.append("  " + words["more"].format(count=len(more), labels=", ".join(more)))
    return ["", words["signals"], *lines] if lines else []


def _place(url: str) -> str:
    """Where the chart is: its file, as nothing need be serving while a command runs."""
    file = Path(os.environ.get("SHOTWISE_HOME", ".")) / "charts" / url.rsplit("/", 1)[1]
    return str(file) if file.is_file() else url


def knowledge_lines(found: dict[str, Any], language: str) -> list[str]:
    """The answer, its recommendations with their sources, and the sources with their pages."""
    words = WORDS[language]
    lines = [found["answer"]]
    if found["recommendations"]:
        lines += ["", words["remedies"]]
        pairs = zip(found["recommendations"], found["recommendation_sources"], strict=True)
        lines += [f"  · {text} [{source + 1}]" for text, source in pairs]
    if found["sources"]:
        lines += ["", words["sources"]]
        lines += [f"  [{number}] {words['source'].format(**source)}"
                  for number, source in enumerate(found["sources"], 1)]
    return lines
