"""What the header of a derived DICOM image says of itself (PS3.3 C.7.6.1, C.12.4.1): tag by tag.

Everything of the source that stays true is kept: study, patient, geometry, dose, private attributes.
"""

import datetime
import re
import threading
import uuid

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from denoise_studio import __version__
from denoise_studio.core.picture import Scale
from denoise_studio.formats.base import SaveOptions

NAME = "Denoise Studio"
_RUN = uuid.uuid4().hex
_LOSSY = {
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
}
_UNTRUE = (0x00080014, 0xFFFAFFFA, 0x4FFE0001)
"""Who created the instance; digital signatures and their parameters: those of other bytes."""
_TEXT = 1024
_DESCRIPTION = 64

_numbers: dict[str, list[str]] = {}
_numbering = threading.Lock()


def identify(dataset: Dataset, source: Dataset, history: tuple[str, ...], options: SaveOptions) -> None:
    """New instance, new series; slices of one source series stay together."""
    dataset.SOPInstanceUID = generate_uid()
    # A named series holds slices whose histories differ: the methods find parameters for each.
    key = [options.series] if options.series is not None else [_RUN, *history]
    old = (
        str(source.get("SeriesInstanceUID", "")) or str(source.get("SOPInstanceUID", "")) or uuid.uuid4().hex
    )
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[NAME, old, *key])
    number = _number(source)
    count = _count(old, str(dataset.SeriesInstanceUID))
    dataset.SeriesNumber = number * 100 + count if 0 < number < 20_000_000 else count
    dataset.SeriesDescription = _series_description(source, history)
    for tag in _UNTRUE:
        if tag in dataset:
            del dataset[tag]


def _number(source: Dataset) -> int:
    try:
        return int(source.get("SeriesNumber") or 0)
    except (TypeError, ValueError):
        return 0


def _count(old: str, new: str) -> int:
    """1 for the first series that this run makes of a source series, 2 for the next, at most 99."""
    with _numbering:
        known = _numbers.setdefault(old, [])
        if new not in known:
            known.append(new)
        return min(known.index(new) + 1, 99)


def _series_description(source: Dataset, history: tuple[str, ...]) -> str:
    was = source.get("SeriesDescription") or ""
    was = (was if isinstance(was, str) else " ".join(map(str, was))).strip()
    simulated = [step for step in history if _is_simulated(step)]
    denoised = tuple(step for step in history if not _is_simulated(step))
    words = [f"SIMULATED {_dose(step)}".strip() for step in simulated[-1:]]
    words += [f"DENOISED {_method(denoised)}".strip()] if denoised else []
    ending = " ".join(words) or "COPY"
    room = _DESCRIPTION - len(ending) - 3
    return f"{was[:room].rstrip()} | {ending}" if was and room > 0 else ending[:_DESCRIPTION]


def _is_simulated(step: str) -> bool:
    """Noise was added, as the engine's simulations write it into the history."""
    return step.startswith("simulated")


def _is_denoised(history: tuple[str, ...]) -> bool:
    """Whether there is a step that took noise away."""
    return any(not _is_simulated(step) for step in history)


def _dose(step: str) -> str:
    """Of "simulated dose of 25 %: ..." the words "25 % DOSE"."""
    found = re.match(r"simulated dose of ([\d.]+ %)", step)
    return f"{found[1]} DOSE" if found else ""


def _method(history: tuple[str, ...]) -> str:
    """The last step's method and strength: the hospital's own words need the rest of the room.

    The parameters are in the derivation description.
    """
    words = (history[-1] if history else "").split()
    if not words:
        return ""
    strength = [word.partition("=")[2] for word in words if word.startswith("strength=")]
    return " ".join([words[0].strip("(:;,|\\")[:24], *(f"s={value}"[:12] for value in strength[:1])])


def image_type(dataset: Dataset, source: Dataset, scale: Scale, history: tuple[str, ...]) -> None:
    """DERIVED, SECONDARY, then the source's own third and later values (AXIAL or LOCALIZER for CT)."""
    said = ["SIMULATED"] * any(map(_is_simulated, history)) + ["DENOISED"] * _is_denoised(history)
    rest = [kind for kind in kinds_of(source, "ImageType")[2:] if kind not in ("DENOISED", *said)]
    if not rest and scale is Scale.HU:
        rest = ["AXIAL"]
    dataset.ImageType = ["DERIVED", "SECONDARY", *rest] + (said if rest else [])


def kinds_of(source: Dataset, keyword: str) -> list[str]:
    """ImageType or FrameType as a list."""
    kinds = source.get(keyword) or []
    return [kinds] if isinstance(kinds, str) else [str(kind) for kind in kinds]


def now_for(source: Dataset) -> datetime.datetime:
    """Now, on the clock that the source's times are of (TimezoneOffsetFromUTC), else the local one."""
    found = re.fullmatch(r"([+-])(\d\d)(\d\d)", str(source.get("TimezoneOffsetFromUTC") or "").strip())
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return datetime.datetime.now()
    offset = datetime.timedelta(hours=int(found[2]), minutes=int(found[3]))
    return datetime.datetime.now(datetime.timezone(-offset if found[1] == "-" else offset))


