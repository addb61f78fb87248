"""The timeline of an incident: what a responder wants to know of captures, in the order of time.

`chronicle` listens to what the engine delivers, `contents` puts programs and files together, `values` remembers what was read before,
`story` adds hosts, contacts, findings and incidents, `extraction` writes files, `html` makes the page.
"""
