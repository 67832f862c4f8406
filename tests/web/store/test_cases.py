"""Cases: seen by their owner alone, changed without losing anything, found again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.web.actor import LOCAL, Actor
from assay.web.refusals import ConflictError, ForbiddenError, NotFoundError, UnprocessableError
from assay.web.store import cases, examinations
from assay.web.store.database import Store
from tests.web.conftest import kept

OTHER = Actor("other", "other", frozenset(["examine", "read"]))
READER = replace(LOCAL, scopes=frozenset(["read"]))
ADMIN = Actor("boss", "boss", frozenset(["admin"]))
MISSING = "0" * 32


def added(store: Store, name: str = "a.jpg", actor: Actor = LOCAL) -> str:
    return examinations.add(store, actor, kept(store, name.encode(), name), "e", 100).id


def test_a_case_keeps_what_it_is_given(store_of_each: Store) -> None:
    store = store_of_each
    id_ = cases.create(store, LOCAL, " An  election ", "Line 1\nLine 2", ["a", " b ", "a", ""])
    first, second = added(store, "1.jpg"), added(store, "2.jpg")
    assert cases.add(store, LOCAL, id_, first, "the first")
    assert cases.add(store, LOCAL, id_, second)
    assert not cases.add(store, LOCAL, id_, first, "again")
    held = cases.get(store, LOCAL, id_)
    assert (held.case.title, held.case.notes) == ("An election", "Line 1\nLine 2")
    assert held.case.tags == ["a", "b"]
    assert [(row.id, row.name, row.note) for row in held.items] == [
        (first, "1.jpg", "the first"),
        (second, "2.jpg", ""),
    ]


def test_changes_touch_only_what_they_name(store_of_each: Store) -> None:
    store = store_of_each
    id_ = cases.create(store, LOCAL, "One", "notes", ["x"])
    before = cases.get(store, LOCAL, id_).case
    cases.change(store, LOCAL, id_, title="Two")
    after = cases.get(store, LOCAL, id_).case
    assert (after.title, after.notes, after.tags) == ("Two", "notes", ["x"])
    assert after.updated_at >= before.updated_at
    assert after.created_at == before.created_at
    cases.change(store, LOCAL, id_, notes="", tags=[])
    after = cases.get(store, LOCAL, id_).case
    assert (after.title, after.notes, after.tags) == ("Two", "", [])


def test_notes_change_and_examinations_leave(store_of_each: Store) -> None:
    store = store_of_each
    id_, examination = cases.create(store, LOCAL, "One"), added(store)
    cases.add(store, LOCAL, id_, examination)
    cases.change_note(store, LOCAL, id_, examination, "doubtful")
    assert cases.get(store, LOCAL, id_).items[0].note == "doubtful"
    cases.take_out(store, LOCAL, id_, examination)
    assert cases.get(store, LOCAL, id_).items == []
    assert examinations.get(store, LOCAL, examination).id == examination
    for act in (cases.take_out, lambda *of: cases.change_note(*of, "x")):
        with pytest.raises(NotFoundError):
            act(store, LOCAL, id_, examination)


def test_a_deleted_examination_leaves_its_cases(store_of_each: Store) -> None:
    store = store_of_each
    id_, examination = cases.create(store, LOCAL, "One"), added(store)
    cases.add(store, LOCAL, id_, examination)
    examinations.remove(store, LOCAL, examination)
    assert cases.get(store, LOCAL, id_).items == []


def test_a_deleted_case_leaves_its_examinations(store_of_each: Store) -> None:
    store = store_of_each
    id_, examination = cases.create(store, LOCAL, "One"), added(store)
    cases.add(store, LOCAL, id_, examination)
    cases.remove(store, LOCAL, id_)
    with pytest.raises(NotFoundError):
        cases.get(store, LOCAL, id_)
    assert examinations.get(store, LOCAL, examination).id == examination


def test_nobody_else_finds_a_case(store: Store) -> None:
    id_, examination = cases.create(store, LOCAL, "One"), added(store)
    for act in (
        lambda: cases.get(store, OTHER, id_),
        lambda: cases.change(store, OTHER, id_, "Mine"),
        lambda: cases.remove(store, OTHER, id_),
        lambda: cases.add(store, OTHER, id_, examination),
        lambda: cases.take_out(store, OTHER, id_, examination),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert cases.page(store, OTHER).rows == []
    assert cases.get(store, LOCAL, id_).case.title == "One"


def test_an_admin_cannot_show_one_owner_the_files_of_another(store: Store) -> None:
    id_, theirs = cases.create(store, LOCAL, "One"), added(store, actor=OTHER)
    with pytest.raises(ConflictError):
        cases.add(store, ADMIN, id_, theirs)
    with pytest.raises(NotFoundError):
        cases.add(store, replace(LOCAL, scopes=OTHER.scopes), id_, theirs)
    assert cases.get(store, LOCAL, id_).items == []


def test_who_may_only_read_changes_nothing(store: Store) -> None:
    id_ = cases.create(store, LOCAL, "One")
    assert cases.get(store, READER, id_).case.title == "One"
    for act in (
        lambda: cases.create(store, READER, "Two"),
        lambda: cases.change(store, READER, id_, "Two"),
        lambda: cases.remove(store, READER, id_),
        lambda: cases.add(store, READER, id_, MISSING),
    ):
        with pytest.raises(ForbiddenError):
            act()


@pytest.mark.parametrize(
    ("title", "notes", "tags"),
    [
        ("", "", []),
        (" \n ", "", []),
        ("x" * (cases.MAX_TITLE + 1), "", []),
        ("x", "n" * (cases.MAX_NOTES + 1), []),
        ("x", "", [f"t{n}" for n in range(cases.MAX_TAGS + 1)]),
        ("x", "", ["t" * (cases.MAX_TAG + 1)]),
    ],
)
def test_what_is_too_long_or_empty_is_refused(
    store: Store, title: str, notes: str, tags: list[str]
) -> None:
    with pytest.raises(UnprocessableError):
        cases.create(store, LOCAL, title, notes, tags)


def test_text_that_a_database_cannot_hold_is_kept_without_it(store_of_each: Store) -> None:
    id_ = cases.create(store_of_each, LOCAL, "a\0b\udcff", "n\0", ["\0t"])
    case = cases.get(store_of_each, LOCAL, id_).case
    assert (case.title, case.notes, case.tags) == ("ab?", "n", ["t"])


def test_search_takes_what_is_typed_literally(store_of_each: Store) -> None:
    store = store_of_each
    made = {
        title: cases.create(store, LOCAL, title, notes, tags)
        for title, notes, tags in (
            ("100 % real", "", []),
            ("Élection", "somewhere", []),
            ("Third", "By the RIVER", ["Überall", "x_y"]),
        )
    }
    for text, expected in (
        ("100 %", ["100 % real"]),
        ("river", ["Third"]),
        ("Überall", ["Third"]),
        ("x_y", ["Third"]),
        ("x%y", []),
        ("Élection", ["Élection"]),
        ("\\", []),
        ("nowhere", []),
    ):
        found = [row.title for row in cases.page(store, LOCAL, text).rows]
        assert found == expected, text
    assert len(made) == 3


def test_pages_hold_each_case_once(store_of_each: Store) -> None:
    store = store_of_each
    made = [cases.create(store, LOCAL, f"Case {n}") for n in range(7)]
    cases.add(store, LOCAL, made[0], added(store))  # the last changed comes first
    seen, cursor = [], None
    while True:
        page = cases.page(store, LOCAL, limit=3, cursor=cursor)
        seen += [(row.id, row.n_items) for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [id_ for id_, _ in seen] == [made[0], *reversed(made[1:])]
    assert [n for _, n in seen] == [1, 0, 0, 0, 0, 0, 0]


def test_the_cases_of_an_examination(store: Store) -> None:
    first, second, examination = (
        cases.create(store, LOCAL, "One"), cases.create(store, LOCAL, "Two"), added(store),
    )  # fmt: skip
    cases.add(store, LOCAL, second, examination)
    found = cases.page(store, LOCAL, examination_id=examination).rows
    assert [row.id for row in found] == [second] != [first]


@pytest.mark.parametrize("cursor", ["x", "bm8=", "WzEsMl0=", "é"])
def test_a_cursor_of_elsewhere_is_refused(store: Store, cursor: str) -> None:
    with pytest.raises(UnprocessableError):
        cases.page(store, LOCAL, cursor=cursor)


def test_a_full_case_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "MAX_ITEMS", 1)
    monkeypatch.setattr(cases, "MAX_CASES", 1)
    id_ = cases.create(store, LOCAL, "One")
    cases.add(store, LOCAL, id_, added(store, "1"))
    with pytest.raises(ConflictError):
        cases.add(store, LOCAL, id_, added(store, "2"))
    with pytest.raises(ConflictError):
        cases.create(store, LOCAL, "Two")
