"""Other people's methods on the study's features and splits, run from checkouts that the user names.

Their code is no part of this repository: an adapter imports a peer's model and losses from its authors' own files and
trains them as the authors do.

Notable:

- A checkout is code, and it runs with all rights of whoever starts the study.
- The epoch, and the scale of the features, are picked on the validation split, as every method's are.
- A peer is measured as it is (cosine of its embeddings) and by this project's rule of ranking with its own label
  scores, so that the method and the ranking can be told apart.
"""
