# --- of texts ------------------------------------------------------------------------------------
# Follows `evolve` where texts are improved: what it asks for and shows, in place of programs.

EXPERTISE = """You write and revise texts that do a job: prompts, instructions, configurations. What
is called a program below is such a text; nothing says that it is code.
Texts are scored as follows, and higher is better:
~~~~
{}
~~~~"""
TASK = """Change the first text so that it scores higher. Names, placeholders and lines of marks
that something else looks for must stay. Say in a sentence or two what you change and why it should
help. """
WHOLE = "Then give the whole text between two lines of ~~~~ and nothing else between them."
IDEAS = """Nothing of late was better than this. Say in two or three sentences, without writing the
text, one idea that is unlike what was tried: another approach, or what holds this one back. """


def fenced(source):
    return f"~~~~\n{source}\n~~~~"
