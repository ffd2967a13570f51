"""Training data: preprocessing, datasets, augmentation, checks of their texts."""
