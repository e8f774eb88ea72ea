"""The texts of what the API reports by code, in both languages.

The API sends a code with parameters (src/shotwise/messages.py lists them all); a text here takes the same parameters.
What is said is for a person at this page: where the API tells a programmer to send less, the page tells its reader to
shorten the question. The texts of documents are in document_codes.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from frontend.messages.document_codes import FILE_NAME_REASONS

# code: (Korean, English). What is wrong with a field of a request, and what to do.
FIELD_REASONS: Mapping[str, tuple[str, str]] = {
    # a shot's values
    "not_features": ("값을 읽을 수 없습니다. 페이지를 새로 고치십시오.", "The values cannot be read. Reload the page."),
    "unknown_feature": ("이 모델에 없는 항목입니다. 페이지를 새로 고치십시오.",
                        "Not a value of this model. Reload the page."),
    "missing": ("값을 입력하십시오.", "Enter a value."),
    "missing_nullable": ("값을 입력하거나, 측정하지 않았으면 비워 두십시오.",
                         "Enter a value, or leave it empty where it was not measured."),
    "null_not_allowed": ("비워 둘 수 없는 항목입니다. 값을 입력하십시오.", "This must not be empty. Enter a value."),
    "not_a_number": ("숫자로 입력하십시오 (예: 1.5{unit}).", "Enter a number, such as 1.5{unit}."),
    "not_finite": ("무한대처럼 숫자가 아닌 값은 쓸 수 없습니다. 숫자로 입력하십시오.", "Enter a finite number."),
    "out_of_range": ("타당 범위({low} – {high}{unit})를 벗어났습니다. 센서와 단위를 확인하십시오.",
                     "Outside what is plausible ({low} – {high}{unit}). Check sensor and unit."),
    "not_a_category": ("다음 중 하나를 고르십시오: {allowed}", "Choose one of: {allowed}"),
    "excluded_not_scalar": ("숫자나 글자로 입력하십시오. 이 모델이 쓰지 않는 항목이므로 빼도 됩니다.",
                            "Enter a number or text. This model does not use it, so it may be left out."),
    # the history of a shot
    "no_history_head": ("이 모델은 앞선 샷의 이력을 쓰지 않습니다. 샷만 보내십시오.",
                        "This model does not use earlier shots. Send the shot alone."),
    "not_a_history": ("앞선 샷은 오래된 것부터 차례로 {max:,}개까지, 각각 값과 검사 결과를 넣어 보내십시오.",
                      "Send up to {max:,} earlier shots, newest last, each with its values and inspection result."),
    "not_a_history_item": ("앞선 샷에는 값과 검사 결과만 넣으십시오.",
                           "An earlier shot has its values and its inspection result, nothing else."),
    "unknown_outcome": ("검사 결과는 불량이나 양품으로 적고, 아직 모르면 비워 두십시오.",
                        "The inspection result is defective or good; leave it empty where it is not known yet."),
    # the body of a request
    "body_empty": ("요청이 비어 있습니다. 페이지를 새로 고치십시오.", "The request is empty. Reload the page."),
    "body_too_large": ("요청이 {max_kib:,} KiB를 넘습니다. 질문을 줄이십시오.",
                       "The request is over {max_kib:,} KiB. Shorten the question."),
    "body_too_large_for_diagnosis": ("진단 요청은 {max_kib:,} KiB보다 작아야 합니다. 질문을 줄이십시오.",
                                     "A diagnosis takes less than {max_kib:,} KiB. Shorten the question."),
    "media_type_not_json": ("요청의 형식이 JSON이 아닙니다. 관리자에게 알리십시오.",
                            "The request is not sent as JSON. Tell your administrator."),
    "not_utf8": ("UTF-8이 아닌 글자가 있습니다. 다시 입력하십시오.", "It is not UTF-8. Enter it again."),
    "not_json": ("요청을 JSON으로 읽을 수 없습니다 ({line}행 {column}열). 관리자에게 알리십시오.",
                 "The request is not JSON (line {line}, column {column}). Tell your administrator."),
    "not_an_object": ("요청이 JSON 객체가 아닙니다. 관리자에게 알리십시오.",
                      "The request is not a JSON object. Tell your administrator."),
    "nested_too_deeply": ("요청이 {max}단계보다 깊게 중첩되어 있습니다. 관리자에게 알리십시오.",
                          "The request is nested over {max} levels deep. Tell your administrator."),
    "too_many_values": ("요청에 값이 {max:,}개보다 많습니다. 나누어 보내십시오.",
                        "The request holds more than {max:,} values. Send it in parts."),
    "half_a_surrogate_pair": ("깨진 글자가 있습니다. 지우고 다시 입력하십시오.",
                              "A character is broken. Delete it and enter it again."),
    "repeated_key": ("같은 항목이 두 번 있습니다. 한 번만 보내십시오.", "It is given twice. Send it once."),
    "not_part_of_request": ("이 요청에 쓸 수 없는 항목입니다. 쓸 수 있는 항목: {allowed}",
                            "This is not part of the request, which takes {allowed}."),
    "not_an_api_event": ("API를 거치지 않은 요청입니다. 서버 주소를 확인하십시오.",
                         "The request did not come through the API. Check the server's address."),
    # what a request asks for
    "features_missing": ("샷의 값이 없습니다. 값을 입력하십시오.", "The shot's values are missing. Enter them."),
    "not_a_list_of_shots": ("샷은 한 번에 1개에서 {max:,}개까지 보내십시오.", "Send 1 to {max:,} shots at a time."),
    "not_a_shot": ("샷에는 값만 넣으십시오.", "A shot has its values and nothing else."),
    "not_a_prediction_id": ("예측 번호의 형식이 맞지 않습니다. 다시 진단하십시오.",
                            "This is not the number of a prediction. Diagnose again."),
    "unknown_language": ("다음 언어 중 하나를 고르십시오: {allowed}", "Choose one of these languages: {allowed}"),
    "not_a_list_of": ("다음 가운데에서 고르십시오: {allowed}", "Choose among these: {allowed}"),
    "question_missing": ("질문을 입력하십시오.", "Ask a question."),
    "question_not_text": ("무엇을 알고 싶은지 글로 쓰십시오.", "Say in words what you want to know."),
    "question_too_long": ("{max:,}자를 넘습니다. 더 짧게 쓰십시오.",
                          "It is over {max:,} characters long. Make it shorter."),
    "too_many_entries": ("{max:,}개를 넘습니다. 개수를 줄이십시오.",
                         "It has more than {max:,} entries. Send fewer."),
    "text_too_long": ("{max:,}자를 넘습니다. 더 짧게 쓰십시오.",
                      "It is over {max:,} characters long. Make it shorter."),
    "context_not_an_object": ("진단 결과를 읽을 수 없습니다. 다시 진단하십시오.",
                              "The diagnosis cannot be read. Diagnose again."),
    "context_malformed": ("진단 결과의 다음 부분을 읽을 수 없습니다: {parts}. 다시 진단하십시오.",
                          "These parts of the diagnosis cannot be read: {parts}. Diagnose again."),
    "search_text_length": ("찾을 말을 1자 이상 {max:,}자 이하로 쓰십시오.", "Search for 1 to {max:,} characters."),
    "not_a_whole_number": ("{low:,}에서 {high:,}까지의 정수로 입력하십시오.",
                           "Enter a whole number from {low:,} to {high:,}."),
    # the name of a document
    **FILE_NAME_REASONS,
}

# code: (Korean, English). What a reply lacks because a step failed; the rest of the reply stands.
DEGRADED_STEPS: Mapping[str, tuple[str, str]] = {
    "importance_failed": ("영향 분석 단계를 마치지 못했습니다. 나머지 결과는 유효합니다. 잠시 뒤 다시 진단하십시오.",
                          "This step failed: importance. The other results stand. Diagnose again in a moment."),
    "knowledge_failed": ("문서 근거 단계를 마치지 못했습니다. 나머지 결과는 유효합니다. 잠시 뒤 다시 진단하십시오.",
                         "This step failed: documents. The other results stand. Diagnose again in a moment."),
    "chart_failed": ("차트 단계를 마치지 못했습니다. 나머지 결과는 유효합니다. 잠시 뒤 다시 진단하십시오.",
                     "This step failed: chart. The other results stand. Diagnose again in a moment."),
    "embedding_failed": ("뜻 검색이 응답하지 않아 낱말이 같은 구절만 찾았습니다. 잠시 뒤 다시 시도하십시오.",
                         "The search by meaning did not answer, so only the words were searched. Try again in a "
                         "moment."),
    "generation_failed": ("생성 모델이 응답하지 않아 문서의 문장을 그대로 옮겼습니다. 잠시 뒤 다시 시도하십시오.",
                          "The language model did not answer, so the documents are quoted instead. Try again in a "
                          "moment."),
}
