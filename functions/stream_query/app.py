"""POST /query: the answer as a stream. The composition root; the work is in shotwise.edge.stream_query."""

import os

from shotwise.adapters.knowledge import open_answerer
from shotwise.edge.stream_query import stream_query_app
from shotwise.settings import Settings

app = stream_query_app(open_answerer(Settings.from_mapping(os.environ).knowledge))
