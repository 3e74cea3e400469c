"""Queries in Chinese: their concepts, and the texts that say them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gridsvc.city.synonyms import SYNONYMS
from gridsvc.errors import BadFile, BadInput
from gridsvc.foresight.words.query import longest_words, read_query, words_of
from gridsvc.settings import Settings
from tests import cities

pytestmark = pytest.mark.system(19)


@pytest.fixture(scope="module")
def synonyms():
    return cities.city().table(SYNONYMS)


@pytest.mark.parametrize(
    ("query", "concepts", "left_out"),
    [
        ("漏雨", ["漏雨"], []),
        ("漏水", ["漏雨"], []),
        ("屋顶渗水 未解决", ["漏雨"], ["未解决"]),
        ("屋顶漏雨没人管", ["漏雨"], ["没人管"]),
        ("漏雨 物业", ["漏雨", "物业"], []),
        ("电梯", ["电梯"], []),
        ("ＷＩＦＩ 信号", ["wifi", "信号"], []),
    ],
)
def test_a_query_is_read_as_its_concepts(synonyms, query, concepts, left_out):
    found = read_query(query, synonyms)
    assert [one.name for one in found.concepts] == concepts
    assert list(found.left_out) == left_out


@pytest.mark.parametrize("query", ["解决", "的", "，。", "没有问题"])
def test_a_query_that_asks_for_nothing_is_refused(synonyms, query):
    with pytest.raises(BadInput):
        read_query(query, synonyms)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("我家屋顶漏雨三年了没人管", True),
        ("房顶一到夏天就漏水", True),
        ("屋顶这边一直渗水", True),
        ("一下雨房顶就往下漏", True),
        ("自来水管漏水", False),
        ("暖气漏水", False),
        ("屋顶漏水，水管也漏水", True),
        ("工程有遗漏", False),
        ("上海水产市场", False),
        ("屋顶有人搭建", False),
        ("楼道堆物", False),
    ],
)
def test_a_text_says_leaking_roofs_or_does_not(synonyms, text, says):
    query = read_query("漏雨", synonyms)
    assert query.means(text) is says


def test_all_concepts_must_be_said(synonyms):
    query = read_query("漏雨 物业", synonyms)
    assert query.means("屋顶漏雨，物业不修")
    assert not query.means("屋顶漏雨")


def test_whatever_says_a_concept_contains_one_of_its_longest_words(synonyms):
    for group in synonyms.groups:
        (concept,) = read_query(group, synonyms).concepts
        for term in concept.terms:
            assert term.words & set(longest_words(concept))


def test_words_of_the_tables_are_words_of_texts(synonyms):
    for word in synonyms.words:
        assert word in words_of(f"这里{word}了", synonyms.words)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("漏雨,漏,,", "one letter"),
        (",漏雨,,", "a group and a term"),
        ("漏雨,漏雨,水,", "one letter"),
        ("漏雨,漏雨,,\n漏雨,漏雨,,", "duplicated"),
    ],
)
def test_a_wrong_line_of_the_synonyms_is_told(tmp_path, row, said):
    (tmp_path / "synonyms.csv").write_text(f"group,term,unless,source\n{row}\n", encoding="utf-8")
    with pytest.raises(BadFile, match=said):
        SYNONYMS.load(Settings(procedures_dir=tmp_path))


def test_a_city_has_synonyms_of_its_own(tmp_path):
    (tmp_path / "synonyms.csv").write_text(
        "group,term,unless,source\n渗漏,返潮,,ours\n", encoding="utf-8"
    )
    own = SYNONYMS.load(Settings(procedures_dir=tmp_path))
    assert [one.name for one in read_query("返潮", own).concepts] == ["渗漏"]
    assert [one.name for one in read_query("漏雨", own).concepts] == ["漏雨"]


def test_the_segmenter_is_loaded_by_the_first_query():
    load = "import sys, gridsvc.api.app; print('rjieba' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
