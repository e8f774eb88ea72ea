"""Turn Lambda events into calls of use-cases, and results and errors into replies and problems.

`body` reads JSON strictly → `requests` checks it → a handler (`predict`, `importance`, `rag_query`, `stream_query`,
`embed_documents`), built on `lambda_handler`, calls one use-case → `replies` shapes the result → `problem` turns errors
into RFC 9457 problems.
"""
