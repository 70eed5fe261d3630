"""The index of the documents: scenarios/semantics/sources/DOCUMENT.toml has every sentence of one, in order.

    title, public_name      of the document, as readers know it
    sentence = [{...}]      text (verbatim or in our own words), and either `clauses`, the ids that it became, or `not_checkable`,
                            the reason why it became none. Where the words are ours, `at` = "TITLE, N" says which sentence it is"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from judge.clauses import Clause
from judge.table import Table


@dataclass(frozen=True)
class Sentence:
    number: int  # in the document, from 1
    text: str
    clauses: tuple[str, ...]
    not_checkable: str | None


@dataclass(frozen=True)
class Document:
    name: str  # of the file
    title: str
    public_name: str
    sentences: tuple[Sentence, ...]


def load_documents(semantics: Path, clauses: dict[str, Clause]) -> list[Document]:
    return [read_document(path, clauses) for path in sorted((semantics / "sources").glob("*.toml"))]


def read_document(path: Path, clauses: dict[str, Clause]) -> Document:
    table = Table.load(path)
    title, public_name = table.text("title"), table.text("public_name")
    tables = table.tables("sentence")
    if not tables:
        raise table.error("a document without a [[sentence]]")
    sentences = tuple(read_sentence(one, number, clauses) for number, one in enumerate(tables, 1))
    places = [one.data["at"] for one in tables if "at" in one.data]
    if places not in ([], [f"{title}, {number}" for number in range(1, len(tables) + 1)]):
        raise table.error(f'"at" is given for all sentences, as "{title}, 1" and so on in order, or for none (all verbatim)')
    table.end()
    return Document(path.stem, title, public_name, sentences)


def read_sentence(table: Table, number: int, clauses: dict[str, Clause]) -> Sentence:
    table.text("at", None)
    sentence = Sentence(number, table.text("text"), table.names("clauses", clauses), table.text("not_checkable", None))
    if bool(sentence.clauses) == bool(sentence.not_checkable):
        raise table.error('one of "clauses" and "not_checkable" is needed, and only one')
    table.end()
    return sentence
