"""Clips to batches: reading, preprocessing, augmentation, data sets, loaders and shards."""
