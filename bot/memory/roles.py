"""What each agent wants to hear, and what kind of statement a message is."""

from __future__ import annotations

import re
from collections.abc import Mapping

EMPHASIS: Mapping[str, str] = {
    "database": "database migration schema index lock blocked transaction query SQL deadlock replica vacuum"
    " connection pool 数据库 迁移 锁 慢查询 连接池 索引 事务",
    "metrics": "deploy release traffic latency error rate saturation CPU memory throughput scale spike timeout"
    " 流量 延迟 错误率 发布 扩容 监控",
    "logs": "error exception stack trace panic warning log crash OOM timeout refused 报错 异常 日志 堆栈 崩溃",
    "changes": "deploy release rollback merge config flag migration upgrade version canary"
    " 发布 上线 回滚 配置 变更 升级",
    "traces": "span trace latency slow upstream downstream timeout retry 链路 超时 重试",
}
"""Words that are added to an agent's question; a role that is not here gets the incident's own words only."""

SECTIONS = ("known", "tried", "changed", "people", "recent")
"""In the order that helps a reader."""

ROLLED_BACK = r"roll(?:ed|ing)?(?:[ ](?:it|this|that|them))?[ ]?back"
"""In a pattern of cues."""
_CUES = {
    "tried": rf"""
        \b(?: tried | trying | restart(?:ed|ing)? | reboot(?:ed)? | {ROLLED_BACK} | revert(?:ed|ing)?
        | kill(?:ed)? | terminat(?:ed|ing) | bump(?:ed)? | scal(?:ed|ing)[ ](?:up|out|down) | flush(?:ed)?
        | fail(?:ed)?[ -]?over
        | mitigat\w+ | fixed | work(?:ed|s)[ ]around | workaround | did(?:n['’]t|[ ]not)[ ]help | no[ ]effect
        | (?:that|it)[ ]helped | drained | purged | increased | raised )\b
        | 重启 | 回滚 | 试了 | 试过 | 尝试 | 杀掉 | 扩容了 | 修复 | 恢复了 | 没用 | 解决了 | 切换""",
    "changed": r"""
        \b(?: deploy(?:ed|ing|s|ment)? | releas(?:ed?|ing) | shipp(?:ed|ing) | roll(?:ed|ing)?[ ]?out | merg(?:ed|ing)
        | migrat(?:ed?|ing|ion) | upgrad(?:ed?|ing) | config(?:uration)?[ ]change | chang(?:ed|ing)
        | (?:feature[ ])?flag | enabled | disabled | switched | cut[ ]?over | canary | terraform | helm
        | PR[ ]?\#?\d+ | v\d+\.\d+ )\b
        | 发布 | 上线 | 部署 | 变更 | 迁移 | 升级 | 改了 | 配置 | 开关 | 合并""",
    "people": r"""
        \b(?: owns? | owner | on[- ]call[ ](?:is|for|this) | ask | ping | page | expert | maintains?
        | knows[ ](?:about|how|this|the) | wrote[ ](?:it|this|the) | escalat\w+[ ]to | contact )\b
        | 负责 | 找 | 联系 | 值班 | 熟悉 | 谁写的""",
}
_COMPILED: dict[str, re.Pattern[str]] = {}


def section_of(text: str) -> str:
    """Which section of a brief a statement belongs to: tried, changed or people by its words, else known."""
    scores = {name: len(_pattern(name).findall(text)) for name in _CUES}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else "known"


def _pattern(name: str) -> re.Pattern[str]:
    if name not in _COMPILED:
        _COMPILED[name] = re.compile(_CUES[name], re.IGNORECASE | re.VERBOSE)
    return _COMPILED[name]
