"""The texts of a document's failures and notes by code, in both languages; codes.py says how codes work.

`cause` is a technical detail from the server, the same in every language, so it stands in brackets.
"""

from __future__ import annotations

from collections.abc import Mapping

# code: (Korean, English). What is wrong with the name of a file that is to be added.
FILE_NAME_REASONS: Mapping[str, tuple[str, str]] = {
    "not_a_pdf_name": ("파일 이름은 점으로 시작하지 않고 ‘작업 표준.pdf’처럼 .pdf로 끝나야 합니다. 이름을 바꾸십시오.",
                       "The name must end in .pdf and not begin with a dot. Rename the file."),
    "forbidden_in_name": (
        "이름을 바꾸십시오. 파일 이름은 {max_bytes}바이트(한글은 한 글자에 3바이트)를 넘을 수 없고, 폴더나 "
        "/ \\ : * ? \" < > | 문자가 들어갈 수 없습니다.",
        "Rename the file: its name takes up to {max_bytes} bytes, no folder and none of / \\ : * ? \" < > |."),
    "control_in_name": ("이름을 바꾸십시오. 파일 이름에 제어 문자({character})가 들어 있습니다.",
                        "Rename the file: its name has the control character {character}."),
    "direction_in_name": (
        "이름을 바꾸십시오. 파일 이름에 글자 순서를 뒤집는 보이지 않는 문자({character})가 들어 있습니다.",
        "Rename the file: its name has {character}, which nobody sees and which reverses the text."),
    "invisible_in_name": ("이름을 바꾸십시오. 파일 이름에 보이지 않는 문자({character})가 들어 있습니다.",
                          "Rename the file: its name has {character}, which nobody sees."),
    "undefined_in_name": (
        "이름을 바꾸십시오. 파일 이름에 시스템마다 다르게 보이는 문자({character})가 들어 있습니다.",
        "Rename the file: its name has {character}, which is no character that every system knows."),
    "space_around_name": ("이름을 바꾸십시오. 파일 이름의 앞뒤에 빈칸이 있습니다.",
                          "Rename the file: its name begins or ends with a space."),
    "name_not_utf8": ("파일 이름이 UTF-8이 아닙니다. 이름을 바꾸어 다시 올리십시오.",
                      "Its name is not UTF-8. Rename it and add it again."),
    "percent_in_name": ("이름을 바꾸십시오. %20처럼 % 뒤에 숫자나 A–F가 두 자 오는 이름은 쓸 수 없습니다.",
                        "Rename the file: its name must not hold a % followed by two of 0–9 and A–F, as in %20."),
}

