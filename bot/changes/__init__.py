"""What was changed, by whom and when: one `Change`, one module for each place that knows of changes.

`door` takes what CI posts and `ledger` keeps it; `github`, `gitlab`, `kubernetes`, `argocd` and `grafana` are asked
when a triage asks; `announced` reads what was said in the channel; `merging` puts together what several of them tell.
"""
