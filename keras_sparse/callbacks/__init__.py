"""Callbacks that change or watch a model while it trains."""
