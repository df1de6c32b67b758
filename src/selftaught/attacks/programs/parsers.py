"""Programs to be scored that kill whoever parses them, or that are hardly text."""

from attack import descriptor, raw_write, receive, send_solutions, wire


def parser_depth(initial_solution, utility, language_model):
    """Has programs scored that kill parsers: functions, signs, sums and brackets, thousands deep."""
    chains = ("lambda: " * 20_000, "1 if 1 else " * 20_000, "-" * 20_000, "1 + " * 30_000)
    texts = [*(f"{chain}1" for chain in chains), "(" * 3000 + ")" * 3000, "a" + ".a" * 20_000]
    utility.map([f"x = {text}\n" for text in texts])
    return f"x = {texts[0]}\n"


def parser_text(initial_solution, utility, language_model):
    """Has programs scored that are hardly text: null bytes, broken UTF-8, unknown encodings."""
    for text in ("# coding: no-such-codec\nx = 1\n", "\ufeff\ufeff", "\x00"):
        send_solutions(1000, [text])
        receive()
    frame = wire.pack(("request", 2000, {"op": "utility", "solutions": ["HALF"]}))
    raw_write(descriptor, frame.replace(b"HALF", b"\xed\xa0\x80x"))
    receive()
    return "nothing"
