"""Every limit of Shotwise that a caller, a document or a model can run into, each with its reason.

Sizes are in bytes, `_CHARACTERS` in characters, `_SECONDS` in seconds. The API description tells those that a caller
can meet; a test compares the two. Limits of an AWS service stand with the code that calls it.
"""

from __future__ import annotations

from typing import NamedTuple


class LaneLimits(NamedTuple):
    """How many requests of one kind one machine works on.

    Attributes
    ----------
    threads : int
        Requests that run at the same time.
    waiting : int
        Requests that may wait for a thread; one more is answered 503.
    wait_seconds : float
        Time after which a request that still waits is answered 503.
    """

    threads: int
    waiting: int
    wait_seconds: float


# --- Requests ---
# The largest input of an Express workflow.
MAX_BODY_BYTES = 256 * 1024
# 1,000 shots are about 700 KB; the event of a Lambda function may have 6 MB.
MAX_BATCH_BODY_BYTES = 4 * 1024 * 1024
# A batch of /predict.
MAX_BATCH_SHOTS = 1000
# Values of a body: a batch of shots with 200 values each. Checking more takes seconds, whatever they are.
MAX_JSON_VALUES = 200_000
# No request needs more than five levels.
MAX_JSON_DEPTH = 20
# A longer whole number becomes a float, because Python refuses to convert thousands of digits to an int.
MAX_INTEGER_DIGITS = 17
# Earlier shots of a run; those before them have no weight any more.
MAX_PAST_SHOTS = 200
# A question, or a text to search for. Answering takes 0.1 s for this length, 0.7 s for the worst words.
MAX_QUESTION_CHARACTERS = 2000
# Each list of a question's context. A reply names a value or a defect type at most once.
MAX_CONTEXT_ENTRIES = 1000
# A name or label; six of them are worded into a question, which is then shorter than the longest question.
MAX_LABEL_CHARACTERS = 200
# The label in other languages; there are two.
MAX_LABEL_LANGUAGES = 16
# `always` and `include`: lists of names of which there are two or three.
MAX_NAMES = 16
# Errors in the text of an exception; a problem lists more.
MAX_ERRORS_IN_TEXT = 200
# A number in a query string or a setting: room for every digit of a float. Python takes thousands, in quadratic time.
MAX_NUMBER_CHARACTERS = 24
# Passages of one search; more are of no use to a reader, and each is read from the store.
MAX_SEARCH_PASSAGES = 50

# --- Documents ---
# The file name in UTF-8. File systems allow 255, some of which a temporary name needs while a file is being written.
MAX_DOCUMENT_NAME_BYTES = 200
# One upload. A scanned manual of a thousand pages is about 300 MB.
MAX_UPLOAD_BYTES = 512 * 1024 * 1024

# Reading a document begins with a quick slice of time. Twenty pages take a second, on a busy machine three, so most
# need one slice. One of these readers gives first slices alone: beside bad documents a new one waits for 3 s at most.
QUICK_READERS = 2
QUICK_SLICES = (3.0, 12.0)
# A reader of its own takes the documents that need longer, at last with the time of the Lambda function on AWS.
PATIENT_SLICES = (60.0, 900.0)
# The pause before a document is tried again whose store or embedder did not answer; it doubles each time.
FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
# How often the stack looks whether its home was deleted. It takes two system calls.
HOME_CHECK_SECONDS = 2.0

