"""How `kumoi deploy` works: local code becomes packages (`packaging.py`, with `requirements.py`), the packages and the
template are stored (`artifacts.py`), the stack is brought to the template (`stack.py`) and told (`telling.py`); with
`--watch` again whenever a file changes (`watching.py`).
"""
