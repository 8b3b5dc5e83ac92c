"""Code lists: spellings and synonyms."""

from __future__ import annotations

from returnhelper.models.codes import LabelRequestStatus, ResendStatus, VasStatus


def test_synonyms_of_statuses() -> None:
    """Spelling pairs of the documents are one status."""
    assert LabelRequestStatus("fail") == LabelRequestStatus("failed") == LabelRequestStatus.FAILED
    assert LabelRequestStatus(3) == LabelRequestStatus.SUCCESS
    assert VasStatus("SUCCESSFUL") == VasStatus(1) == VasStatus("1") == VasStatus.SUCCESSFUL
    assert ResendStatus("4") == ResendStatus(4) == ResendStatus.FAILED
