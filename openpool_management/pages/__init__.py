"""Pages for people: the published documents as HTML, served live or written as files."""
