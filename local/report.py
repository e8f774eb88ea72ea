"""A diagnosis as text for a terminal, in the language of its labels."""

from __future__ import annotations

from typing import Any

ADVICE = {"accept": "합격", "inspect": "검사 필요", "reject": "불합격"}
CONFIDENCE = {"high": "높음", "medium": "보통", "low": "낮음"}
STEPS = {"importance": "영향 분석", "knowledge": "문서 근거"}


def report(reply: dict[str, Any]) -> str:
    """The whole diagnosis, in the order in which a shot travels."""
    lines = _prediction_lines(reply["prediction"])
    if reply["importance"]:
        lines += _importance_lines(reply["importance"])
    if reply["knowledge"]:
        lines += ["", "문서 근거", *knowledge_lines(reply["knowledge"])]
    lines += [f"\n건너뜀: {STEPS[step]} (정상으로 보이는 샷)" for step in reply["skipped"]]
    lines += [f"\n실패: {STEPS[item['step']]} ({item['error']})" for item in reply["degraded"]]
    return "\n".join(lines)


def _prediction_lines(found: dict[str, Any]) -> list[str]:
    prediction = found["prediction"]
    kind = "결함" if prediction["class"] == "defect" else "정상"
    lines = [f"판정: {kind} · 결함 확률 {prediction['probability']:.1%} (기준 {prediction['threshold']:.1%}) · "
             f"권고: {ADVICE[prediction['advice']]} · 신뢰도: {CONFIDENCE[prediction['confidence']]}"]
    if prediction["class"] == "defect":
        types = ", ".join(f"{kind['label']} {kind['probability']:.1%}" for kind in found["defect_types"][:3])
        lines.append(f"가능한 결함: {types}")
    if found["novelty"]["unusual"]:
        lines.append(f"주의: 학습한 적 없는 유형의 샷입니다 {', '.join(found['novelty']['outside_seen'])}".rstrip())
    lines += [f"양품 한계 밖: {item['feature']} {item['value']:g} (한계 {item['low']:g}–{item['high']:g})"
              for item in found["limits"]]
    return lines


def _importance_lines(found: dict[str, Any]) -> list[str]:
    lines = ["", f"영향이 큰 값 (배경 평균 {found['base_value']:.1%} → {found['probability']:.1%})"]
    for top in found["top_features"]:
        measured = "측정 안 됨" if top["measured"] is None else f"{top['measured']} {top['unit']}".rstrip()
        lines.append(f"  {top['value'] * 100:+6.2f}%p  {top['label']} = {measured}")
    return [*lines, f"차트: {found['visualization_url']}"] if found["visualization_url"] else lines


def knowledge_lines(found: dict[str, Any]) -> list[str]:
    """The answer, its recommendations with their sources, and the sources with their pages."""
    lines = [found["answer"]]
    if found["recommendations"]:
        lines += ["", "권고 조치"]
        pairs = zip(found["recommendations"], found["recommendation_sources"], strict=True)
        lines += [f"  · {text} [{source + 1}]" for text, source in pairs]
    if found["sources"]:
        lines += ["", "출처"]
        lines += [f"  [{number}] {source['title']} {source['page']}쪽 ({source['document']})"
                  for number, source in enumerate(found["sources"], 1)]
    return lines
