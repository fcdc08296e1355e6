"""The real servers that tests may ask for by name."""

pytest_plugins = [
    "tests.servers.redis",
]
