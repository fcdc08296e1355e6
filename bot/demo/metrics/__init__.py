"""A small stand-in for Prometheus, for a machine that has none: real scrapes, an hour of memory, a subset of PromQL.

What it understands:

* selectors with `=`, `!=`, `=~`, `!~` and `offset`
* over a range: rate, irate, increase, delta, changes, resets, and avg, min, max, sum, count, last, present, stddev,
  stdvar and quantile `_over_time`
* histogram_quantile, absent, abs, ceil, clamp, clamp_max, clamp_min, exp, floor, ln, log2, log10, round, scalar, sort,
  sort_desc, sqrt, time, timestamp, vector
* sum, avg, min, max, count, group, stddev, stdvar, topk, bottomk and quantile, `by` and `without` labels
* arithmetic, comparison (also with `bool`), `and`, `or`, `unless`; with `on`, `ignoring`, `group_left`, `group_right`

Sub-queries, `@`, native histograms and functions on text are refused as a query that cannot be read.
"""
