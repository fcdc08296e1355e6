"""Read-only clients that agents look through: metrics, logs, databases."""
