"""Random trees of signs, of all that HamNoSys can write, to notation and back."""

import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pose_core import UserError
from text_to_pose.hamnosys.as_json import as_json
from text_to_pose.hamnosys.directions import COMPASS, STRAIGHT, Direction
from text_to_pose.hamnosys.explain import explain
from text_to_pose.hamnosys.handshapes import (
    BaseShape,
    Bend,
    Digit,
    FingerBend,
    FingerContact,
    FingerPart,
    Form,
    Handshape,
    Thumb,
    are_exempt,
)
from text_to_pose.hamnosys.movements import (
    Alternating,
    Arc,
    BodyAction,
    Brushing,
    CircularMovement,
    CrossKind,
    CrossMovement,
    Ellipse,
    EllipseDirection,
    FingerPlay,
    Growth,
    Manner,
    NoMovement,
    Parallel,
    Repeated,
    Repetition,
    RepetitionKind,
    Replace,
    Sequence,
    Size,
    Split,
    StraightMovement,
    Targeted,
    WristMovement,
    WristMovementKind,
    Zigzag,
    ZigzagStyle,
)
from text_to_pose.hamnosys.pairs import Pair
from text_to_pose.hamnosys.parser import parse
from text_to_pose.hamnosys.places import (
    BodyPlace,
    BodySite,
    Constellation,
    Contact,
    ContactKind,
    HandPart,
    HandPlace,
    Location,
    Side,
    Surface,
)
from text_to_pose.hamnosys.postures import FingerDirection, Palm, Posture
from text_to_pose.hamnosys.sigml.reader import read_sigml
from text_to_pose.hamnosys.sigml.writer import write_sigml
from text_to_pose.hamnosys.tree import Segment, Sign, Symmetry
from text_to_pose.hamnosys.writer import write


def short(strategy):
    """The same strategy, with a short representation: hypothesis writes that of large ones out, which takes seconds."""
    return st.deferred(lambda: strategy)


def maybe(strategy):
    return short(st.none() | strategy)


def one_of(kind):
    return st.sampled_from(list(kind))


def pairs(strategy, nondominant=None):
    """Pairs of which at least one hand is said."""
    both = st.builds(Pair, maybe(strategy), maybe(strategy if nondominant is None else nondominant))
    return both.filter(lambda pair: pair.dominant is not None or pair.nondominant is not None)


flag = st.booleans()
size = maybe(one_of(Size))
digits = st.lists(one_of(Digit), unique=True, max_size=3).map(tuple)
compass = st.sampled_from(COMPASS)
straight = st.sampled_from(STRAIGHT)
manners = short(
    st.builds(
        lambda manner, degree: replace(manner, degree=degree) if manner != Manner() else manner,
        st.builds(Manner, flag, flag, flag, flag, flag),
        size,
    )
)

bases = short(st.builds(BaseShape, one_of(Form), maybe(one_of(Thumb)), maybe(one_of(Bend))))


@st.composite
def handshapes(draw):
    base, between = draw(bases), draw(maybe(bases))
    bent = draw(st.lists(one_of(Digit), unique=True, max_size=2))
    fingers = draw(digits)
    opposed = tuple(finger for finger in fingers if draw(flag))
    exempt = are_exempt(base, between, fingers) and not opposed
    part = one_of(FingerPart)
    return Handshape(
        base,
        between,
        draw(maybe(part)),
        tuple(FingerBend(finger, draw(one_of(Bend))) for finger in sorted(bent, key=lambda digit: digit.number)),
        tuple(draw(st.lists(st.builds(FingerContact, one_of(Digit), part, one_of(Digit), maybe(part)), max_size=2))),
        () if exempt else fingers,
        opposed,
        fingers if exempt else (),
        draw(maybe(st.tuples(one_of(Digit), one_of(Digit)))),
        draw(flag),
        draw(flag),
    )


finger_directions = short(st.builds(FingerDirection, one_of(Direction), maybe(one_of(Direction)), flag, flag))
palms = short(st.builds(Palm, compass, maybe(compass), relative=flag, approximate=flag))
shape_pairs = short(pairs(handshapes(), handshapes() | st.just(Handshape(None))))
postures = short(
    st.builds(
        Posture,
        maybe(handshapes() | shape_pairs),
        maybe(finger_directions | pairs(finger_directions)),
        maybe(palms | pairs(palms)),
    ).filter(lambda posture: posture != Posture())
)
starts = short(
    st.builds(
        Posture,
        maybe(handshapes() | shape_pairs),
        finger_directions | pairs(finger_directions),
        maybe(palms | pairs(palms)),
    )
)

