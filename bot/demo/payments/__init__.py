"""A small payments service on Postgres, its traffic, and the reporting job that gets in its way."""
