"""Which column of a file holds what: our names, the names that files use, an explicit mapping."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gridsvc.errors import BadFile, BadInput

__all__ = ["COLUMNS", "STATES", "match_columns"]

#: Our column names, each with the names that a file may use instead (case does not matter).
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("编码", "八位编码", "8位编码", "部件编码", "部件代码"),
    "national_id": ("标识码", "部件标识码", "国家标识码"),
    "class_code": ("class", "小类代码", "部件小类代码", "类别代码", "分类代码", "部件类别"),
    "name": ("部件名称", "名称"),
    "lon": ("x", "longitude", "经度"),
    "lat": ("y", "latitude", "纬度"),
    "wkt": ("几何", "坐标串"),
    "state": ("status", "部件状态", "状态"),
    "competent_body": ("主管部门代码", "主管部门"),
    "owner_body": ("权属单位代码", "权属单位"),
    "maintainer_body": ("养护单位代码", "养护单位", "维护单位代码"),
    "position_class": ("定位精度", "精度等级", "定位等级"),
    "first_date": ("初始日期", "初始时间", "普查日期"),
    "change_date": ("变更日期", "变更时间"),
    "source": ("数据来源",),
    "note": ("备注",),
}

#: The five states, and the standard's words for them.
STATES: Mapping[str, str] = {
    "完好": "intact",
    "破损": "damaged",
    "丢失": "missing",
    "废弃": "abandoned",
    "移除": "removed",
} | {state: state for state in ("intact", "damaged", "missing", "abandoned", "removed")}


def match_columns(present: Iterable[str], mapping: Mapping[str, str] | None) -> dict[str, str]:
    """Give, for each of our columns that the file has, the file's name for it.

    ``mapping`` (ours to the file's) goes before every alias. Raises BadInput when it names a
    column that is not ours, BadFile when the file lacks a mapped column, when two columns claim
    one meaning, or when there is no column of the class.
    """
    names = list(present)
    chosen = dict(mapping or {})
    for ours, theirs in chosen.items():
        if ours not in COLUMNS:
            raise BadInput(
                f"The mapping names {ours!r}, which is no column of parts: use"
                f" {', '.join(COLUMNS)}.",
                field="mapping",
            )
        if theirs not in names:
            raise BadFile(
                f"The file has no column {theirs!r}, which the mapping gives for {ours}; it has"
                f" {', '.join(names)}.",
                field="mapping",
            )
    taken = set(chosen.values())
    for ours, aliases in COLUMNS.items():
        if ours in chosen:
            continue
        known = {ours, *aliases}
        found = [name for name in names if name.strip().lower() in known and name not in taken]
        if len(found) > 1:
            raise BadFile(
                f"The columns {' and '.join(found)} both mean {ours}: say which one counts by a"
                f" mapping, as in {ours}={found[0]}.",
                field="mapping",
            )
        if found:
            chosen[ours] = found[0]
    if "class_code" not in chosen:
        raise BadFile(
            "The file has no column of the parts' class: name it class_code, or map it, as in"
            f" class_code=COLUMN; it has {', '.join(names)}.",
            field="mapping",
        )
    return chosen
