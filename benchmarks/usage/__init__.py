"""What one request uses up: time, log bytes, metrics and bytes of the reply; `make cost` prices it."""