def date(dataset: Dataset, now: datetime.datetime) -> None:
    """When the instance was made, and its content."""
    for keyword in ("InstanceCreation", "Content"):
        setattr(dataset, f"{keyword}Date", now.strftime("%Y%m%d"))
        setattr(dataset, f"{keyword}Time", now.strftime("%H%M%S"))


def describe(
    dataset: Dataset, source: Dataset, history: tuple[str, ...], frames: list[int] | None = None
) -> None:
    """How the pixels were made, and of which image (of an image without functional groups).

    Args:
        dataset: changed in place.
        source: as it was read.
        history: of the pixels.
        frames: 0-based, if only these of the source's were taken.
    """
    dataset.DerivationDescription = derivation_text(history, str(source.get("DerivationDescription") or ""))
    if codes := derivation_codes(source, history):
        dataset.DerivationCodeSequence = codes
    reference = source_reference(source, frames)
    if reference is not None:
        dataset.SourceImageSequence = Sequence([reference])
    elif "SourceImageSequence" in dataset:
        del dataset.SourceImageSequence


def derivation_text(history: tuple[str, ...], before: str = "") -> str:
    """At most 1024 characters: software, version, steps with their parameters; then earlier derivations."""
    text = _ascii(f"{NAME} {__version__}: {steps_of(history)}")
    return _cut(f"{text} | before: {before}" if before else text)


def steps_of(history: tuple[str, ...]) -> str:
    return ("; ".join(history) or "saved without a change of pixels").replace("\\", "/")


def derivation_codes(source: Dataset, history: tuple[str, ...]) -> Sequence:
    """The source's codes and ours: several items are successive steps (PS3.3 C.7.6.1.1.3)."""
    codes = list(source.get("DerivationCodeSequence") or [])
    if _is_denoised(history):
        codes.append(code("113087", "Smoothing"))
    return Sequence(codes)


def source_reference(source: Dataset, frames: list[int] | None = None) -> Dataset | None:
    """The item of SourceImageSequence; None where the source's UID breaks the rules.

    Args:
        source: data set of the source.
        frames: 0-based, if only some of the source's are meant.
    """
    instance = str(source.get("SOPInstanceUID", ""))
    if not instance or not UID(instance).is_valid:
        return None
    reference = Dataset()
    reference.ReferencedSOPClassUID = source.get("SOPClassUID", "")
    reference.ReferencedSOPInstanceUID = instance
    if frames is not None:
        reference.ReferencedFrameNumber = [frame + 1 for frame in frames]
    reference.PurposeOfReferenceCodeSequence = Sequence(
        [code("121322", "Source image for image processing operation")]
    )
    reference.SpatialLocationsPreserved = "YES"
    return reference


def contribute(dataset: Dataset, history: tuple[str, ...], now: datetime.datetime) -> None:
    """This program beside the equipment that has contributed before."""
    tool = Dataset()
    tool.PurposeOfReferenceCodeSequence = Sequence([code("109102", "Processing Equipment")])
    tool.Manufacturer = NAME
    tool.ManufacturerModelName = NAME
    tool.SoftwareVersions = __version__
    tool.ContributionDateTime = now.strftime("%Y%m%d%H%M%S%z")
    tool.ContributionDescription = _cut(_ascii(steps_of(history)))
    earlier = list(dataset.get("ContributingEquipmentSequence") or [])
    dataset.ContributingEquipmentSequence = Sequence([*earlier, tool])


def annotations(dataset: Dataset, source: Dataset) -> None:
    """BurnedInAnnotation is the source's; where it is silent, NO: nothing is drawn here."""
    if not source.get("BurnedInAnnotation") and not may_be_annotated(source):
        dataset.BurnedInAnnotation = "NO"


def may_be_annotated(source: Dataset) -> bool:
    """Whether the source's pixels hold text: it says so, or is a captured screen that says nothing."""
    said = str(source.get("BurnedInAnnotation") or "").strip()
    if said:
        return said != "NO"
    captured = "SECONDARY CAPTURE" in UID(str(source.get("SOPClassUID", ""))).name.upper()
    return captured or any("SCREEN" in kind.upper() for kind in kinds_of(source, "ImageType"))


def lossy(dataset: Dataset, source: Dataset) -> None:
    """Pixels once lossy stay so, also when the file itself no longer shows it."""
    meta = getattr(source, "file_meta", None)
    syntax = str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""
    if syntax in _LOSSY and dataset.get("LossyImageCompression") != "01":
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionMethod = _LOSSY[syntax]


def file_meta(dataset: Dataset) -> None:
    """Meta information of a file in Explicit VR Little Endian; what a broken file has elsewhere goes."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for tag in [tag for tag in dataset.keys() if tag.group in (0, 2)]:  # noqa: SIM118
        del dataset[tag]
    dataset.file_meta = meta
    dataset.preamble = bytes(128)


def code(value: str, meaning: str) -> Dataset:
    """A coded entry of the standard's own scheme."""
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item


def _ascii(text: str) -> str:
    """ASCII, because the data set's character set may hold nothing else."""
    return text.replace("σ", "sigma").encode("ascii", "replace").decode()


def _cut(text: str, limit: int = _TEXT) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
