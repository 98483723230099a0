"""A DICOM data set without what tells whose it is (PS3.15 Annex E, basic profile, no options).

UIDs and identifiers are replaced through a keyed hash: within one secret the same becomes the same, so
that images of one study stay one study; without the secret nothing leads back. Attributes of the
profile that describe the derivation go too: that the image is derived, and by what kind of step, stays
in ImageType and DerivationCodeSequence.
"""

import hashlib
import hmac
import secrets

from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from denoise_studio import __version__
from denoise_studio.formats.dicom_confidentiality import Action, action_for
from denoise_studio.formats.dicom_derive import NAME, code

_RUN = secrets.token_bytes(32)
_NAME, _ID = 0x00100010, 0x00100020
_NEVER = ("PN", "DA", "DT")
"""Names and dates that the table forgets are emptied all the same."""
_DUMMIES = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"), "ANONYMOUS"),
    "PN": "ANON^",
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    **dict.fromkeys(("DS", "IS", "SL", "SS", "SV", "UL", "US", "UV", "FD", "FL"), 0),
}
BURNED_IN = (
    "The source has annotation burned into its pixels, or does not say that it has none; "
    "anonymising leaves the pixels as they are."
)


class Pseudonyms:
    """Replacements that are equal for equal originals.

    Args:
        secret: see `SaveOptions.secret`.
    """

    def __init__(self, secret: str | None = None) -> None:
        self._key = _RUN if secret is None else hashlib.sha256(secret.encode()).digest()

    def _digest(self, kind: str, text: str) -> bytes:
        return hmac.new(self._key, f"{kind}:{text}".encode(), hashlib.sha256).digest()

    def uid(self, original: str) -> str:
        """A UID of the root 2.25, whose number is a UUID (PS3.5 B.2, RFC 9562 version 8)."""
        number = int.from_bytes(self._digest("uid", original.strip("\0 "))[:16], "big")
        number = number & ~(0xF << 76) | 0x8 << 76
        return f"2.25.{number & ~(0x3 << 62) | 0x2 << 62}"

    def patient(self, original: str) -> str:
        return f"ANON-{self._digest('patient', original.strip()).hex()[:10].upper()}"


def anonymise(dataset: Dataset, pseudonyms: Pseudonyms) -> None:
    """Apply the basic profile to a data set, in place, sequences included.

    File meta information must be made anew from it.
    """
    identity = str(dataset.get("PatientID") or dataset.get("PatientName") or "")
    known = {tag for tag in (_NAME, _ID) if tag in dataset}
    _treat(dataset, pseudonyms)
    for tag in known:
        # Z and Z/D allow a value that is nobody's: patients of one export stay apart.
        text = pseudonyms.patient(identity)
        dataset[tag].value = text.replace("-", "^") if tag == _NAME else text
    _declare(dataset)


def _treat(dataset: Dataset, pseudonyms: Pseudonyms) -> None:
    for tag in list(dataset.keys()):
        action = _action(tag)
        element = None if action is Action.REMOVE else _readable(dataset, tag)
        if element is None:
            del dataset[tag]
        elif element.VR == "SQ":
            _treat_sequence(dataset, element, action, pseudonyms)
        elif action is Action.EMPTY or (action is Action.KEEP and element.VR in _NEVER):
            element.value = element.empty_value
        elif action is Action.UID:
            element.value = _uids(element, pseudonyms)
        elif action is Action.DUMMY:
            _replace(dataset, element)


def _readable(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """None for what is too damaged to be looked into: it is not passed on."""
    try:
        return dataset[tag]
    except Exception:
        return None


def _action(tag: BaseTag) -> Action:
    """The profile's, but what nobody knows goes, and of an overlay all goes with its data."""
    action = action_for(tag)
    if tag.group & 0xFF00 == 0x6000 or (action is Action.KEEP and not dictionary_has_tag(tag)):
        return Action.REMOVE
    return action


def _treat_sequence(dataset: Dataset, element: DataElement, action: Action, pseudonyms: Pseudonyms) -> None:
    """No dummy item says anything true: a sequence that is to be replaced goes.

    None of those is required in an image, but in objects of other kinds.
    """
    if action in (Action.DUMMY, Action.UID):
        del dataset[element.tag]
    elif action is Action.EMPTY:
        element.value = Sequence()
    else:
        for item in element.value:
            _treat(item, pseudonyms)


def _uids(element: DataElement, pseudonyms: Pseudonyms) -> str | list[str]:
    if not element.value:
        return ""
    several = element.value if element.VM > 1 else [element.value]
    found = [pseudonyms.uid(str(value)) for value in several]
    return found if len(found) > 1 else found[0]


def _replace(dataset: Dataset, element: DataElement) -> None:
    """A dummy of the same type; a value of bytes, or none, has none."""
    if element.VR in _DUMMIES and element.value not in (None, ""):
        element.value = _DUMMIES[element.VR]
    elif element.VR in _DUMMIES:
        element.value = element.empty_value
    else:
        del dataset[element.tag]


def _declare(dataset: Dataset) -> None:
    """Say what was done (PS3.15 E.1.1 and E.2, PS3.3 C.7.1.1 and C.12.1)."""
    dataset.PatientIdentityRemoved = "YES"
    method = f"{NAME} {__version__}, PS3.15 basic profile"
    earlier = dataset.get("DeidentificationMethod") or []
    earlier = [earlier] if isinstance(earlier, str) else [str(each) for each in earlier]
    dataset.DeidentificationMethod = [*earlier, method]
    profile = code("113100", "Basic Application Confidentiality Profile")
    codes = list(dataset.get("DeidentificationMethodCodeSequence") or [])
    if all(item.get("CodeValue") != profile.CodeValue for item in codes):
        codes.append(profile)
    dataset.DeidentificationMethodCodeSequence = Sequence(codes)
    dataset.LongitudinalTemporalInformationModified = "REMOVED"


def plain_name(number: int, suffix: str = ".dcm") -> str:
    """A file name that tells nothing: "IM0001.dcm" for 1."""
    return f"IM{number:04d}{suffix}"
