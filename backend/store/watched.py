"""The part of `SqlStore` that watches decisions: figures, drift, questions and the log."""

from __future__ import annotations

from backend.store.binding import looks_all, reads, reads_all, writes, writes_all
from backend.store.driver import Driver
from backend.transactions import asking, insights, models, trials, weeks
from backend.transactions import decisions as log


class Watched:
    """One line binds a transaction; nothing else is here."""

    _driver: Driver

    figures = reads(insights.figures)
    count_weeks = writes(weeks.count_weeks)
    drift = reads(weeks.state)
    draw_questions = writes(asking.draw_questions)
    questions = reads(asking.open_questions)
    answer_question = writes(asking.answer_question)
    labels = reads(asking.labels)
    answered = reads(trials.answered)
    labels_of_model = reads_all(trials.labels_of_model)
    trial_counts = reads_all(trials.trial_counts)

    decision_chain = reads(log.head)
    decisions = reads(log.log)
    swap_chain_key = writes(log.swap_key)

    models_at_work = looks_all(models.at_work)
    known_models = reads_all(models.known)
    stored_model = reads_all(models.stored)
    add_model = writes_all(models.add)
    change_models = writes_all(models.change)
    model_acts = reads_all(models.acts)
