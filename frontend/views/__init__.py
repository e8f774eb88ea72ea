"""The parts of the page. Each module draws one part; none calls the API."""
