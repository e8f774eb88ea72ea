"""Entry point of the function predict: it opens the adapters of `shotwise.handlers.predict`."""

import os

from shotwise.adapters.onnx import ENGINE
from shotwise.bundle import load_bundle
from shotwise.handlers.predict import predict_handler
from shotwise.settings import Settings

settings = Settings.from_mapping(os.environ)
handler = predict_handler(load_bundle(settings.model_dir, ENGINE), settings.allowed_origins)
