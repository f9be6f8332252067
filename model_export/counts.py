"""How often each term occurs in each text, counted once: leaving files out then only selects rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer


@dataclass(frozen=True)
class Block:
    """Tokens that share one vector length: those that match `pattern`, as n-grams up to `longest`."""

    name: str
    pattern: str
    longest: int

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments for every vectorizer of this block."""
        return {"lowercase": False, "token_pattern": self.pattern, "ngram_range": (1, self.longest)}


FREE = ("automatic", "bulk_header", "mailing_list", "no_reply_sender", "quotes_owner")
"""Findings of form that the model does not learn from: any sender can have them at no cost, and they are more frequent
in ordinary mail."""
BLOCKS = (
    Block("words", r"(?u)\b(?![ctf]_)\w\w+\b", 2),
    Block("meaning", r"(?u)\b[ct]_\w+\b", 2),
    # In which language a mail is written says nothing about it; that the language is unknown calls for care. Nor does
    # what anybody can write: fields of a list or an automatic answer, an address that takes no answer, a quoted "you".
    Block("form", rf"(?u)\b(?:f_(?!language_|(?:{'|'.join(FREE)})\b)\w+|f_language_xx)\b", 1),
)
FORM_GROUPS = 3
"""A finding of form must occur in at least this many files."""


@dataclass(frozen=True)
class Counts:
    """For each block, the counts [text, term], and the terms, sorted."""

    blocks: tuple[tuple[csr_matrix, NDArray[np.str_]], ...]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Counts:
        """Count the terms of all blocks."""
        found = []
        for block in BLOCKS:
            counter = CountVectorizer(**block.settings)
            matrix = csr_matrix(counter.fit_transform(texts))
            found.append((matrix, counter.get_feature_names_out()))
        return cls(tuple(found))

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> Counts:
        """The counts of some of the texts, with the same terms."""
        return Counts(tuple((matrix[places], terms) for matrix, terms in self.blocks))

    def columns(self, vocabularies: Sequence[Sequence[str]]) -> list[csr_matrix]:
        """The counts of these terms only, which must all have been counted."""
        return [
            matrix[:, np.searchsorted(terms, np.array(vocabulary, terms.dtype))]
            if len(vocabulary)
            else matrix[:, :0]
            for (matrix, terms), vocabulary in zip(self.blocks, vocabularies, strict=True)
        ]

    def shared(self, groups: Sequence[str], min_df: int, min_groups: int) -> list[list[str]]:
        """The terms of each block that occur in enough texts and enough groups (files).

        A term that only one writer uses says more about the writer than about pitches; findings of form are few, and
        our own."""
        member = np.array(groups)
        files = sorted(set(groups))
        kept = []
        for block, (matrix, terms) in zip(BLOCKS, self.blocks, strict=True):
            least = min(min_groups, FORM_GROUPS if block.name == "form" else min_groups, len(files))
            present = (matrix > 0).astype(np.int32)
            often = np.asarray(present.sum(axis=0)).ravel() >= min_df
            spread = sum(
                (np.asarray(present[member == f].sum(axis=0)).ravel() > 0).astype(int) for f in files
            )
            kept.append(terms[often & (spread >= least)].tolist())
        return kept
