def fits(load, item, capacity):
    return load + item <= capacity


def algorithm(items, capacity):
    """Pack the items into bins: first fit in the order given."""
    bins = []
    loads = []
    for item in items:
        for number, load in enumerate(loads):
            if fits(load, item, capacity):
                bins[number].append(item)
                loads[number] += item
                break
        else:
            bins.append([item])
            loads.append(item)
    return bins
