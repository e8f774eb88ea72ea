"""The texts of the diagnosis and of what both screens share, in both languages."""

from __future__ import annotations

# key: (Korean, English)
PAGE_MESSAGES: dict[str, tuple[str, str]] = {
    "page.subtitle": ("다이캐스팅 샷 진단", "Die-casting shot diagnosis"),
    "page.screen": ("화면", "Screen"),
    "screen.diagnosis": ("진단", "Diagnosis"),
    "screen.documents": ("문서", "Documents"),
    "page.language": ("언어", "Language"),
    "page.start": ("샷을 고르거나 값을 고친 뒤 ‘진단’을 누르십시오.",
                   "Pick a shot or edit its values, then press Diagnose."),
    "page.start_more": ("결함 확률, 영향이 큰 값, 설정 제안, 문서 근거와 권고 조치를 한 번에 보여 줍니다.",
                        "You get the probability of a defect, the values behind it, what to change, and what the "
                        "documents say and recommend, all at once."),
    "page.stale": ("아래는 고치기 전의 진단입니다. 다시 진단하십시오.",
                   "The diagnosis below is of the shot before your edit. Diagnose again."),
    "page.busy": ("진단하고 있습니다 …", "Diagnosing …"),

    "shot.title": ("샷", "Shot"),
    "shot.pick": ("샘플 샷", "Sample shot"),
    "shot.name": ("샘플 {number} · 검사 결과 {outcome}", "Sample {number} · inspected: {outcome}"),
    "shot.found": ("검사에서 찾은 결함: {types}", "Found at inspection: {types}"),
    "shot.found_good": ("검사에서 양품으로 판정된 샷입니다.", "Inspection found no defect on this part."),
    "shot.found_bad": ("검사에서 불량으로 판정된 샷입니다.", "Inspection found this part defective."),
    "shot.edited": ("값을 고쳤습니다. 검사 결과는 고치기 전 샷의 것입니다.",
                    "Values were edited; the inspection result is that of the original shot."),
    "shot.outcome.defect": ("불량", "defective"),
    "shot.outcome.normal": ("양품", "good"),
    "shot.diagnose": ("진단", "Diagnose"),
    "shot.question": ("문서에 묻기 (선택)", "Ask the documents (optional)"),
    "shot.question_example": ("예: 비스킷 두께가 얇으면 어떤 결함이 생깁니까?",
                              "E.g. which defects does a thin biscuit cause?"),
    "shot.question_note": ("비워 두면 진단 결과로 질문을 만듭니다.",
                           "Left empty, the question is worded from the diagnosis."),
    "shot.always": ("정상으로 보여도 항상 분석", "Always analyse, even when the shot looks fine"),
    "shot.values": ("측정값", "Measured values"),
    "shot.empty_note": ("‘측정 안 됨’이 보이는 칸은 비워 둘 수 있습니다.",
                        "A field that shows “not measured” when cleared may stay empty."),
    "shot.not_measured": ("측정 안 됨", "not measured"),
    "shot.needed": ("값이 필요합니다", "a value is needed"),
    "group.process": ("공정 조건", "Process"),
    "group.sensor": ("센서", "Sensors"),
    "group.other": ("기타", "Other"),
    "group.constant": ("고정값 {count}개", "Constants ({count})"),

    "step.predict": ("예측", "prediction"),
    "step.importance": ("영향 분석", "importance"),
    "step.knowledge": ("문서 근거", "documents"),
    "step.chart": ("차트", "chart"),
    "step.embedding": ("뜻 검색", "search by meaning"),
    "step.generation": ("답 작성", "wording of the answer"),
    "step.whole_call": ("전체", "whole call"),
    "step.skipped": ("정상으로 보이는 샷이므로 {step} 단계를 건너뛰었습니다. 보려면 ‘항상 분석’에서 고르십시오.",
                     "The shot looks fine, so this step was skipped: {step}. "
                     "To see it, tick it under “Always analyse”."),
    "step.late": ("{step} 단계가 제시간에 끝나지 않았습니다. 나머지 결과는 유효합니다. 잠시 뒤 다시 진단하십시오.",
                  "This step took too long: {step}. The other results stand. Diagnose again in a moment."),

    "verdict.title": ("판정", "Verdict"),
    "verdict.defect": ("결함", "Defect"),
    "verdict.normal": ("정상", "Normal"),
    "verdict.probability": ("결함 확률", "Probability of a defect"),
    "verdict.threshold": ("판정 기준", "Decision threshold"),
    "verdict.advice": ("권고", "Advice"),
    "verdict.confidence": ("판정이 맞을 가능성", "Chance the verdict is right"),
    "advice.accept": ("합격", "accept"),
    "advice.inspect": ("검사 필요", "inspect"),
    "advice.reject": ("불합격", "reject"),
    "confidence.high": ("높음", "high"),
    "confidence.medium": ("보통", "medium"),
    "confidence.low": ("낮음", "low"),
    "types.title": ("가능한 결함", "Possible defects"),
    "types.few": ("사례가 너무 적어 확률을 제시할 수 없는 결함: {labels}",
                  "Too few examples to give a probability: {labels}"),

    "novelty.conditions": ("이 샷의 조건은 학습 데이터에 없던 것입니다. 새 생산 런이라면, 이 런의 검사 결과로 모델을 "
                           "다시 학습하기 전까지 판정을 참고로만 쓰십시오.",
                           "The model has not seen conditions like these. In a new production run, take its verdicts "
                           "as hints only until it has been retrained with inspected shots of that run."),
    "warning.title": ("주의", "Warnings"),
    "warning.unusual": ("학습한 적 없는 유형의 샷입니다. 판정을 그대로 믿지 마십시오.",
                        "The model has never seen a shot like this. Do not rely on the verdict alone."),
    "warning.outside_seen": ("학습 범위를 벗어난 값: {labels}", "Outside the range of the training shots: {labels}"),
    "warning.imputed": ("측정되지 않아 채운 값: {labels}", "Not measured, so filled in: {labels}"),
    "warning.limits": ("양품 한계를 벗어난 값", "Outside the limits of good shots"),

    "table.value": ("항목", "Value"),
    "table.measured": ("측정값", "Measured"),
    "table.limits": ("양품 한계", "Good shots"),
    "table.effect": ("확률에 준 영향", "Effect on probability"),
    "table.points": ("{points}%p", "{points} pp"),
    "importance.title": ("영향이 큰 값", "What drove it"),
    "importance.note": ("배경 샷 평균 {base}에서 이 샷의 {probability}까지, 값마다 확률을 높이거나 낮춘 크기입니다.",
                        "What each value added or took away, from the background average of {base} to this shot's "
                        "{probability}."),
    "importance.no_chart": ("차트를 불러오지 못했습니다. 아래 표는 유효합니다. 잠시 뒤 다시 진단하십시오.",
                            "The chart could not be loaded. The table below stands. Diagnose again in a moment."),

    "setpoints.title": ("설정 제안", "What to change"),
    "setpoints.note": ("모델의 계산으로 결함 확률이 판정 기준보다 낮아지는 가장 작은 변경입니다.",
                       "The smallest change found that, by the model, brings the probability under the decision "
                       "threshold."),
    "setpoints.setting": ("설정", "Setting"),
    "setpoints.change": ("변경", "Change"),
    "setpoints.then": ("이렇게 바꾼 샷의 결함 확률은 {after}로, 판정 기준 {threshold}보다 낮습니다 (지금 {before}). "
                       "그때의 권고: {advice}.",
                       "The probability of a defect is then {after}, under the decision threshold of {threshold} "
                       "(now {before}); the advice would be to {advice}."),
    "setpoints.caveat": ("모델이 배운 연관성일 뿐 입증된 원인이 아닙니다. 바꿀 값은 양품 한계 안에서 골랐지만, 먼저 몇 "
                         "샷만 시험해 보십시오.",
                         "This is what the model says from association, not a proven cause. The new values lie within "
                         "the limits of good shots; try them on a few shots first."),
    "setpoints.no_settings": ("측정된 값 가운데 바꿀 수 있는 설정이 없어 제안하지 않습니다.",
                              "No proposal: none of the measured values is a setting that can be changed."),
    "setpoints.unusual_shot": ("설정을 어떻게 바꾸어도 모델이 학습한 적 없는 유형의 샷이므로 제안하지 않습니다.",
                               "No proposal: whatever its settings, the shot is of a kind that the model has never "
                               "seen."),
    "setpoints.unusual_change": ("결함 확률을 판정 기준보다 낮추는 변경은 있으나, 모두 모델이 학습한 적 없는 유형의 "
                                 "샷이 되므로 제안하지 않습니다.",
                                 "No proposal: some changes bring the probability under the threshold, but each makes "
                                 "a shot of a kind that the model has never seen."),
    "setpoints.out_of_reach": ("양품 한계 안에서 설정을 세 개까지 바꾸어 결함 확률을 판정 기준보다 낮추는 변경을 찾지 "
                               "못해 제안하지 않습니다.",
                               "No proposal: no change of up to three settings within the limits of good shots was "
                               "found to bring the probability under the threshold."),

    "signals.title": ("눈여겨볼 값", "Values to look at"),
    "signals.note": ("세 신호는 근거가 서로 다릅니다. 차례로 양품 한계, 확률에 준 영향(영향 전체의 10분의 1 이상), "
                     "나머지 값으로 복원했을 때의 오차(검사 결과는 쓰지 않음)입니다. 서로 엇갈려도 그대로 보여 줍니다.",
                     "The three rest on different things: the limits of good shots; the part in the model's "
                     "probability, at least a tenth of all contributions; and how badly the value is rebuilt from the "
                     "others, which uses no inspection result. Where they disagree, that is shown as it is."),
    "signals.outside_limits": ("양품 한계 밖", "Outside good shots"),
    "signals.high_attribution": ("영향 큼", "Large contribution"),
    "signals.high_error": ("복원 오차 큼", "Badly rebuilt"),
    "signals.yes": ("해당", "yes"),
    "signals.no": ("해당 없음", "no"),
    "signals.unknown": ("판단할 수 없음", "cannot be said"),
    "signals.more": ("그 밖의 값 {count}개: {labels}", "{count} more: {labels}"),

    "knowledge.title": ("문서 근거", "What the documents say"),
    "knowledge.recommendations": ("권고 조치", "Recommended actions"),
    "knowledge.sources": ("출처", "Sources"),
    "knowledge.page": ("{title} {page}쪽", "{title}, p. {page}"),
    "knowledge.extractive": ("문서의 문장을 그대로 옮긴 답입니다.", "The answer quotes the documents word for word."),
    "knowledge.generated": ("생성 모델({name})이 문서를 바탕으로 쓴 답입니다. 출처를 확인하십시오.",
                            "Written by {name} from the documents. Check the sources."),

    "model.title": ("이 모델을 얼마나 믿을 수 있습니까?", "How far to trust this model"),
    "model.version": ("모델", "Model"),
    "model.configuration": ("방법", "Method"),
    "model.within": ("런 내부 ROC-AUC", "Within-run ROC-AUC"),
    "model.precision": ("정밀도", "Precision"),
    "model.recall": ("재현율", "Recall"),
    "model.shotwise": ("이 모델", "this model"),
    "model.run-rate": ("런의 불량률만 사용", "run's defect rate alone"),
    "model.late-rate": ("최근 검사 결과의 불량률만 사용", "defect rate of the latest inspection results alone"),
    "model.document": ("비교 모델", "reference model"),
    "model.unique": ("중복을 뺀 교차 검증, 샷 {count}개", "Cross-validation without repeated shots, {count} shots"),
    "model.published": ("중복을 둔 무작위 분할, 샷 {count}개 (암기를 재므로 실제보다 높습니다)",
                        "Random split with repeated shots kept, {count} shots (flattering: it measures memory)"),
    "model.forward-history": ("시간 순서 검증, 앞선 검사 결과 사용, 샷 {count}개",
                              "Forward in time, with earlier inspection results, {count} shots"),
    "model.forward": ("시간 순서 검증, 샷 {count}개", "Forward in time, {count} shots"),
    "model.tells_the_run": ("이 검증에서는 같은 런의 샷끼리 비교한 결과가 우연과 다르다고 할 수 없습니다. 값으로 알 수 "
                            "있는 것은 그 샷이 불량인지가 아니라 어느 런의 샷인지입니다.",
                            "Here the comparison within a run cannot be told from chance: the values tell the run, "
                            "not the shot."),
    "model.note": ("런은 한 차례 이어진 생산입니다. ‘런 내부’는 같은 런의 샷끼리 비교한 값이며 0.5면 우연과 같습니다. "
                   "판정은 검사를 돕는 참고 자료이며 검사를 대신하지 않습니다.",
                   "“Within-run” compares shots of the same production run; 0.5 is chance. "
                   "The verdict supports inspection and does not replace it."),

    "problem.title": ("진단하지 못했습니다", "The shot could not be diagnosed"),
    "problem.fields": ("다음 항목을 고치십시오.", "Please correct the following."),
    "problem.unreachable": ("진단 서버에 연결할 수 없습니다", "The diagnosis server does not answer"),
    "problem.unreachable_what": ("서버가 켜져 있는지 확인한 뒤 다시 시도하십시오. "
                                 "이 컴퓨터에서 실행한다면 터미널에서 다음 명령으로 켭니다.",
                                 "Check that the server is running, then try again. On this machine, start it in a "
                                 "terminal with:"),
    "problem.address": ("서버 주소", "Server address"),
    "problem.retry": ("다시 시도", "Try again"),
    "problem.unsigned.credentials": (
        "이 서버는 서명한 요청만 받는데, 서명에 쓸 AWS 자격 증명이 없거나 만료되었습니다. 화면을 실행하는 태스크에 "
        "역할을 부여하거나, 이 컴퓨터에서 실행한다면 자격 증명을 설정하십시오.",
        "This server takes signed requests only, and there are no valid AWS credentials to sign with. Give the task "
        "that runs the page a role; on this machine, set credentials up."),
    "problem.unsigned.https": ("서명한 요청은 암호화된 주소로만 보냅니다. 관리자에게 서버 주소를 고쳐 달라고 하십시오.",
                               "Signed requests go over https only. Ask your administrator to correct the server's "
                               "address."),
    "problem.403": ("이 서버를 쓸 권한이 없습니다. 관리자에게 문의하십시오.",
                    "You may not use this server. Ask your administrator."),
    "problem.404": ("이 서버에 그런 기능이 없습니다. 서버 주소를 확인하십시오.",
                    "The server has no such function. Check its address."),
    "problem.413": ("요청이 너무 큽니다. 질문을 줄이십시오.", "The request is too large. Shorten the question."),
    "problem.429": ("요청이 몰렸습니다. 잠시 뒤 다시 시도하십시오.",
                    "There are too many requests. Try again in a moment."),
    "problem.503": ("서버에 요청이 몰렸거나 저장소를 쓸 수 없습니다. 잠시 뒤 다시 시도하고, "
                    "계속되면 관리자에게 알리십시오.",
                    "The server has too many requests or cannot use its storage. Try again in a moment; if it goes on, "
                    "tell your administrator."),
    "problem.504": ("답이 제시간에 오지 않았습니다. 다시 시도하십시오.", "The answer took too long. Try again."),
    "problem.other": ("서버에서 처리하지 못했습니다. 잠시 뒤 다시 시도하고, 계속되면 관리자에게 알리십시오.",
                      "The server failed to process this. Try again in a moment; if it goes on, "
                      "tell your administrator."),
    "server.message": ("서버 메시지: {text}", "Server message: {text}"),
    "field.question": ("질문", "Question"),
    "field.features": ("측정값", "Measured values"),
    "field.body": ("요청", "Request"),
}
