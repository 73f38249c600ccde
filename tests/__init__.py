"""A regular package on purpose: paddle-python-sdk installs a top-level package of the same name, which would win otherwise."""
