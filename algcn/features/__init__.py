"""Pictures and texts to numbers: encoders and the features of the paper."""
