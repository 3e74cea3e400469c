"""Files that come in, read within limits: vector files of any kind, and tables of places."""
