"""What one request uses up: time, log bytes, metrics and bytes of the reply; `make cost` puts a price on it."""
