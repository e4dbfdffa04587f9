"""The whole tool, end to end: commands on the lab, judged by its ledger."""
