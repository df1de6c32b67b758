"""Programs to be scored that kill whoever parses them, or that are hardly text."""

from attack import attempted, descriptor, raw_write, receive, send_solutions, wire


def parser_chains(initial_solution, utility, language_model):
    """Has programs scored that kill parsers: chains of signs, attributes and comparisons."""
    attempted()
    texts = ["-" * 20_000 + "1", "a" + ".a" * 20_000, "a" + "[0]" * 20_000, "not " * 20_000 + "a"]
    utility.map([f"x = {text}\n" for text in texts])
    return f"x = {texts[0]}\n"


def parser_depth(initial_solution, utility, language_model):
    """Has programs scored that kill parsers: functions, choices and brackets, thousands deep."""
    attempted()
    texts = ("lambda: " * 20_000, "1 if 1 else " * 20_000)
    for text in (*(f"{text}1" for text in texts), "(" * 3000 + ")" * 3000, "[" * 5000):
        utility(f"x = {text}\n")
    return f"x = {texts[0]}1\n"


def parser_numbers(initial_solution, utility, language_model):
    """Has programs scored that are long: numbers, sums, texts, and texts within texts."""
    long_sum = "1" + " + 1" * 30_000
    attempted()
    utility("x = 1" + "0" * 100_000 + "\n")
    utility(f"x = {long_sum}\n")
    utility("x = '" + "a" * 2_000_000 + "'\n")
    utility("x = " + "f'{" * 300 + "1" + "}'" * 300 + "\n")
    return f"x = {long_sum}\n"


def parser_text(initial_solution, utility, language_model):
    """Has programs scored that are hardly text: null bytes, broken UTF-8, unknown encodings."""
    attempted()
    for text in ("# coding: no-such-codec\nx = 1\n", "\ufeff\ufeff", "\x00"):
        send_solutions(1000, [text])
        receive()
    frame = wire.pack(("request", 2000, {"op": "utility", "solutions": ["HALF"]}))
    raw_write(descriptor, frame.replace(b"HALF", b"\xed\xa0\x80x"))
    receive()
    return "nothing"
