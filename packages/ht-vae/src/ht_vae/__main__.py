"""`python -m ht_vae`: what torchrun starts."""

from ht_vae.cli import main

if __name__ == "__main__":
    main()
