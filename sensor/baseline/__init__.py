"""Baselines: what was, learned from traffic, and what is new since (a policy says what may be; zones).

model    what a baseline holds          learn   from the engine's counts to a baseline
judge    what is new, and how           words   how that is said
course   learning first, then judging   kept    in the store: keep, load, accept, reset
"""
