"""Emit the nodes of the operations of `keras.ops` between layers: a row of a table is one."""
