"""When a score is an alarm: thresholds with a stated rate, verdicts and votes."""
