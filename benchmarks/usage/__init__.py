"""Measure what one request uses: time, log bytes, metrics and bytes of the reply; `make cost` puts a price on it."""