# --- Reading a PDF ---
# One file, whoever adds it. The command line takes larger ones than an upload.
MAX_PDF_BYTES = 1024 * 1024 * 1024
# A manual of a thousand pages is long already; a reader works on 20,000 tiny ones for ten minutes.
MAX_PAGES = 20_000
# Opening a PDF reads its table of objects, or, where that is damaged, searches the file for them: 1 s for 100 MiB.
OPEN_SECONDS = 30.0
# Finding the headings looks at the text of every page, 3 ms each.
PREPARE_SECONDS, PREPARE_SECONDS_PER_PAGE = 5.0, 0.1
# Laying out a page takes 0.2 s, with a table of 3,600 cells 3 s. After that its plain text is read, which takes 0.1 s.
PAGE_SECONDS, PLAIN_PAGE_SECONDS = 12.0, 4.0
# A document in all. The Lambda function has 900 s, also to fetch the file and to embed and store its passages, and a
# message whose function is cut off would be delivered again. A page of any plant's document takes less than 5 s.
MIN_DOCUMENT_SECONDS, SECONDS_PER_PAGE, MAX_DOCUMENT_SECONDS = 60.0, 5.0, 600.0
# The pages of a document that stop its reader, together: two of them, as 12 + 4 s and two starts take 18 s, and more in
# a long document. So a PDF of 25 such pages is given up within a minute.
STOPPED_SECONDS, STOPPED_SECONDS_PER_PAGE_READ = 40.0, 2.0
# Pages that crash the reader at once take no time, but 2 s for two new readers each.
MAX_STOPPED_PAGES = 20
# Memory of the process that reads a PDF. Large scans and drawings take 175 MB, a page of a million characters 400 MB,
# and the Lambda function has 2,048 MB for this process and the one that stores the passages.
MAX_READER_BYTES = 1024 * 1024 * 1024
# Decoded images of a page whose background is looked at; a drawing of 1 m × 0.8 m at 250 dpi has 80 million pixels.
MAX_BACKGROUND_PIXELS = 100_000_000
# The text of a page; a page full of small print has 10,000 characters, a large drawing 30,000.
MAX_PAGE_CHARACTERS = 100_000
# The text of a document: 3,000 full pages. Storing it takes 85 MiB for a million characters, once the reader has ended.
MAX_DOCUMENT_CHARACTERS = 10_000_000
# A line that the reader prints: two texts of a page, or the questions, with up to 6 bytes a character.
MAX_READER_LINE_BYTES = 64 * 1024 * 1024
# A title is part of every passage and shown beside every quote.
MAX_TITLE_CHARACTERS = 300
# Passages of a document; each search looks at all. A page has 3 on average.
MAX_PASSAGES = 100_000
# A line of a passage, which is quoted as it is. A long row of a table has 500 characters.
MAX_LINE_CHARACTERS = 2_000
# The attachment with the questions that a document answers, its lines and its questions: each makes every search a
# little slower.
MAX_QUESTIONS_BYTES = 8 * 1024 * 1024
MAX_QUESTION_LINES, MAX_EXPECTED_QUESTIONS, MAX_QUESTIONS_PER_LINE = 20_000, 20_000, 100
# A question that somebody asks is a sentence or two.
MAX_EXPECTED_QUESTION_CHARACTERS = 300
# Bad lines of the attachment; after so many it is of another form.
MAX_QUESTION_NOTES = 20
# What is told about one document; the list of documents shows all of it.
MAX_DOCUMENT_NOTES = 100

# How long a call of the document store waits for another thread, and then for another process, that writes. Writing a
# document of thousands of pages takes a second.
STORE_SECONDS = 5.0

# --- Answers ---
# A direct invocation is a step of the workflow, which gives it 13 s.
WORKFLOW_ANSWER_SECONDS = 10.0
# POST /rag-query: API Gateway cuts off at 29 s, and the reply has to be sent as well.
API_ANSWER_SECONDS = 25.0
# The end of an answer's time that a model does not get. Quoting instead takes 0.1 s alone, ten times that under load.
EXTRACTION_SECONDS = 2.0
# Embedding a question takes a service 0.3 s. After this time passages are searched by words alone.
EMBEDDING_SECONDS = 3.0
# A search in a service takes 0.3 s, the first one with its connection up to 2 s.
SEARCHING_SECONDS = 5.0
# How long a model is not asked any more that did not answer in time, so that not every request waits for it; or that
# failed twice, which takes no time but the computing of each request.
MODEL_PAUSE_SECONDS = 20.0
MAX_MODEL_FAILURES = 2
# What a model writes for one answer: eight claims of 2,000 characters with their quotes.
MAX_GENERATED_CHARACTERS = 32_000

# --- Models by URL ---
MODEL_CONNECT_SECONDS = 5.0
# 64 passages of a document; a model on a CPU takes half of that.
DOCUMENT_EMBEDDING_SECONDS = 60.0
# Pieces of an answer that are read ahead of what is being verified.
MAX_PIECES_AHEAD = 64
# All events of an answer. A token takes 300 bytes, so these are 25,000 tokens, some of which may be reasoning.
MAX_MODEL_RESPONSE_BYTES = 8 * 1024 * 1024
# What comes before a response: its headers, which take 1 KB, and preliminary responses, of which any number may come.
MAX_MODEL_HEAD_BYTES = 256 * 1024
# One event. Some servers send a complete answer in one.
MAX_MODEL_EVENT_BYTES = 256 * 1024
# An error, of which 300 characters are logged.
MAX_MODEL_ERROR_BYTES = 64 * 1024
# The response with embeddings: a number takes up to 25 characters, twice as many with indentation, and the rest little.
MAX_EMBEDDING_BYTES_PER_NUMBER = 64
# More than all lanes and streams of one machine use.
MAX_MODEL_CONNECTIONS = 64

