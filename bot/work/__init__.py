"""Background work: what follows from each event, and the tasks that do it."""
