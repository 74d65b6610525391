"""Pages made of documents, without a server or a browser."""
