"""Hostile programs, and what shows that the sandbox holds them.

Each file in `programs/` is one attack, and says in its first line what it tries. It runs in two
places: in each tier of the sandbox, behind the real engine (`contained`), and where little holds
it (`control`), to prove that it is an attack at all. A file added to `programs/` is run by the
tests, by `selftaught doctor --attack` and in every setting, with no other edit.
"""
