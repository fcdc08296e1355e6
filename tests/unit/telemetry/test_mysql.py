"""What MySQL and MariaDB say about themselves, read from their words."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bot.errors import SourceUnavailable
from bot.mysql import read
from bot.telemetry.lock_tree import roots
from bot.telemetry.mysql import READS, privileges
from bot.telemetry.mysql_deadlock import latest_deadlock
from bot.telemetry.mysql_replica import channel

DEADLOCK = """
=====================================
2026-05-01 03:00:10 0x7f INNODB MONITOR OUTPUT
=====================================
------------------------
LATEST DETECTED DEADLOCK
------------------------
2026-05-01 03:00:05 0x7f5de80e86c0
*** (1) TRANSACTION:
TRANSACTION 24, ACTIVE 1 sec starting index read
LOCK WAIT 3 lock struct(s), heap size 1128, 2 row lock(s), undo log entries 1
MySQL thread id 7, OS thread handle 140041301952192, query id 16 10.0.0.3 app updating
UPDATE orders SET mail = 'ann@example.com'
WHERE id = 2

*** (1) HOLDS THE LOCK(S):
RECORD LOCKS space id 5 page no 3 n bits 320 index PRIMARY of table `shop`.`orders` trx id 24 lock_mode X
 0: len 4; hex 80000002; asc secret;;

*** (2) TRANSACTION:
TRANSACTION 23, ACTIVE 1 sec starting index read
MariaDB thread id 6, OS thread handle 140041302259392, query id 15 10.0.0.4 app Updating
DELETE FROM stock WHERE id = 1
*** WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 5 page no 3 n bits 320 index PRIMARY of table `shop`.`stock` trx id 23 lock_mode X waiting
*** WE ROLL BACK TRANSACTION (2)
------------
TRANSACTIONS
------------
"""


def test_the_latest_deadlock_is_told_by_statements_and_tables_alone() -> None:
    found = latest_deadlock(DEADLOCK)
    assert found is not None
    assert found.at == "2026-05-01 03:00:05"
    assert found.statements == ("UPDATE orders SET mail = ? WHERE id = ?", "DELETE FROM stock WHERE id = ?")
    assert found.tables == ("shop.orders", "shop.stock")
    assert found.victim == "2"
    assert "secret" not in str(found)


@pytest.mark.parametrize("text", ["", "no deadlock here", "LATEST DETECTED DEADLOCK\n", DEADLOCK[:200]])
def test_what_holds_no_whole_deadlock_is_none(text: str) -> None:
    assert latest_deadlock(text) is None


@pytest.mark.parametrize(
    ("grant", "reads_only"),
    [
        ("GRANT USAGE ON *.* TO `r`@`%`", True),
        ("GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.* TO `r`@`%` IDENTIFIED BY PASSWORD '*AB'", True),
        ("GRANT SELECT ON `performance_schema`.* TO `r`@`%`", True),
        ("GRANT SELECT (`a`, `b`) ON `shop`.`t` TO `r`@`%`", True),
        ("GRANT `viewers`@`%` TO `r`@`%`", True),
        ("GRANT SELECT, INSERT (`a`) ON `shop`.`t` TO `r`@`%`", False),
        ("GRANT ALL PRIVILEGES ON `shop`.* TO `r`@`%`", False),
        ("GRANT SELECT ON `shop`.* TO `r`@`%` WITH GRANT OPTION", False),
        ("GRANT SUPER ON *.* TO `r`@`%`", False),
    ],
)
def test_grants_are_read_by_what_can_be_changed_with_them(grant: str, reads_only: bool) -> None:
    assert (privileges(grant) <= READS) is reads_only


def test_the_words_of_every_version_for_a_copy_mean_the_same() -> None:
    old = {"Master_Host": "db1", "Slave_IO_Running": "Yes", "Slave_SQL_Running": "No", "Seconds_Behind_Master": None,
           "SQL_Delay": 0, "Last_SQL_Errno": 1062, "Last_SQL_Error": "Duplicate entry 'ann@example.com'"}  # fmt: skip
    new = {"Source_Host": "db1", "Replica_IO_Running": "Yes", "Replica_SQL_Running": "No",
           "Seconds_Behind_Source": None, "SQL_Delay": 0, "Last_SQL_Errno": 1062, "Channel_Name": ""}  # fmt: skip
    assert channel(old) == channel(new)
    assert channel(old).error == "error 1062 (the row is already there)"


def test_a_connection_string_is_read_with_its_options() -> None:
    address = read(
        "stock", SecretStr("mariadb://reader:p%40ss%2Fword@db.internal:3307/stock?tls=verified&ca=/etc/ca.pem")
    )
    assert (address.user, address.password, address.host) == ("reader", "p@ss/word", "db.internal")
    assert (address.port, address.database, address.tls, address.ca) == (3307, "stock", "verified", "/etc/ca.pem")
    assert "p@ss" not in repr(address)


def test_without_options_the_usual_port_is_taken_and_tls_where_it_is_offered() -> None:
    address = read("stock", SecretStr("mysql://reader:x@db"))
    assert (address.port, address.database, address.tls) == (3306, None, "preferred")


def test_an_unknown_option_is_not_passed_over() -> None:
    with pytest.raises(SourceUnavailable, match="tls"):
        read("stock", SecretStr("mysql://reader:x@db/stock?tsl=verified"))


def test_a_tree_of_waits_has_its_root_where_nobody_is_waited_for() -> None:
    assert roots({1: (), 2: (1,), 3: (2,), 4: (9,), 9: ()}) == {1: (2, 3), 9: (4,)}
    assert roots({1: (2,), 2: (1,)}) == {}
    assert roots({}) == {}
