"""Real servers for tests: each a process on 127.0.0.1, ended by its process id."""
