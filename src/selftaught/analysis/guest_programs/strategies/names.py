"""Names of the standard library and numpy, by what they do to the flow of values.

A name is the last part of a dotted one: of a function, or of a method.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CHECKS = frozenset({"compile", "exec", "eval", "parse", "literal_eval", "exec_module"})
TEXTS = _words(
    """
    str repr ascii format dedent indent shorten fill wrap escape encode decode strip lstrip
    rstrip lower upper casefold title capitalize swapcase removeprefix removesuffix format_map
    join center ljust rjust zfill translate expandtabs sha256 sha1 md5 sha512 blake2b hexdigest
    digest hash quote dumps crc32 adler32 normalize substitute safe_substitute write Template
    """
)
PARTS = _words(
    """
    split rsplit splitlines partition rpartition findall finditer search match fullmatch group
    groups groupdict get_source_segment unparse walk iter_child_nodes getsource loads
    generate_tokens get_docstring dump ndiff unified_diff
    """
)
NUMBERS = _words(
    """
    len sum abs round int float bool complex any all pow divmod isinstance issubclass callable
    startswith endswith count find rfind isidentifier isdigit ord exp log log2 log10 log1p expm1
    sqrt tanh sin cos ceil floor mean fmean median stdev pstdev variance std var prod cumsum
    clip average quantile percentile isfinite isnan isinf ratio hypot sign dot maximum minimum
    power square isclose total bit_length time monotonic perf_counter process_time
    """
)
RANDOM = _words(
    """
    random uniform gauss normalvariate betavariate expovariate triangular randint randrange
    randbelow integers normal beta binomial exponential standard_normal rand randn
    lognormvariate random_sample poisson gammavariate gamma dirichlet
    """
)
SAME = _words(
    """
    list tuple iter reversed copy deepcopy array asarray tolist result run wait_for create_task
    ensure_future await shield cycle as_completed flatten ravel asdict astuple nullcontext wait
    from_iterable
    """
)
LISTS = frozenset({"list", "deque", "Queue", "LifoQueue", "PriorityQueue", "SimpleQueue"})
SETS = frozenset({"set", "frozenset"})
DICTS = frozenset({"dict", "OrderedDict", "Counter", "WeakValueDictionary", "ChainMap"})
EMPTY = (("list", LISTS), ("set", SETS), ("dict", DICTS | {"defaultdict"}))
PUTS = frozenset({"append", "add", "appendleft", "put", "put_nowait", "push", "insort"})
TAKES = frozenset({"pop", "popleft", "popitem", "get_nowait", "heappop"})
REMOVES = frozenset({"remove", "discard", "clear", "difference_update"})
GENERATORS = frozenset({"default_rng", "Random", "SystemRandom", "RandomState", "Generator"})
ARGUMENTS = frozenset({"argmax", "argmin", "argsort", "argpartition"})
