from mmkeras.datasets.manual_folder import split_by_hash


def rows_of(parts):
    return {row["id"]: split for split, part in parts.items() for row in part}


def test_split_sizes_order_and_stability():
    rows = [{"id": str(number)} for number in range(2000)]
    parts = split_by_hash(rows, lambda row: row["id"])
    assert list(parts) == ["train", "validation", "test"]
    # 8, 1 and 1 of 10; the standard deviations are 18 and 13 rows.
    for split, expected in (("train", 1600), ("validation", 200), ("test", 200)):
        assert abs(len(parts[split]) - expected) < 60
        assert parts[split] == sorted(parts[split], key=lambda row: int(row["id"]))
    # The split of a row does not depend on the other rows.
    fewer = rows_of(split_by_hash(rows[::3], lambda row: row["id"]))
    assert fewer.items() <= rows_of(parts).items()


def test_groups_stay_together_and_empty_splits_are_omitted():
    rows = [{"id": str(number), "title": "cat"} for number in range(50)]
    parts = split_by_hash(rows, lambda row: row["title"])
    assert list(map(len, parts.values())) == [50]
