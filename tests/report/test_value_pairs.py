from assay.report.value_pairs import MAX_VALUES, value_pairs


def test_nested_values_become_pairs_of_words() -> None:
    found = {"face_size_px": 168, "lens": {"name": "RF 50mm"}, "blocky": False, "share": 0.123456}
    assert value_pairs(found) == [
        ("Face size (px)", "168"),
        ("Lens, name", "RF 50mm"),
        ("Blocky", "no"),
        ("Share", "0.1235"),
    ]


def test_what_is_absent_is_left_out_and_lists_are_joined() -> None:
    assert value_pairs({"done": [{"what": "cut", "at_s": 1.5}]}) == [
        ("Done", "What: cut; At (s): 1.5")
    ]
    assert value_pairs({"a": None, "b": [], "c": [1, True, "x"], "d": float("nan")}) == [
        ("C", "1, yes, x")
    ]


def test_hostile_amounts_are_bounded() -> None:
    found = {f"k{i}" * 100: {"v" * 500: "x" * 100_000} for i in range(500)}
    pairs = value_pairs(found)
    assert len(pairs) == MAX_VALUES
    assert all(len(name) <= 80 and len(value) <= 300 for name, value in pairs)
