"""Hostile programs, and what shows that the sandbox holds them.

Each function in `programs/`, a file a family, is one attack, and says in its docstring what it
tries. It runs in two places: in each tier of the sandbox, behind the real engine (`contained`), and
where little holds it (`control`), to prove that it is an attack at all. A function added there is
run by the tests, by `selftaught doctor --attack` and in every setting.
"""
