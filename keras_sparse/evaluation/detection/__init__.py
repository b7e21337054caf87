"""How well scores detect faults: their measures, and what they are compared with."""
