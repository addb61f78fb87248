"""Evidence: packs of policy, verdicts and capture slices that somebody who trusts nobody can check.

`pack.packed` makes the contents, `container` writes and reads them, `verify.verified` checks them.
"""
