"""Results of the tutorial "Unsupervised Feature Learning and Deep Learning", reproduced."""