# code: (Korean, English). Why a document could not be read, and what to do.
DOCUMENT_FAILURES: Mapping[str, tuple[str, str]] = {
    "empty": ("빈 파일입니다. PDF로 다시 내보내십시오.", "The file is empty. Export it as PDF again."),
    "not_pdf": ("PDF 파일이 아닙니다. PDF로 내보내 올리십시오.", "It is not a PDF. Export it as PDF."),
    "cut_short": ("파일의 끝이 잘려 있습니다. 다시 복사하거나 내보내 올리십시오.",
                  "The end of the file is missing. Copy or export it again."),
    "damaged": ("파일이 손상되었습니다. PDF로 다시 내보내십시오.", "It is damaged. Export it as PDF again."),
    "encrypted": ("암호가 걸려 있습니다. 암호 없이 저장해 다시 올리십시오.",
                  "It is encrypted. Save it without a password and add it again."),
    "too_large": ("{max_mib:,} MiB보다 큽니다. 나누어 올리십시오.", "It is larger than {max_mib:,} MiB. Split it."),
    "no_pages": ("쪽이 하나도 없습니다. PDF로 다시 내보내십시오.", "It has no pages. Export it as PDF again."),
    "too_many_pages": ("{max_pages:,}쪽이 넘습니다. 나누어 올리십시오.",
                       "It has more than {max_pages:,} pages. Split it."),
    "too_many_unreadable_pages": (
        "읽을 수 없는 쪽이 {max_pages:,}쪽을 넘습니다 (마지막은 {page}쪽). PDF로 다시 인쇄하거나 나누어 올리십시오.",
        "More than {max_pages:,} of its pages cannot be read, page {page} as the last. Print it to a new PDF, or "
        "split it."),
    "no_readable_page": ("읽을 수 있는 쪽이 하나도 없습니다. PDF로 다시 내보내십시오.",
                         "None of its pages can be read. Export it as PDF again."),
    "no_text": ("글자 없이 그림만 들어 있습니다. 문자 인식으로 글자를 넣어 다시 올리십시오.",
                "It holds images and no text. Run it through text recognition first."),
    "cannot_open": ("파일을 열지 못했습니다 ({cause}). PDF로 다시 내보내십시오.",
                    "It could not be opened ({cause}). Export it as PDF again."),
    "too_slow": ("읽는 데 너무 오래 걸려 {page}쪽에서 중단했습니다. PDF로 다시 인쇄하거나 나누어 올리십시오.",
                 "It takes too long to read and was given up at page {page}. Print it to a new PDF, or split it."),
    "needs_too_much_memory": (
        "읽는 데 메모리가 {max_mib:,} MiB 넘게 필요합니다. PDF로 다시 인쇄하거나 나누어 올리십시오.",
        "It needs more than {max_mib:,} MiB of memory to be read. Print it to a new PDF, or split it."),
    "too_much_text": ("글자가 {max_characters:,}자를 넘습니다. 나누어 올리십시오.",
                      "It has more than {max_characters:,} characters of text. Split it."),
    "too_many_passages": ("본문이 {max_passages:,}개 단락을 넘습니다. 나누어 올리십시오.",
                          "It has more than {max_passages:,} passages. Split it."),
    "changed_meanwhile": ("읽는 동안 파일이 바뀌었습니다. 다시 올리십시오.",
                          "The file was changed while it was read. Add it again."),
    "unreadable_file": ("서버가 파일을 읽지 못했습니다 ({cause}). 다시 올리십시오.",
                        "The server could not read the file ({cause}). Add it again."),
    "no_file": ("파일이 아니라 다른 것({kind})입니다. PDF 파일로 바꾸어 놓으십시오.",
                "It is no file but a {kind}. Put the file in its place."),
    "tried_again": ("문서 저장소나 모델이 응답하지 않아 아직 읽지 못했습니다. 자동으로 다시 시도합니다.",
                    "It is not read yet, because the document store or a model does not answer. "
                    "It is tried again by itself."),
    "reader_missing": ("서버에 PDF 판독기({packages})가 설치되어 있지 않습니다. 관리자에게 알리십시오.",
                       "The server lacks its PDF reader ({packages}). Tell your administrator."),
    "duplicate_name": ("이름이 같은 파일이 {count:,}개 있습니다. 문서는 이름으로 구별하므로 이름을 바꾸십시오.",
                       "{count:,} files have this name. Documents go by name, so rename them."),
    **FILE_NAME_REASONS,
    # Written before there were codes, so in English alone.
    "earlier_text": ("이전 판 서버의 메시지: {text}", "Message from an earlier server: {text}"),
}

