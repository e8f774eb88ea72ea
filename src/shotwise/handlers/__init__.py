"""The edge: what comes in (API Gateway events, workflow payloads) and how answers and errors go out.

`body` reads JSON strictly → `requests` checks what is asked → `function` calls one use-case → `replies` shapes what
it found → `problem` turns errors into problem documents.
"""
