from __future__ import annotations

import pytest

from assay.cli.extras import missing, needing
from assay.errors import InstallationError


def test_a_missing_library_is_told_with_its_extra() -> None:
    with pytest.raises(InstallationError) as caught, needing("The service needs", "web"):
        import no_such_library.of_any_name  # type: ignore[import-not-found]  # noqa: F401
    assert str(caught.value) == "The service needs no_such_library, which is not installed."
    assert caught.value.remedy == "Install it with: pip install 'assay[web]'"
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_missing_module_of_ours_is_a_fault() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"assay\.nowhere"), needing("It needs", "train"):
        import assay.nowhere  # type: ignore[import-not-found]  # noqa: F401


def test_what_else_goes_wrong_goes_by() -> None:
    with pytest.raises(ValueError, match="other"), needing("It needs", "train"):
        raise ValueError("other")


def test_the_library_may_be_known_before() -> None:
    assert str(missing("Forging needs", "cv2", "train")).startswith("Forging needs cv2, which")
