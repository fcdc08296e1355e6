"""What a model changes, and what it costs."""
