"""Entry point of the function stream_query: it opens the adapters of `shotwise.handlers.stream_query`."""

import os

from shotwise.adapters.aws.tracing import trace_calls, traced
from shotwise.adapters.knowledge_factory import open_answerer
from shotwise.handlers.stream_query import stream_query_app
from shotwise.settings import Settings

trace_calls("stream_query", os.environ)
settings = Settings.from_mapping(os.environ)
app = traced(stream_query_app(open_answerer(settings.knowledge), settings.allowed_origins,
                              os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "none")), os.environ)
