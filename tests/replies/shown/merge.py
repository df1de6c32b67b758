def merge(left, right):
    merged = []
    while left and right:
        source = left if left[0] <= right[0] else right
        merged.append(source.pop(0))
    return merged + left + right


def algorithm(items):
    """Merge sort, top down."""
    items = list(items)
    if len(items) < 2:
        return items
    middle = len(items) // 2
    return merge(algorithm(items[:middle]), algorithm(items[middle:]))
