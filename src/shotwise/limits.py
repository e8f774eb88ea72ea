"""Every limit of Shotwise that a caller, a document or a model can run into, each with its reason.

Sizes are in bytes, `_CHARACTERS` in characters, `_SECONDS` in seconds. The API description tells those that a caller
can meet; a test compares the two. Limits of an AWS service stand with the code that calls it.
"""

from __future__ import annotations

# --- Requests ---
# The largest input of an Express workflow.
MAX_BODY_BYTES = 256 * 1024
# 1,000 shots are about 700 KB; the event of a Lambda function may have 6 MB.
MAX_BATCH_BODY_BYTES = 4 * 1024 * 1024

# --- Documents ---
# One upload. A scanned manual of a thousand pages is about 300 MB.
MAX_UPLOAD_BYTES = 512 * 1024 * 1024

# --- One machine ---
# API Gateway's own limit, beyond which no handler sees a request.
MAX_REQUEST_BYTES = 10 * 1024 * 1024
