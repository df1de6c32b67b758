"""Sends thousands of requests without waiting for a reply, so that the host holds them all."""
# family: frames

import threading
import time

from attack import attempted, receive, send

replies = []


def read():
    while True:
        replies.append(receive()[1])


def improve_algorithm(initial_solution, utility, language_model):
    threading.Thread(target=read, daemon=True).start()
    attempted()
    for number in range(3000):
        send(("request", 1000 + number, {"op": "utility", "solutions": []}))
    time.sleep(0.5)
    return "THROUGH" if len(replies) > 2500 else "nothing"
