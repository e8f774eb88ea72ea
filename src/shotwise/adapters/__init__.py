"""Adapters: the only code that touches files, SQLite, S3, onnxruntime, HTTP and AWS services.

Each implements a port of `shotwise.files`, `shotwise.graph` or `shotwise.knowledge.ports`, and raises errors of
`shotwise.errors` for those of its library. `file_factory` and `knowledge_factory` choose among them by the settings.
"""
