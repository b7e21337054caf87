"""Signals: windows of a stream or a recording, and recordings in wav files."""
