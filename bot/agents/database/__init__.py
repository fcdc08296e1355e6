"""The database agent: one visitor for each engine, one set of topics for all of them."""

from bot.agents.database.ask import Observed, ask, database_tools

__all__ = ["Observed", "ask", "database_tools"]
