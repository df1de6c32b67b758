"""Whatever a frame can carry, for tests by property."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from selftaught_guest import wire

LIMIT = 1 << (8 * wire.MAX_INT_BYTES - 1)

dtypes = st.sampled_from(wire.DTYPES).flatmap(
    lambda dtype: st.sampled_from([dtype, dtype.newbyteorder(">"), dtype.newbyteorder("<")])
)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
    )
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
keys = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(1 - LIMIT, LIMIT - 1),
    st.floats(allow_nan=False),
    texts,
    st.binary(max_size=8),
    st.tuples(st.integers(-9, 9), texts),
)
atoms = st.one_of(keys, st.floats(), arrays, arrays.map(lambda array: array.ravel()[:1]))
data = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, max_size=12),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
    ),
    max_leaves=20,
)
