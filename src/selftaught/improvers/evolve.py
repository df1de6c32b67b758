"""Evolution over an archive of all that was scored, with what the scoring said in each prompt.

A parent is drawn by its rank and by how seldom it was one; the model is shown its score, what the
scoring said of it, the best so far, a program unlike it, and what was changed in vain; where
nothing gets better, ideas are asked for in words. Which model and which temperature pay is learned.
While replies are scored, the next are under way.

Sources: fitness and offspring as weights of parents, and novelty: ShinkaEvolve (arXiv 2509.19349);
reflection on what the scoring said: GEPA (2507.19457); UCB1: Auer, Cesa-Bianchi and Fischer 2002.
"""

import math
import random
import re
from dataclasses import dataclass, field

from helpers import changed_lines, extract_code

# What a prompt shows besides the parent and its score; without one it is another improver.
PARTS = ("said", "best", "unlike", "vain", "ideas")
TEMPERATURES = (0.4, 0.7, 1.0)
DECAY, FATIGUE, TOP = 0.6, 6, 20  # a parent's weight by its rank, and by how often it was one
UNLIKE_SHARE = 0.3  # of prompts that show a program unlike the parent
STUCK, IDEAS_AT_ONCE = 60, 2  # programs scored with nothing better, and what is asked for then
WHOLE_CHARS = 6_000  # longer programs are changed by edits
PROMPT_CHARS, LEAST_CHARS, SAID_CHARS, VAIN = 24_000, 1_000, 3_000, 6

EXPERTISE = """You write fast and correct Python, and you know the literature on algorithms.
Programs are scored by this utility, and higher is better:
```python
{}
```"""
TASK = """Change the first program so that it scores higher, with the same entry function. Say in a
sentence or two what you change and why it should help. """
WHOLE = "Then give the whole program in one Python code block."
EDITS = """Then give edits of it, each as a block
<<<<<<< SEARCH
lines of it, exactly as they are
=======
what is to stand there instead
>>>>>>> REPLACE"""
IDEAS = """Nothing of late was better than this. Say in two or three sentences, in words and without
code, one idea that is unlike what was tried: another method, or what holds the program back. """


@dataclass(eq=False)
class Scored:
    """A program with its score, what the scoring said, and what became of it as a parent."""

    source: str
    value: float
    said: str
    words: frozenset
    tries: int = 0
    vain: list = field(default_factory=list)


class Bandit(dict):
    """UCB1 over options, each with its gains: whether children were better than their parents."""

    def choose(self):
        logs = 0.5 * math.log(max(1, sum(map(len, self.values()))))
        return max(self, key=lambda option: bound(self[option], logs))


def bound(gains, logs):
    return sum(gains) / len(gains) + math.sqrt(logs / len(gains)) if gains else math.inf


