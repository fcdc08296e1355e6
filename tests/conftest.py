"""The real servers that tests may ask for by name."""

from hypothesis import settings

# The tests share two cores with real servers, so nothing is timed; the same examples every time, so that a change is
# judged by what it changes. New ones are looked for with `scripts/test --hypothesis-profile=explore`.
settings.register_profile("nightdesk", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("nightdesk")

pytest_plugins = [
    "tests.servers.browser",
    "tests.servers.mariadb",
    "tests.servers.model",
    "tests.servers.postgres",
    "tests.servers.postgres_standby",  # imports postgres, so it comes after it
    "tests.servers.payments",  # imports postgres, so it comes after it
    "tests.servers.prometheus",
    "tests.servers.redis",
    "tests.servers.workspace",
    "tests.servers.nightdesk",  # imports workspace, so it comes after it
]