sides = maybe(st.sampled_from([side for side in Side if side is not Side.FRONT]))
body_places = short(st.builds(BodyPlace, one_of(BodySite), sides, maybe(one_of(Surface)), maybe(one_of(Bend)), flag))
plain_parts = st.sampled_from([part for part in HandPart if part not in {HandPart.PALM, HandPart.BACK}])
some_digits = digits.filter(bool)
surfaces = maybe(one_of(Surface))
hand_places = short(
    st.one_of(
        st.builds(HandPlace, part=one_of(HandPart), side=sides, surface=surfaces),
        st.builds(HandPlace, part=plain_parts, fingers=some_digits, side=sides, surface=surfaces),
        st.builds(HandPlace, finger_part=one_of(FingerPart), fingers=digits, side=sides, surface=surfaces),
        st.builds(HandPlace, fingers=some_digits, side=sides, surface=surfaces),
    )
)
places = short(body_places | hand_places)


def locations_at(where, by=None):
    contacts = maybe(st.builds(Contact, one_of(ContactKind), st.none() if by is None else by))
    return st.builds(Location, where, maybe(places), flag, contacts)


locations = short(locations_at(places, maybe(locations_at(places))))
contacts = short(st.builds(Contact, one_of(ContactKind), maybe(locations_at(places))))
on_body = short(locations_at(body_places))


def both(strategy):
    return st.builds(Pair, strategy, strategy)


constellations = short(
    st.builds(
        Constellation,
        maybe(both(locations_at(places)) | locations_at(hand_places).map(lambda at: Pair(at, at))),
        maybe(contacts),
        flag,
        maybe(on_body | both(on_body)),
    ).filter(lambda one: one.contact is not None or one.behind)
)
targets = short(locations | both(locations) | constellations)

ellipses = maybe(st.builds(Ellipse, one_of(EllipseDirection), size))
zigzags = maybe(st.builds(Zigzag, one_of(ZigzagStyle), size))
growth = maybe(one_of(Growth))


def between(fields):
    return fields.filter(lambda move: move.between is not None or move.between_size is None)


arcs = short(maybe(st.builds(Arc, st.sampled_from([Direction.L, Direction.U, Direction.R, Direction.D]), size)))
straights = short(
    between(
        st.builds(
            StraightMovement,
            straight,
            size,
            maybe(straight),
            size,
            arcs,
            zigzags,
            ellipses,
            growth=growth,
            manner=manners,
        )
    )
)
circles = short(
    between(
        st.builds(
            CircularMovement,
            straight,
            size,
            maybe(straight),
            size,
            maybe(compass),
            st.integers(0, 2),
            maybe(compass),
            ellipses,
            zigzags,
            growth,
            manners,
        )
    ).filter(lambda circle: circle.end is None or circle.start is not None or circle.turns)
)
simple = short(
    st.one_of(
        straights,
        circles,
        st.builds(WristMovement, one_of(WristMovementKind), size, manners),
        st.builds(FingerPlay, digits, manners),
        st.builds(CrossMovement, one_of(CrossKind), size, manners),
        st.builds(NoMovement, manners),
        st.builds(Replace, postures, growth, manners),
    )
)
kinds = st.sampled_from([kind for kind in RepetitionKind if kind is not RepetitionKind.TO_AND_FRO])
repetitions = short(st.builds(Repetition, kinds, maybe(kinds), maybe(straights), growth))


def _larger(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Sequence, several, flag),
        st.builds(Parallel, several),
        st.builds(Split, both(inner)),
        st.builds(Targeted, inner, targets),
        st.builds(Brushing, inner, locations),
        st.builds(Repeated, inner, repetitions),
        st.builds(Alternating, inner),
        st.builds(BodyAction, body_places, st.lists(inner, min_size=1, max_size=2).map(tuple)),
    )


actions = short(st.recursive(simple, _larger, max_leaves=5))
segments = short(
    st.builds(
        Segment,
        starts,
        maybe(targets),
        st.lists(actions, max_size=3).map(tuple),
        maybe(st.builds(Symmetry, flag, flag, flag, flag, flag)),
        flag,
    )
)
signs = short(st.lists(segments, min_size=1, max_size=2).map(lambda some: Sign(tuple(some))))

steadily = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@steadily
@given(signs)
def test_a_tree_comes_back_from_hamnosys(sign):
    text = write(sign)
    assert parse(text) == sign
    assert write(parse(text)) == text


@steadily
@given(signs)
def test_a_tree_comes_back_from_sigml(sign):
    """From `hns_sign` always, from `hamgestural_sign` where it is not refused."""
    assert read_sigml(write_sigml([sign], symbols=True).encode(), "a.sigml") == [sign]
    try:
        gestural = write_sigml([sign])
    except UserError as error:
        assert "gestural SiGML has no element or attribute for" in str(error)
    else:
        assert read_sigml(gestural.encode(), "a.sigml") == [sign]


@steadily
@given(signs)
def test_every_tree_has_words_and_json(sign):
    lines = explain(sign)
    assert all(line.text and "None" not in line.text for line in lines)
    assert json.loads(json.dumps(as_json(sign)))["segments"]
