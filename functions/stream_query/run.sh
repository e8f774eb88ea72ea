#!/bin/sh
# The Lambda Web Adapter starts this, turns each invocation into an HTTP request to this port, and streams the response.
exec python -m uvicorn app:app --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" --lifespan off --no-access-log
