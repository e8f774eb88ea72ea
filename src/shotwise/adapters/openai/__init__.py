"""Adapters to any server that speaks OpenAI's API: embeddings and chat completions."""
