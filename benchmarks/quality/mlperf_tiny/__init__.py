"""MLPerf Tiny's anomaly detection: its reference model, and audio of ToyADMOS as its data."""
