"""What Slack shows: pure functions from incidents and events to messages, modals and the home tab."""
