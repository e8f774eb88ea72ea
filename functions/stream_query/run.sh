#!/bin/sh
# What the Lambda Web Adapter starts: it turns an invocation into an HTTP request to this port, and streams the reply.
exec python -m uvicorn app:app --host 127.0.0.1 --port "${AWS_LWA_PORT:-8080}" --lifespan off --no-access-log
