"""The parts of the page. Each module draws one of them; none calls the API."""
