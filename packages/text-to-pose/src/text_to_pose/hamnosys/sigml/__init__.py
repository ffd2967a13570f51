"""SiGML, the XML of HamNoSys: gestural signs and lists of symbols, to the same tree and back."""
