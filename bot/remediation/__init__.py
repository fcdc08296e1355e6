"""What may be changed, how dangerous it is, and how it is offered, done and watched. Denied unless it is allowed."""
