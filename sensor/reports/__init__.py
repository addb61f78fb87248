"""Reports: what a policy and what was seen say about each other, as one model and the forms that people sign, sort and keep.

`build.report_of` makes the model of a finished run, `kept.report_of` of what the store holds; `forms.write` writes it.
"""