# code: (Korean, English). What of a document was not read as it should have been.
DOCUMENT_NOTES: Mapping[str, tuple[str, str]] = {
    "repaired": ("손상된 파일을 복구해 읽었습니다. 빠진 쪽이 없는지 확인하거나 다시 내보내십시오.",
                 "The file was damaged and was repaired. Check that no page is missing, or export it again."),
    "no_headings": ("제목을 찾지 못했습니다 ({cause}). 제목과 주석을 본문으로 읽었습니다.",
                    "Its headings were not found ({cause}). Headings and annotations are read as text."),
    "page_plain_text": ("{page}쪽은 배치를 알아보지 못해 글자만 읽었습니다 ({cause}).",
                        "The layout of page {page} was not understood, so its plain text was read ({cause})."),
    "page_empty": ("{page}쪽은 읽지 못해 비워 두었습니다 ({cause}). PDF로 다시 내보내 올리십시오.",
                   "Page {page} could not be read and is left empty ({cause}). Export it as PDF again."),
    "page_cut_off": ("{page}쪽은 {max_characters:,}자를 넘어 그 뒤는 읽지 않았습니다.",
                     "Page {page} has more than {max_characters:,} characters; the rest of it is skipped."),
    "more_notes": ("알릴 내용이 더 있지만 여기에 다 적지 못했습니다.", "There are more notes than are listed here."),
    "lines_left_out": (
        "머리글이나 바닥글처럼 되풀이되어 {pages:,}쪽에서 {lines:,}행을 뺐습니다. 처음 뺀 글: “{text}”",
        "{lines:,} lines on {pages:,} pages are left out, because they repeat as headers or footers do. The first is "
        "“{text}”."),
    "no_passages": ("검색할 본문이 없어 답에 쓰이지 않습니다. 차례만 있는 문서가 아닌지 확인하십시오.",
                    "It has no passages, so nothing of it is found. Check that it is more than a table of contents."),
    "questions_too_large": (
        "questions.jsonl 파일이 {max_mib:,} MiB보다 커서 쓰지 않았습니다. 줄여서 다시 첨부하십시오.",
        "questions.jsonl is larger than {max_mib:,} MiB and is not used. Attach a smaller one."),
    "questions_line_not_json": (
        "questions.jsonl의 {line}행은 JSON이 아니어서 건너뛰었습니다 ({cause}). 고쳐서 다시 첨부하십시오.",
        "Line {line} of questions.jsonl is skipped: it is not JSON ({cause}). Correct it and attach it again."),
    "questions_line_not_object": (
        "questions.jsonl의 {line}행은 JSON 객체가 아니어서 건너뛰었습니다. 고쳐서 다시 첨부하십시오.",
        "Line {line} of questions.jsonl is skipped: it is not a JSON object. Correct it and attach it again."),
    "questions_line_bad_page": (
        "questions.jsonl의 {line}행은 page가 1부터 세는 쪽 번호가 아니어서 건너뛰었습니다. 고쳐서 다시 첨부하십시오.",
        "Line {line} of questions.jsonl is skipped: page must be a page number, from 1. Correct it and attach it "
        "again."),
    "questions_line_bad_text": (
        "questions.jsonl의 {line}행은 text가 그 쪽에 있는 글이 아니어서 건너뛰었습니다. 고쳐서 다시 첨부하십시오.",
        "Line {line} of questions.jsonl is skipped: text must be words of that page. Correct it and attach it again."),
    "questions_line_bad_questions": (
        "questions.jsonl의 {line}행은 questions가 질문 목록이 아니어서 건너뛰었습니다. 고쳐서 다시 첨부하십시오.",
        "Line {line} of questions.jsonl is skipped: questions must be a list of texts. Correct it and attach it "
        "again."),
    "questions_line_too_long": (
        "questions.jsonl의 {line}행은 너무 길어 건너뛰었습니다. 한 행에 질문 {max_questions:,}개까지, 질문마다 "
        "{max_characters:,}자까지 쓸 수 있습니다.",
        "Line {line} of questions.jsonl is skipped: it may have {max_questions:,} questions of {max_characters:,} "
        "characters each."),
    "questions_cut_off": ("questions.jsonl 파일이 너무 길어 {line}행 다음은 건너뛰었습니다. 줄여서 다시 첨부하십시오.",
                          "What follows line {line} of questions.jsonl is skipped: there is too much of it. Attach a "
                          "smaller one."),
    "questions_not_on_page": (
        "questions.jsonl의 {lines:,}행 가운데 {skipped:,}행을 건너뛰었습니다. {page}쪽에 없는 글: “{text}”",
        "{skipped:,} of {lines:,} lines of questions.jsonl are skipped: page {page} does not contain “{text}”."),
    # Written before there were codes, so in English alone.
    "earlier_text": ("이전 판 서버의 메시지: {text}", "Message from an earlier server: {text}"),
}
