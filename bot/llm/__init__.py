"""The one door to a language model, and the typed calls that go through it. Optional: nothing depends on an answer."""
