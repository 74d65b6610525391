"""The server of pages and of the API: it answers from documents, and can only read."""
