"""Who speaks: models, and the decoders that hold their growing sequences."""
