"""The API description, the workflow file, the template and the handlers, held against each other."""
