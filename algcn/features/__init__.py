"""Turn pictures and texts into numbers: encoders, and the features of the paper."""
