"""Adapters to any server with the API of OpenAI: embeddings and chat completions."""
