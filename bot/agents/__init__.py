"""The sub-agents that look, and the commander that concludes."""
