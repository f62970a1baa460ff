"""Cost: the bill of what the doorway saw, before it comes.

`rules.py` says what calls are billed by, `gathering.py` adds up a run out of the lake, `flows.py` says what belongs
together, `bill.py` prices it, `projection.py` scales it to a month with tiers and free amounts, `levers.py` finds what
would make it cheaper, `alternatives.py` what else it could run on, `sheet.py` writes it down for people who decide.
`report.py` is all of that as `/_kumoi/cost` answers it; `budget.py` stops what costs too much.
"""
