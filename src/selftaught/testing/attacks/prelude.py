"""Runs before an attack, in a guest or in a weak host's process: makes the module `attack`.

`FACTS` (a JSON text) and `DESCRIPTOR` (a number, or None where the guest has but one) stand above.
"""


def _make_attack_module():
    import json
    import os
    import sys
    import types

    facts = json.loads(FACTS)
    token = bytes.fromhex(facts["token"])
    descriptor = DESCRIPTOR
    write = os.write
    if descriptor is None:
        for descriptor in range(64):
            try:
                os.get_blocking(descriptor)
                break
            except OSError:
                continue

    def attempted():
        """Tell the host that the forbidden step comes next."""
        write(descriptor, token)

    module = types.ModuleType("attack")
    module.facts = facts
    module.attempted = attempted
    # Where frames go: in a guest the socket to the host, in a weak host likewise.
    module.descriptor = facts.get("frames", descriptor)
    sys.modules["attack"] = module


_make_attack_module()
