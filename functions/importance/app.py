"""T2: which values drove the prediction? The composition root; the work is in shotwise.edge.importance."""

import os

from shotwise.adapters.folder_store import FolderStore
from shotwise.adapters.onnx_graph import OnnxGraph
from shotwise.bundle import load_bundle
from shotwise.chart import draw
from shotwise.edge.importance import importance_function
from shotwise.files import FileStore
from shotwise.settings import Settings


def chart_store(settings: Settings) -> FileStore:
    """S3 where a bucket is set, else a folder that the local gateway serves."""
    if not settings.charts_bucket:
        return FolderStore([settings.charts_dir], f"{settings.public_url}/charts")
    from shotwise.adapters.s3_store import S3Store

    return S3Store(settings.charts_bucket, "charts/", "image/png")


settings = Settings.from_mapping(os.environ)
handler = importance_function(load_bundle(settings.model_dir, OnnxGraph), chart_store(settings), draw)
