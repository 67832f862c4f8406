from __future__ import annotations

import pytest
from PIL import ImageCms

from assay.media.colour_profile import read_profile
from assay.media.tags import Tags


def test_it_says_what_another_library_says() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    tags = Tags()
    read_profile(profile.tobytes(), tags)
    assert tags.first("Profile description") == ImageCms.getProfileDescription(profile).strip()
    assert tags.first("Profile copyright") == ImageCms.getProfileCopyright(profile).strip()


def test_texts_of_the_older_form() -> None:
    body = b"desc" + bytes(4) + (6).to_bytes(4, "big") + b"My RGB"
    head = bytes(36) + b"acsp" + bytes(88) + (1).to_bytes(4, "big")
    entry = b"desc" + (144).to_bytes(4, "big") + len(body).to_bytes(4, "big")
    tags = Tags()
    read_profile(head + entry + body, tags)
    assert tags.first("Profile description") == "My RGB"


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="profile"):
        read_profile(b"no profile" * 20, Tags())


@pytest.mark.parametrize("end", [40, 130, 140, 160, 300])
def test_a_cut_profile_gives_what_there_is(end: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    read_profile(profile[:end], Tags())
