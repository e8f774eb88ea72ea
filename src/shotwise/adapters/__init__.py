"""Adapters, the only code that uses files, SQLite, S3, onnxruntime, HTTP and AWS services.

Each implements a port of `shotwise.files`, `shotwise.graph` or `shotwise.knowledge.ports`, and raises errors of
`shotwise.errors` in place of its library's own. `file_factory` and `knowledge_factory` choose among them by the
settings.
"""
