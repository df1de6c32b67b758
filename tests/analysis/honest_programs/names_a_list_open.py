"""A search with lists called open and closed, as in textbooks, and a table called inspect."""

import heapq


def algorithm(graph, start, goal):
    open = [(0, start)]
    closed = set()
    inspect = {start: 0}
    while open:
        cost, node = heapq.heappop(open)
        if node == goal:
            return cost
        closed.add(node)
        for other, step in enumerate(graph[node]):
            if step and other not in closed and cost + step < inspect.get(other, 1e18):
                inspect[other] = cost + step
                heapq.heappush(open, (cost + step, other))
    return -1
