"""Notation written for the signer's benchmarks: two manual alphabets, words of American Sign Language, minimal pairs.

Symbols are named without `ham`. The alphabets follow published descriptions (Wikipedia, "American manual alphabet"
and "Fingeralphabet"; R. Tennant and M. Gluszak Brown, The American Sign Language Handshape Dictionary, 1998; the table
of the German alphabet at kryptografie.de), the words those of learners' dictionaries. Where descriptions leave a choice
(how far a palm turns, how round a finger is), it was made on clips of the train splits.
"""

from __future__ import annotations

PLACE = "shouldertop lrbeside"
"""Beside the right shoulder."""
UP = f"extfingeru palmd between palmdl {PLACE}"
"""Fingers up and the palm to the viewer, a little to the left."""
UP_FLAT = f"extfingeru palmd {PLACE}"
UP_DIAGONAL = f"extfingeru palmdl {PLACE}"
UP_LEFT_PALM = f"extfingeru palml {PLACE}"
SIDEWAYS = f"extfingerl palml {PLACE}"

DRAWN_Z = "seqbegin mover smallmod movedl smallmod mover smallmod seqend"
MIDDLE_ON_THUMB = "middlefinger fingerstraightmod thumb fingertip middlefinger fingermidjoint"

AMERICAN = {
    "A": f"fist {UP}",
    "B": f"flathand thumbacrossmod {UP}",
    "C": f"ceeall thumbopenmod {UP_DIAGONAL}",
    "D": f"pinch12open middlefinger ringfinger pinky {UP}",
    "E": f"flathand thumbacrossmod fingerhookmod {UP}",
    "F": f"pinch12open {UP}",
    "G": f"finger2 thumbopenmod extfingero palml {PLACE}",
    "H": f"finger23 thumbacrossmod {SIDEWAYS}",
    "I": f"finger2 thumbacrossmod pinky {UP}",
    "J": f"finger2 thumbacrossmod pinky {UP_FLAT} parbegin moved smallmod arcl replace extfingeru palmu parend",
    "K": f"finger23spread thumb fingertip middlefinger fingermidjoint extfingeruo palml {PLACE}",
    "L": f"finger2 thumboutmod {UP_FLAT}",
    "M": f"fist ringfinger between pinky {UP}",
    "N": f"fist middlefinger between ringfinger {UP}",
    "O": f"pinchall {UP_LEFT_PALM}",
    "P": f"finger23 {MIDDLE_ON_THUMB} extfingero palmd {PLACE}",
    "Q": f"finger2 thumbopenmod extfingerdo palmd {PLACE}",
    "R": f"finger23 thumbacrossmod middlefinger fingerpad indexfinger {UP_FLAT}",
    "S": f"fist thumbacrossmod {UP}",
    "T": f"fist indexfinger between middlefinger {UP_FLAT}",
    "U": f"finger23 thumbacrossmod {UP}",
    "V": f"finger23spread thumbacrossmod {UP}",
    "W": f"finger2345 thumb fingertip pinky fingernail {UP}",
    "X": f"finger2 thumbacrossmod fingerhookmod {UP_LEFT_PALM}",
    "Y": f"finger2 thumboutmod pinky {UP_FLAT}",
    "Z": f"finger2 thumbacrossmod extfingero palmd {PLACE} {DRAWN_Z}",
}
"""The American manual alphabet."""

