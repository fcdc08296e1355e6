"""How many alerts a second are taken in, how fast they are acknowledged, and what a storm leaves behind."""
