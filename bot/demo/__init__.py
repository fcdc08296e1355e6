"""The demonstration: a local Slack-compatible workspace and the scenarios that it plays."""
