"""The real servers that tests may ask for by name."""

pytest_plugins = [
    "tests.servers.postgres",
    "tests.servers.prometheus",
    "tests.servers.redis",
    "tests.servers.workspace",
]
