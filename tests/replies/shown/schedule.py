def algorithm(jobs):
    """Order jobs (time, due) by their due dates, then report total lateness."""
    order = sorted(range(len(jobs)), key=lambda j: jobs[j][1])
    clock = 0
    late = 0
    for job in order:
        clock += jobs[job][0]
        late += max(0, clock - jobs[job][1])
    clock = 0
    worst = 0
    for job in order:
        clock += jobs[job][0]
        worst = max(worst, clock - jobs[job][1])
    return order, late, worst