class Evolution:
    def __init__(self, solution, utility, language_model):
        self.utility, self.language_model = utility, language_model
        self.room = language_model.prompt_chars
        self.expertise = EXPERTISE.format(utility.str[: self.room // 3])
        self.archive, self.seen, self.ideas, self.stuck = [], {solution.strip()}, [], 0
        self.scoring = []  # programs that are being scored
        self.models = Bandit((model, []) for model in language_model.models)
        self.temperatures = Bandit((temperature, []) for temperature in TEMPERATURES)
        self.add(solution, utility(solution), None)

    @property
    def best(self):
        return self.archive[0]

    def add(self, source, value, parent):
        """Into its place by value, of equals behind the earlier ones."""
        self.stuck = self.stuck + 1 if self.archive and value <= self.best.value else 0
        words = frozenset(re.findall(r"\w+", source))
        place = sum(one.value >= value for one in self.archive)
        self.archive.insert(place, Scored(source, float(value), value.feedback, words))
        if parent is not None and value <= parent.value:
            why = value.feedback.partition("\n")[0][:200]
            parent.vain.append(
                f"{changed_lines(parent.source, source)[:600]}\n-> {value:.6g} {why}"
            )

    def parent(self):
        top = self.archive[:TOP]
        weights = [DECAY**rank / (1 + one.tries / FATIGUE) for rank, one in enumerate(top)]
        chosen = random.choices(top, weights)[0]
        chosen.tries += 1
        return chosen

    def unlike(self, parent):
        """Of a few of the better half the one that has fewest words in common with the parent."""
        half = [one for one in self.archive[: 1 + len(self.archive) // 2] if one is not parent]
        few = random.sample(half, min(4, len(half)))
        return min(few, key=lambda one: len(one.words & parent.words) / len(one.words))

    # --- the prompt -----------------------------------------------------------------------------

    def shown(self, parent):
        """What there is to learn from, besides the parent."""
        if "said" in PARTS and parent.said:
            yield f"What the scoring said of it:\n{parent.said[:SAID_CHARS]}"
        others = []
        if "best" in PARTS and parent is not self.best:
            others.append((self.best, "The best so far"))
        if "unlike" in PARTS and random.random() < UNLIKE_SHARE and len(self.archive) > 1:
            others.append((self.unlike(parent), "One that is unlike it; take what is better there"))
        for one, what in others:
            yield f"{what}, which scores {one.value:.6g}:\n{fenced(one.source)}"
        if "vain" in PARTS and parent.vain:
            tried = "\n\n".join(parent.vain[-VAIN:])
            yield f"These changes of the first program did not help:\n{tried}"

    def message(self, parent, asked):
        """The parent or a part of it, of the rest what there is room for, and what is asked."""
        room = max(LEAST_CHARS // 2, self.room - len(self.expertise) - len(asked) - 99)
        self.is_part = len(parent.source) > room
        begin = random.randrange(len(parent.source) - room) if self.is_part else 0
        shown = fenced(parent.source[begin : begin + room])
        message = f"This {'part of a ' * self.is_part}program scores {parent.value:.6g}:\n{shown}"
        for part in self.shown(parent):
            if len(message) + len(part) <= min(room, PROMPT_CHARS):
                message += f"\n\n{part}"
        return f"{message}\n\n{asked}"

    # --- the search -----------------------------------------------------------------------------

    def ask(self):
        """Start a call for children of one parent; None if no call is left."""
        uses = self.utility.budget - self.utility.uses - len(self.scoring)
        if self.language_model.times_used >= self.language_model.budget or uses <= 0:
            return None
        how = self.models.choose(), self.temperatures.choose()
        n = min(self.language_model.max_responses_per_call, uses)
        asks_ideas = "ideas" in PARTS and self.stuck >= STUCK
        if asks_ideas:
            self.stuck, n, parent, what, asked = 0, min(n, IDEAS_AT_ONCE), self.best, "idea", IDEAS
        else:
            parent = self.parent()
            is_short = len(parent.source) <= min(WHOLE_CHARS, self.room // 3)
            what, asked = ("program", TASK + WHOLE) if is_short else ("edits", TASK + EDITS)
            if self.ideas:
                what += " by an idea"
                asked = f"An idea to try: {self.ideas.pop()[:1000]}\n\n{asked}"
        place = f"place {1 + self.archive.index(parent)} of {len(self.archive)}"
        further = n, how[1], how[0], f"{what} from {place}, try {parent.tries}"
        started = self.language_model.start(self.expertise, self.message(parent, asked), *further)
        return started, parent, how, asks_ideas

    def run(self):
        asked = self.ask()
        while asked is not None:
            started, parent, how, asks_ideas = asked
            try:
                replies = started.result()
            except Exception:  # the prompt is too long, or else the model gives no more
                self.room //= 2
                asked = self.ask() if self.room >= LEAST_CHARS else None
                continue
            if asks_ideas:
                self.ideas += [re.sub(r"```.*?(```|\Z)", "", one, flags=re.S) for one in replies]
            self.scoring = self.fresh(replies, parent)
            scores = self.utility.start_map(self.scoring, against=self.best.source)
            asked = self.ask()  # while those are scored
            for source, value in zip(self.scoring, scores.result(), strict=True):
                for bandit, option in zip((self.models, self.temperatures), how, strict=True):
                    bandit[option].append(value > parent.value)
                self.add(source, value, parent)
        return self.best.source

    def fresh(self, replies, parent):
        """The programs that were not there before."""
        found = []
        for source in extract_code([*replies], parent.source if self.is_part else None):
            if source and source.strip() not in self.seen:
                self.seen.add(source.strip())
                found.append(source)
        return found


def fenced(source):
    return f"```python\n{source}\n```"


def improve_algorithm(initial_solution, utility, language_model):
    return Evolution(initial_solution, utility, language_model).run()
