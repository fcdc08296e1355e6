"""What the database agent offers, whatever is configured."""

from __future__ import annotations

import re
from pathlib import Path

from bot.agents.database import database_tools
from bot.agents.database.topics import TOPICS

PAPER = Path(__file__).parents[4] / "docs" / "playbooks.md"


def test_the_tools_are_the_database_agents() -> None:
    assert {tool.name for tool in database_tools({})} == {
        "database.blocking_sessions",
        "database.long_transactions",
        "database.connections",
        "database.slow_statements",
        "database.replication",
        "database.deadlocks",
        "database.vacuum",
        "database.storage",
        "database.memory",
        "database.look",
    }
    assert {tool.agent for tool in database_tools({})} == {"database"}


def test_no_two_topics_use_one_name_for_different_facts() -> None:
    tools = {tool.name: tool for tool in database_tools({})}
    single = [name for tool in tools.values() if tool.name != "database.look" for name in tool.facts]
    assert sorted(single) == sorted(tools["database.look"].facts)


def test_the_papers_name_every_tool_with_its_facts() -> None:
    rows = re.findall(r"^\| `database\.(\w+)` \| .*? \| (.*?) \|$", PAPER.read_text(), re.MULTILINE)
    told = {topic: set(re.findall(r"`(\w+)`", facts)) for topic, facts in rows}
    assert told == {topic: set(about.meanings) for topic, about in TOPICS.items()}
