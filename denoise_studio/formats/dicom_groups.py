"""The functional groups of a derived multi-frame DICOM image (PS3.3 C.7.6.16): which frames, derived how."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from denoise_studio.formats.dicom_derive import (
    code,
    derivation_codes,
    derivation_text,
    kinds_of,
    source_reference,
)

_SHARED, _FRAMES = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_FILTERED = "FILTERED"
_CONCATENATION = (
    "ConcatenationUID",
    "InConcatenationNumber",
    "InConcatenationTotalNumber",
    "ConcatenationFrameOffsetNumber",
    "SOPInstanceUIDOfConcatenationSource",
)


@dataclass(frozen=True)
class FrameSaved:
    """A frame of the derived image: which of the source it is (0-based), and how it was made."""

    index: int
    history: tuple[str, ...]


def is_enhanced(dataset: Dataset) -> bool:
    """Whether an image describes its frames by functional groups."""
    return _SHARED in dataset or _FRAMES in dataset


def describe_frames(dataset: Dataset, source: Dataset, frames: list[FrameSaved]) -> None:
    """Make the groups, and what else is told of each frame, those of the frames saved.

    Args:
        dataset: a copy of the source's, changed in place.
        source: the source's, as it was read.
        frames: in the source's order.
    """
    total = _total(source)
    dataset.NumberOfFrames = len(frames)
    for keyword in _CONCATENATION:
        if keyword in dataset:
            delattr(dataset, keyword)
    if not is_enhanced(source):
        _choose_vectors(dataset, [frame.index for frame in frames], total)
        return
    groups = list(dataset.get(_FRAMES) or [])
    groups = [groups[frame.index] if frame.index < len(groups) else Dataset() for frame in frames]
    shared = next(iter(dataset.get(_SHARED) or []), None)
    _kinds(dataset, [*groups, *([shared] if shared is not None else [])], frames)
    earlier = shared.pop("DerivationImageSequence").value if shared and _derived(shared) else []
    for group, frame in zip(groups, frames, strict=True):
        _derive(group, earlier, source, frame)
    if len(frames) < total:
        _renumber(groups)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    _evidence(dataset, source)
    if "ContentQualification" in dataset:
        dataset.ContentQualification = "RESEARCH"  # no product of an approved scanner any longer


def _total(source: Dataset) -> int:
    try:
        return max(1, int(source.get("NumberOfFrames") or 1))
    except (TypeError, ValueError):
        return 1


def _derived(group: Dataset) -> bool:
    return "DerivationImageSequence" in group


def _kinds(dataset: Dataset, groups: Iterable[Dataset], frames: list[FrameSaved]) -> None:
    """ImageType and FrameType: DERIVED, and FILTERED where no other contrast was derived (C.8.16.1)."""
    changed = any(frame.history for frame in frames)
    items = [e.value[0] for group in groups for e in group if e.VR == "SQ" and e.value]
    places = [(item, "FrameType") for item in items if "FrameType" in item]
    for place, keyword in [(dataset, "ImageType"), *places]:
        kinds = kinds_of(place, keyword)
        if not kinds:
            continue
        kinds[0] = "DERIVED"
        if len(kinds) > 3 and kinds[3] == "NONE" and changed:
            kinds[3] = _FILTERED
        setattr(place, keyword, kinds)


def _derive(group: Dataset, earlier: Iterable[Dataset], source: Dataset, frame: FrameSaved) -> None:
    """The Derivation Image macro of one frame (C.7.6.16.2.6), after those that it had."""
    item = Dataset()
    item.DerivationDescription = derivation_text(frame.history)
    item.DerivationCodeSequence = derivation_codes(Dataset(), frame.history) or Sequence([_copy_code()])
    reference = source_reference(source, [frame.index])
    item.SourceImageSequence = Sequence([reference] if reference is not None else [])
    before = list(group.get("DerivationImageSequence") or earlier)
    group.DerivationImageSequence = Sequence([*before, item])


def _copy_code() -> Dataset:
    """The standard has no code for a copy, but the macro asks for one."""
    item = code("COPY", "Copy without a change of pixels")
    item.CodingSchemeDesignator = "99DSTUDIO"
    return item


def _renumber(groups: list[Dataset]) -> None:
    """Places in stack and time, and the dimension indices, without gaps, from 1 (C.7.6.16.2.2)."""
    contents = [group.FrameContentSequence[0] for group in groups if group.get("FrameContentSequence")]
    for keyword in ("InStackPositionNumber", "TemporalPositionIndex", "DimensionIndexValues"):
        values = [_numbers(content.get(keyword)) for content in contents]
        if not values or not values[0] or len({len(each) for each in values}) != 1:
            continue
        ranks = [{v: n + 1 for n, v in enumerate(sorted(set(axis)))} for axis in zip(*values, strict=True)]
        for content, each in zip(contents, values, strict=True):
            found = [rank[value] for rank, value in zip(ranks, each, strict=True)]
            setattr(content, keyword, found if keyword == "DimensionIndexValues" else found[0])


def _numbers(value: Any) -> list[int]:
    if value is None:
        return []
    return [int(each) for each in value] if hasattr(value, "__iter__") else [int(value)]


def _evidence(dataset: Dataset, source: Dataset) -> None:
    """The source among the images that frames are derived from (C.8.16.1, required with the macro)."""
    if source_reference(source) is None:
        return
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID = source.SOPClassUID
    instance.ReferencedSOPInstanceUID = source.SOPInstanceUID
    series.SeriesInstanceUID = source.get("SeriesInstanceUID", "")
    series.ReferencedSOPSequence = Sequence([instance])
    studies = list(dataset.get("SourceImageEvidenceSequence") or [])
    uid = source.get("StudyInstanceUID", "")
    same = [each for each in studies if each.get("StudyInstanceUID") == uid]
    if same:
        same[0].ReferencedSeriesSequence = Sequence(
            [*(same[0].get("ReferencedSeriesSequence") or []), series]
        )
    else:
        study.StudyInstanceUID = uid
        study.ReferencedSeriesSequence = Sequence([series])
        studies.append(study)
    dataset.SourceImageEvidenceSequence = Sequence(studies)


def _choose_vectors(dataset: Dataset, chosen: list[int], total: int) -> None:
    """Attributes with one value a frame (C.7.6.6), where only some frames are saved."""
    pointers = dataset.get("FrameIncrementPointer") or []
    pointers = list(pointers) if hasattr(pointers, "__iter__") else [pointers]
    if len(chosen) == total:
        return
    for tag in pointers:
        if tag in dataset and dataset[tag].VM == total > 1:
            dataset[tag].value = [dataset[tag].value[index] for index in chosen]
