"""Checkpoints from which a training resumes to the bit."""
