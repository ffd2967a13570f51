"""Loading models."""

from ht_vae.config import BUNDLED as BUNDLED
from ht_vae.model import load_model as load_model
