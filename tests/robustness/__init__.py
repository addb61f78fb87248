"""Damaged, cut, re-segmented and hostile captures: nothing is fatal, nothing is invented, what was lost stands in the ledger."""
