"""HamNoSys and SiGML: notation to a typed tree and back, and what it says in English."""
