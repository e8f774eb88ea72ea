"""Adapters to OpenAI-compatible servers: embeddings and chat completions."""
