"""What is better: soft weights on texts, and scores to make them of."""
