"""The real servers that tests may ask for by name."""

from hypothesis import settings

settings.register_profile("nightdesk", deadline=None)  # the tests share two cores with real servers
settings.load_profile("nightdesk")

pytest_plugins = [
    "tests.servers.browser",
    "tests.servers.postgres",
    "tests.servers.payments",  # imports postgres, so it comes after it
    "tests.servers.prometheus",
    "tests.servers.redis",
    "tests.servers.workspace",
    "tests.servers.nightdesk",  # imports workspace, so it comes after it
]
