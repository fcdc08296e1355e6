"""The Slack door and the bot's face: what people say comes in here, what the bot knows is shown here."""
