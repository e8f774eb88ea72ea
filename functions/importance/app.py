"""Entry point of the function importance: it opens the adapters of `shotwise.handlers.importance`."""

import os
from pathlib import Path

from shotwise.adapters.file_factory import open_file_store
from shotwise.adapters.folder_file_store import CHART_BOUNDS
from shotwise.adapters.onnx import OnnxGraph
from shotwise.bundle import load_bundle
from shotwise.charts import font_cache
from shotwise.graph import Engine
from shotwise.handlers.importance import importance_handler
from shotwise.settings import Settings

if "LAMBDA_TASK_ROOT" in os.environ:  # elsewhere other programs use the font cache in that folder
    font_cache.write_empty_font_cache(Path(os.environ["MPLCONFIGDIR"]))
from shotwise.charts.waterfall import waterfall

settings = Settings.from_mapping(os.environ)
charts = open_file_store(settings.charts_bucket, "charts/", "image/png", [settings.charts_dir],
                         f"{settings.public_url}/charts", CHART_BOUNDS)
handler = importance_handler(load_bundle(settings.model_dir, Engine(OnnxGraph)), charts, waterfall,
                             settings.allowed_origins)
