"""The facts of an exposure, for `info`."""

from PIL import Image

from denoise_studio.formats import open_picture


def test_camera_and_exposure_are_told_and_the_place_is_not(tmp_path):
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Model 5"
    exif.get_ifd(0x8769).update({34855: 3200, 33434: 0.004, 36867: "2026:01:02 03:04:05"})
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 0.0)})
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (20, 10), (90, 80, 70)).save(path, exif=exif, dpi=(300, 300))
    facts = open_picture(path).source.summary
    assert {"EXIF", "resolution"} <= set(facts["kept"])
    assert (facts["make"], facts["model"], facts["iso"]) == ("Maker", "Model 5", 3200)
    assert (facts["exposure_time"], facts["taken"]) == (0.004, "2026:01:02 03:04:05")
    assert facts["gps"] == "kept"
    assert "47" not in str(facts)


def test_a_damaged_block_only_loses_its_facts(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("L", (8, 8)).save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert "make" not in open_picture(path).source.summary