DOWN = "moved smallmod"
GERMAN = {
    "A": f"fist {UP}",
    "B": f"flathand thumbacrossmod {UP}",
    "C": f"ceeall thumbopenmod {UP_DIAGONAL}",
    "D": f"pinch12open middlefinger ringfinger pinky {UP_LEFT_PALM}",
    "E": f"flathand thumbacrossmod fingerhookmod {UP}",
    "F": f"pinch12open {UP_FLAT}",
    "G": f"finger2 thumbacrossmod {SIDEWAYS}",
    "H": f"finger23 thumbacrossmod {SIDEWAYS}",
    "I": f"finger2 thumbacrossmod pinky {UP_FLAT}",
    "J": f"finger2 thumbacrossmod pinky {UP_FLAT} parbegin moved smallmod arcl replace extfingeru palmu parend",
    "K": f"finger23spread {MIDDLE_ON_THUMB} extfingeru between extfingerul palmd {PLACE}",
    "L": f"finger2 thumboutmod {UP_FLAT}",
    "M": f"fist ringfinger between pinky {UP_FLAT}",
    "N": f"fist middlefinger between ringfinger {UP}",
    "O": f"pinchall {UP_LEFT_PALM}",
    "P": f"finger23spread {MIDDLE_ON_THUMB} extfingerdo palml {PLACE}",
    "Q": "finger2 thumbopenmod extfingerd palml chest lrbeside",
    "R": f"finger23 thumbacrossmod middlefinger fingerpad indexfinger {UP_FLAT}",
    "S": f"fist thumbacrossmod {UP}",
    "T": f"finger2 thumboutmod extfingerul palml {PLACE}",
    "U": f"finger23 thumbacrossmod {UP}",
    "V": f"finger23spread thumbacrossmod {UP}",
    "W": f"finger2345 thumb fingertip pinky fingernail {UP}",
    "X": f"finger2 thumbacrossmod fingerhookmod {UP_LEFT_PALM}",
    "Y": f"finger2 thumboutmod pinky {UP_FLAT}",
    "Z": f"finger2 thumbacrossmod extfingero palmd {PLACE} {DRAWN_Z}",
    "Ä": f"fist {UP} {DOWN}",
    "Ö": f"pinchall {UP_LEFT_PALM} {DOWN}",
    "Ü": f"finger23 thumbacrossmod {UP} {DOWN}",
    "ß": f"fist thumbacrossmod {UP} {DOWN}",
    "SCH": f"finger2345 thumboutmod {UP}",
}
"""The German manual alphabet."""

WORDS = {
    "hello": "flathand extfingerul palmd forehead lrat touch moveor",
    "thank you": "flathand extfingeru palmu chin seqbegin touch middlefinger fingertip seqend movedo",
    "please": "flathand extfingerl palml chest touch circlei repeatfromstart",
    "help": (
        "parbegin fist thumboutmod plus flathand parend parbegin extfingerol palml plus extfingeror palmu parend "
        "parbegin pinkyside plus palm parend touch parbegin moveu plus moveu parend"
    ),
    "coffee": (
        "parbegin fist thumbacrossmod extfingerol palml plus fist thumbacrossmod extfingeror palmr parend "
        "parbegin pinkyside plus thumbside parend touch circled smallmod repeatfromstart"
    ),
    "tea": (
        "parbegin pinch12open extfingerl palmd plus pinchall extfingeror palmr parend "
        "parbegin indexfinger fingertip plus thumbside parend close chest circled smallmod repeatfromstart"
    ),
    "can": "symmlr fist thumbacrossmod extfingeruo palmd shoulders lrbeside moved",
    "get": (
        "parbegin finger2345 fingerbendmod extfingerol palml plus finger2345 fingerbendmod extfingeror palmr parend "
        "parbegin pinkyside plus thumbside parend close parbegin parbegin movei replace fist thumbacrossmod parend "
        "plus parbegin movei replace fist thumbacrossmod parend parend"
    ),
    "large": "symmlr flathand extfingero palml mover largemod",
    "small": "symmlr flathand extfingero palml chest lrbeside movel largemod",
    "medium": (
        "parbegin flathand extfingeruo palml plus flathand extfingerr palmu parend "
        "parbegin pinkyside plus thumbside parend close stomach moved smallmod touch repeatfromstart"
    ),
    "muffin": (
        "parbegin finger2345 fingerbendmod extfingerol palmd plus flathand extfingeror palmu parend "
        "parbegin fingertip plus palm parend close stomach moved touch"
    ),
    "no": (
        "finger23 thumboutmod extfingeru palmd neck lrbeside "
        "replace pinch12 fingerstraightmod indexfinger middlefinger repeatfromstart"
    ),
    "yes": "fist thumbacrossmod extfingeru palmd chin lrbeside nodding repeatfromstart",
    "water": (
        "finger2345 thumb fingertip pinky fingernail extfingeru palml chin close "
        "movei smallmod chin touch repeatfromstart"
    ),
    "cat": "pinch12open extfingeru palml cheek lrbeside close mover smallmod repeatfromstart",
    "food": "pinchall extfingerul palmd lips lrbeside close moveil smallmod lips touch repeatfromstart",
    "I love you": "finger23spread thumboutmod indexfinger pinky extfingeru palmd neck lrbeside",
}
"""Words of American Sign Language of which `signs/` has clips, by their texts."""


def hamnosys(names: str) -> str:
    """Symbols' names with `ham` before each."""
    return " ".join(f"ham{name}" for name in names.split())
