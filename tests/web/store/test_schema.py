from __future__ import annotations

from sqlalchemy import Table, inspect

from assay.web.store import schema
from assay.web.store.database import Store
from tests.web.store.test_media import brought
from tests.web.store.test_queue import LOCAL, add, claim, examinations, outcome, queue


def test_every_table_is_made_on_each_database(store_of_each: Store) -> None:
    made = inspect(store_of_each.engine)
    assert set(made.get_table_names()) == set(schema.METADATA.tables)
    for name, table in schema.METADATA.tables.items():
        assert {one["name"] for one in made.get_columns(name)} == set(table.columns.keys())
        indexes = {one["name"] for one in made.get_indexes(name)}
        assert {index.name for index in table.indexes} <= indexes


def test_what_belongs_to_an_examination_goes_with_it_and_what_does_not_stays(
    store_of_each: Store,
) -> None:
    store = store_of_each
    batch = examinations.add_batch(store, LOCAL, "b")
    id_ = add(store, batch_id=batch)
    assert queue.finish(store, claim(store), outcome())
    case = {"id": "c", "owner": "me", "title": "t", "created_at": 0.0, "updated_at": 0.0}
    item = {"case_id": "c", "examination_id": id_, "added_at": 0.0}
    said = {"id": "f", "examination_id": id_, "owner": "me", "actor": "me", "kind": "right"}
    said |= {"sha256": "0" * 64, "engine": ""}
    with store.writing() as connection:
        connection.execute(schema.cases.insert().values(**case))
        connection.execute(schema.case_items.insert().values(**item))
        connection.execute(schema.feedback.insert().values(**said, created_at=0.0))
    examinations.remove(store, LOCAL, id_)
    gone = (schema.results, schema.batch_items, schema.case_items, schema.examinations)
    assert [n_rows(store, table) for table in gone] == [0, 0, 0, 0]
    stays = (schema.cases, schema.feedback, schema.batches)
    assert [n_rows(store, table) for table in stays] == [1, 1, 1]


def n_rows(store: Store, table: Table) -> int:
    with store.reading() as connection:
        return len(connection.execute(table.select()).all())


def test_sizes_beyond_32_bits_are_kept(store_of_each: Store) -> None:
    store, large = store_of_each, 10 * 2**30
    one = brought(store, b"x")
    wanted = examinations.Wanted("a", one.sha256, large)
    id_ = examinations.add(store, LOCAL, wanted, "", 10).id
    assert examinations.get(store, LOCAL, id_).n_bytes == large
