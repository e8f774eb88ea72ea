"""The places of the page, one module each: what stands there, in which order, and the calls to the API."""
