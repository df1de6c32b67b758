"""Weak hosts: what attacks get through, as positive controls.

They do what is common: run a program in a plain process with the scorer beside it, take results by
pickle, judge by the exit status, keep budgets as attributes in the program's reach, believe what
frames say. Started as scripts, never imported by the host.
"""
