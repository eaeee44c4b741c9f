"""The parts of reading an image folder: which files it has, what its tables say, how labels are spelt."""