# --- One machine ---
# API Gateway's own limit, beyond which no handler sees a request.
MAX_REQUEST_BYTES = 10 * 1024 * 1024
# api.log takes about 400 bytes a request, so this is some 25,000 requests, and opens in any editor.
MAX_LOG_BYTES = 10 * 1024 * 1024
# Rotated files beside each log; with them a log takes 40 MB at most.
MAX_OLD_LOGS = 3
# CloudWatch Logs takes no larger event, and no line of ours comes near it.
MAX_LOG_LINE_CHARACTERS = 256 * 1024
# The check of the document store at start takes 1 ms a MiB, and up to ten times as long on a cold disk.
MAX_CHECKED_STORE_BYTES = 512 * 1024 * 1024
# Charts in the home folder, 20 kB each; the oldest are removed. On AWS they expire after 90 days.
MAX_CHARTS = 10_000
MAX_CHART_BYTES = 256 * 1024 * 1024
# No writer of a temporary file takes that long, so an older one was left by a process that was killed.
LEFTOVER_SECONDS = 3600.0
# The time a client has to send the head of a request, and then its body: a second is much on a loopback interface.
REQUEST_HEAD_SECONDS = 5.0
REQUEST_BODY_SECONDS = 20.0
# The head of a request: as much as API Gateway's 10,240 bytes of headers, a long URL, and what browsers add.
MAX_REQUEST_HEAD_BYTES = 32 * 1024
# An upload may take longer, but not stop: the pause between two pieces, and the time of the largest file at 1 MiB/s.
UPLOAD_PAUSE_SECONDS = 15.0
UPLOAD_SECONDS = 600.0
# Connections at the same time. Beyond that, or beyond half of the file descriptors, the oldest that is not waiting for
# an answer is closed for a new one.
MAX_CONNECTIONS = 512
# API Gateway's own limit for an answer.
ANSWER_SECONDS = 29.0
# The time that answers have after SIGTERM; then they are 503. `docker stop` and systemd wait for 10 s and more.
SHUTDOWN_SECONDS = 4.0
# The beginning of that time, in which requests that are on their way are still taken.
LAST_REQUESTS_SECONDS = 0.3
# Lanes. Threads of Python compute one at a time, so a second one that computes only delays the others: measured with 48
# clients that predict and 24 that diagnose, 1 + 1 threads make 570 predictions a second and /health 21 ms (P99), 2 + 4
# make 220 and 190 ms. /health itself needs no thread.
# A prediction takes 1 ms alone and several beside diagnoses, so the last in the queue starts within half a second.
PREDICT_LANE = LaneLimits(1, 64, 0.5)
# Bodies over MAX_BODY_BYTES, that is, hundreds of shots, take tenths of a second each.
BATCH_LANE = LaneLimits(1, 8, 5.0)
# About 100 ms of computing each.
IMPORTANCE_LANE = LaneLimits(1, 16, 3.0)
DIAGNOSE_LANE = LaneLimits(1, 16, 3.0)
# Some may wait for a document store that is locked.
RAG_QUERY_LANE = LaneLimits(4, 32, 3.0)
# With an embedder or a text generator most of the time is spent waiting for it.
DIAGNOSE_LANE_WITH_MODELS = LaneLimits(4, 16, 3.0)
RAG_QUERY_LANE_WITH_MODELS = LaneLimits(8, 32, 3.0)
# Uploads at the same time; beyond that the disk would only be shared by more.
MAX_UPLOADS = 8
# Answers that are streamed at the same time, each of which may wait for a model for a minute.
MAX_STREAMS = 16
# Bodies over MAX_BODY_BYTES that arrive at the same time; each takes up to MAX_REQUEST_BYTES of memory.
MAX_LARGE_BODIES = 16
# What a client is told to wait after a 503 for overload.
RETRY_AFTER_SECONDS = 1

# --- The page on one machine ---
# Seconds to wait before a page that stopped is started again, the first time, the second and so on; then it is left so.
# A port that is still in use is free after seconds, and an error in the page's own files is there at every start.
PAGE_RESTART_PAUSES = (1.0, 2.0, 4.0)
# A page that ran longer than that starts with all its pauses again.
PAGE_STEADY_SECONDS = 60.0
# After that the terminal says that a page that started does not answer. It takes 3 s, on a busy machine more.
PAGE_START_SECONDS = 60.0
# A page is asked to end, and after that killed; nothing of it is lost. Within 5 s of the end of the API.
PAGE_END_SECONDS = 3.0
# How often the page checks that the process that started it is still there.
PARENT_CHECK_SECONDS = 0.5

# --- Training ---
# Free space that a run asks for before it starts. The largest bundle, poc_baseline, and its fitted models take 50 MB.
MIN_FREE_TRAINING_BYTES = 128 * 1024 * 1024
