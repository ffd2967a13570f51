"""Signed languages: names by ISO 639-3 code, abbreviations, and suggestions for unknown names."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

ANY_LANGUAGE = "mul"
"""Of signs in notation, which says all that a signer does in whichever language (ISO 639-2: multiple languages)."""

# Of the standard's names without "Sign Language".
_NAMES = {
    "ads": "Adamorobe",
    "aed": "Argentine",
    "aen": "Armenian",
    "afg": "Afghan",
    "ajs": "Algerian Jewish",
    "ase": "American",
    "asp": "Algerian",
    "asq": "Austrian",
    "asw": "Australian Aborigines",
    "bfi": "British",
    "bfk": "Ban Khor",
    "bog": "Bamako",
    "bqn": "Bulgarian",
    "bqy": "Bengkala",
    "bvl": "Bolivian",
    "bzs": "Brazilian",
    "cds": "Chadian",
    "csc": "Catalan",
    "csd": "Chiangmai",
    "cse": "Czech",
    "csf": "Cuba",
    "csg": "Chilean",
    "csl": "Chinese",
    "csn": "Colombian",
    "csq": "Croatia",
    "csr": "Costa Rican",
    "csx": "Cambodian",
    "doq": "Dominican",
    "dse": "Dutch",
    "dsl": "Danish",
    "dsz": "Mardin",
    "ecs": "Ecuadorian",
    "ehs": "Miyakubo",
    "esl": "Egypt",
    "esn": "Salvadoran",
    "eso": "Estonian",
    "eth": "Ethiopian",
    "fcs": "Quebec",
    "fse": "Finnish",
    "fsl": "French",
    "fss": "Finland-Swedish",
    "gds": "Ghandruk",
    "gse": "Ghanaian",
    "gsg": "German",
    "gsm": "Guatemalan",
    "gss": "Greek",
    "gus": "Guinean",
    "hab": "Hanoi",
    "haf": "Haiphong",
    "hds": "Honduras",
    "hks": "Hong Kong",
    "hos": "Ho Chi Minh City",
    "hps": "Hawai'i",
    "hsh": "Hungarian",
    "hsl": "Hausa",
    "icl": "Icelandic",
    "iks": "Inuit",
    "inl": "Indonesian",
    "ins": "Indian",
    "ise": "Italian",
    "isg": "Irish",
    "isr": "Israeli",
    "jcs": "Jamaican Country",
    "jhs": "Jhankot",
    "jks": "Amami Koniya",
    "jls": "Jamaican",
    "jos": "Jordanian",
    "jsl": "Japanese",
    "jus": "Jumla",
    "kgi": "Selangor",
    "kvk": "Korean",
    "lbs": "Libyan",
    "lgs": "Guinea-Bissau",
    "lls": "Lithuanian",
    "lsb": "Burundian",
    "lsc": "Albarradas",
    "lsl": "Latvian",
    "lsn": "Tibetan",
    "lso": "Laos",
    "lsp": "Panamanian",
    "lst": "Trinidad and Tobago",
    "lsv": "Sivia",
    "lsw": "Seychelles",
    "lsy": "Mauritian",
    "lws": "Malawian",
    "mdl": "Maltese",
    "mfs": "Mexican",
    "mre": "Martha's Vineyard",
    "msd": "Yucatec Maya",
    "msr": "Mongolian",
    "mzc": "Madagascar",
    "mzg": "Monastic",
    "mzy": "Mozambican",
    "nbs": "Namibian",
    "ncs": "Nicaraguan",
    "nsi": "Nigerian",
    "nsl": "Norwegian",
    "nsp": "Nepalese",
    "nsr": "Maritime",
    "nzs": "New Zealand",
    "okl": "Old Kentish",
    "pgz": "Papua New Guinean",
    "pks": "Pakistan",
    "prl": "Peruvian",
    "prz": "Providencia",
    "psc": "Iranian",
    "psd": "Plains Indian",
    "psg": "Penang",
    "psl": "Puerto Rican",
    "pso": "Polish",
    "psp": "Philippine",
    "psr": "Portuguese",
    "pys": "Paraguayan",
    "rib": "Bribri",
    "rms": "Romanian",
    "rnb": "Brunca",
    "rsl": "Russian",
    "rsm": "Miriwoong",
    "rsn": "Rwandan",
    "sdl": "Saudi Arabian",
    "sfs": "South African",
    "sgg": "Swiss-German",
    "sgx": "Sierra Leone",
    "slf": "Swiss-Italian",
    "sls": "Singapore",
    "sqk": "Albanian",
    "sqs": "Sri Lankan",
    "sqx": "Kufr Qassem",
    "ssp": "Spanish",
    "ssr": "Swiss-French",
    "svk": "Slovakian",
    "swl": "Swedish",
    "syy": "Al-Sayyid Bedouin",
    "szs": "Solomon Islands",
    "tse": "Tunisian",
    "tsm": "Turkish",
    "tsq": "Thai",
    "tss": "Taiwan",
    "tsy": "Tebul",
    "tza": "Tanzanian",
    "ugn": "Ugandan",
    "ugy": "Uruguayan",
    "ukl": "Ukrainian",
    "uks": "Urubú-Kaapor",
    "vsi": "Moldova",
    "vsl": "Venezuelan",
    "vsv": "Valencian",
    "wbs": "West Bengal",
    "xki": "Kenyan",
    "xml": "Malaysian",
    "xms": "Moroccan",
    "ygs": "Yolŋu",
    "yhs": "Yan-nhaŋu",
    "ysl": "Yugoslavian",
    "ysm": "Myanmar",
    "zib": "Zimbabwe",
    "zsl": "Zambian",
}

# Abbreviations in use among signers and in the literature.
_ABBREVIATIONS = {
    "asl": "ase",
    "auslan": "asf",
    "bsl": "bfi",
    "czj": "cse",
    "čzj": "cse",
    "dgs": "gsg",
    "dsgs": "sgg",
    "evk": "eso",
    "hzj": "csq",
    "ksl": "kvk",
    "lgk": "lls",
    "lgp": "psr",
    "libras": "bzs",
    "lis": "ise",
    "liu": "jos",
    "lse": "ssp",
    "lsf": "fsl",
    "lsm": "mfs",
    "ngt": "dse",
    "nzsl": "nzs",
    "oegs": "asq",
    "pjm": "pso",
    "sts": "swl",
    "tid": "tsm",
    "tİd": "tsm",
    "ögs": "asq",
    "užm": "ukl",
    "ужм": "ukl",
}


def language_name(code: str) -> str:
    """The name of a signed language, "American Sign Language" for "ase"; the code itself where it has none."""
    if code == ANY_LANGUAGE:
        return "any language"
    return f"{_NAMES[code]} Sign Language" if code in _NAMES else code


def meant_language(text: str, known: Collection[str]) -> str | None:
    """The code meant by "ASL", "ASE", "american" or "Amercan Sign Language"; None where nothing is near.

    Args:
        text: code, abbreviation or name.
        known: codes that a model knows; another code is found only if the text names it exactly.
    """
    lowered = text.strip().lower()
    plain = lowered.removesuffix("sign language").strip()
    if lowered in known or lowered in _NAMES:
        return lowered
    if lowered in _ABBREVIATIONS:
        return _ABBREVIATIONS[lowered]
    names = {name.lower(): code for code, name in _NAMES.items()}
    if plain in names:
        return names[plain]
    near = difflib.get_close_matches(plain, [name for name, code in names.items() if code in known], n=1, cutoff=0.75)
    return names[near[0]] if near else None


def hint(text: str, known: Collection[str]) -> str:
    """A suggestion for an unknown language, to be appended to a message; empty where nothing is near."""
    meant = meant_language(text, known)
    if meant is None or (meant == text and meant not in _NAMES):
        return ""
    if meant in known:
        return f"; did you mean {meant} ({language_name(meant)})?"
    return f" ({meant}, {language_name(meant)})" if meant != text else f" ({language_name(meant)})"
