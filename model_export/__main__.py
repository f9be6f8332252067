"""`pitchgate-model`: train, judge, export and explain the model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

import click
import joblib
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backend.domain.reading.model_text import body, model_input, model_text
from backend.domain.reading.score import with_quotes
from backend.scoring import JUDGE_BESIDE, SHIPPED
from backend.scoring.second_reading import Encoder, Judge
from backend.scoring.session import ModelSession
from backend.terminal import showing_errors
from model_export.card import BadCard, read_card, write_card
from model_export.compare import compare, opened
from model_export.evaluation import (
    Evaluation,
    as_json,
    choose_nested,
    evaluate,
    learning_curve,
    summary,
)
from model_export.learner import DEFAULT, Params
from model_export.metrics import Figures, by_part, mean_figures
from model_export.own import PARTS, WEIGHTS, corrected_mail, labelled_mail, own_mail_gain, weighed
from model_export.publish import NotPublished, build, corpus_digest, differences, fingerprint, publish
from model_export.report import render
from model_export.rows import CORPUS, BadRow, Row, corpus, numbered, records, unlabelled
from model_export.swings import swings
from model_export.training import (
    FOLDS,
    Trained,
    cross_calibrated,
    groups_of,
    judged_and_train_only,
    labels_of,
    train,
)

_MODEL = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


_corpus_options = click.option(
    "--files", default="", metavar="A,B", help="Only these files of the corpus (two at least)."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Train the model on the corpus, see how good it is, export it, explain it."""


@cli.command("train")
@click.option("--out", type=_OUT, default=Path("pitchgate-model.joblib"), show_default=True)
@click.option(
    "--c", type=float, default=DEFAULT.c, show_default=True, help="Inverse strength of regularisation."
)
@click.option("--seed", type=int, default=DEFAULT.seed, show_default=True)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=DEFAULT.share,
    show_default=True,
    help="Share of pitches at which probabilities are true.",
)
@click.option(
    "--archive", type=click.Path(exists=True, path_type=Path), help="The owner's own mail (Takeout, mbox)."
)
@click.option("--me", default="", metavar="ADDRESS", help="The owner's address, with --archive.")
@click.option("--sales-label", multiple=True, help="Gmail label that marks pitches in --archive.")
@click.option(
    "--corrections", type=_MODEL, help="The owner's data export: learn from their decisions in --archive."
)
@_corpus_options
def train_command(
    out: Path,
    c: float,
    seed: int,
    share: float,
    archive: Path | None,
    me: str,
    sales_label: tuple[str, ...],
    corrections: Path | None,
    files: str,
) -> None:
    """Train and keep the fitted model in a file for `export`. Open such files only if they are your own."""
    rows = [*_rows(files), *_own_mail(archive, me, sales_label, corrections)]
    params = replace(DEFAULT, c=c, seed=seed, share=share)
    trained = _trained(rows, _weighed(rows, params))
    joblib.dump((trained, rows), out)
    _print_evaluation(evaluate(trained))
    if own := own_mail_gain(trained, SHIPPED):
        click.echo(f"{own.words} A message of theirs counts as {trained.params.own:g} of the corpus.")
    click.echo(f"Written to {out}.")


@cli.command("evaluate")
@click.option("--nested", is_flag=True, help="Choose the parameters again for each left-out file (slow).")
@click.option("--json", "as_lines", is_flag=True, help="All tables as one JSON object.")
@_corpus_options
def evaluate_command(nested: bool, as_lines: bool, files: str) -> None:
    """Leave each file out once, and say how its mail is judged."""
    rows = _rows(files)
    found = evaluate(_trained(rows, DEFAULT))
    figures = _nested(rows) if nested else None
    if as_lines:
        click.echo(json.dumps({**as_json(found), "nested": figures and asdict(figures)}, indent=1))
        return
    _print_evaluation(found, figures)


@cli.command("export")
@click.option("--trained", type=_MODEL, help="What `train` wrote; without it the model is trained first.")
@click.option("--out", type=_OUT, default=SHIPPED, show_default=True)
@_corpus_options
def export_command(trained: Path | None, out: Path, files: str) -> None:
    """Export to ONNX: graph, metadata, audit, parity gate; and the model card beside it."""
    if trained:
        fitted, rows = joblib.load(trained)
    else:
        rows = _rows(files)
        fitted = _trained(rows, DEFAULT)
    data, difference = _export(fitted, rows, out)
    click.echo(f"{out}: {len(data):,} bytes, largest difference to scikit-learn {difference:.1e}.")


@cli.command("report")
@click.option("--model", type=_MODEL, default=SHIPPED, show_default=True, help="The exported model.")
@click.option("--previous", type=_MODEL, help="An earlier model to compare with.")
@click.option("--nested", is_flag=True, help="With parameters chosen again for each left-out file (slow).")
@click.option("--no-curve", is_flag=True, help="Leave out the learning curve (it trains 240 models).")
@click.option("--out", type=_OUT, default=Path("model-report.html"), show_default=True)
@_corpus_options
def report_command(
    model: Path, previous: Path | None, nested: bool, no_curve: bool, out: Path, files: str
) -> None:
    """Write the report: one HTML page with everything known about the model."""
    rows = _rows(files)
    session = ModelSession.open(model)
    params = Params(**json.loads(session.facts.metadata["params"]))
    trained = _trained(rows, params)
    with _progress() as bar:
        curve = (
            None
            if no_curve
            else learning_curve(rows, trained, _steps(bar, len(groups_of(trained.judged)) - 1))
        )
    page = render(
        evaluate(trained, session),
        session.facts,
        model.stat().st_size,
        curve,
        _nested(rows) if nested else None,
        compare(opened(previous), session, rows) if previous else None,
        swings(session, _sample(files)),
    )
    out.write_text(page, encoding="utf-8")
    click.echo(f"Written to {out}.")


@cli.command("compare")
@click.argument("first", type=_MODEL)
@click.argument("second", type=_MODEL)
@click.option("--no-corpus", is_flag=True, help="Compare only what the files say of themselves.")
def compare_command(first: Path, second: Path, no_corpus: bool) -> None:
    """Put two model files side by side."""
    found = compare(opened(first), opened(second), [] if no_corpus else corpus())
    table = Table("", *found.names)
    for line in found.lines:
        table.add_row(*line)
    _print_table(table)
    for remark in found.remarks:
        click.echo(remark)


@cli.command("second-reading")
@click.option("--trained", type=_MODEL, help="What `train` wrote; without it the model is trained first.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path.home() / ".cache" / "pitchgate",
    show_default=True,
    help="Where what the encoder made of the corpus is kept.",
)
@click.option("--out", type=_OUT, default=JUDGE_BESIDE, show_default=True)
def second_reading_command(trained: Path | None, cache: Path, out: Path) -> None:
    """Learn to judge by a second reading where the first is in doubt, for the shipped model."""
    from backend.scoring.encoder_file import encoder_file, found_weights
    from model_export import second_reading

    data = encoder_file(found_weights())
    encoder = Encoder(data, out)
    if trained:
        fitted, rows = joblib.load(trained)
    else:
        rows = _rows("")
        fitted = _trained(rows, DEFAULT)
    shipped = ModelSession.open(SHIPPED).facts
    if not shipped.version.endswith(fingerprint(fitted.model)[:8]):
        raise NotPublished("what was trained is not the shipped model, beside which it would judge")
    with _progress() as bar:
        embeddings = second_reading.embedded(rows, encoder, cache, _steps(bar, len(rows) // 1_000 + 1))
    with _progress() as bar:
        judged = second_reading.learn(rows, fitted, embeddings, progress=_steps(bar, FOLDS))
    judge = second_reading.judge_file(judged, shipped.digest, encoder.digest)
    difference = second_reading.parity(Judge(judge, out), judged, embeddings)
    out.write_bytes(judge)
    text = second_reading.card(judged, len(judge), len(data))
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    click.echo(text)
    click.echo(f"{out}: {len(judge):,} bytes, largest difference to scikit-learn {difference:.1e}.")


@cli.command("reproduce")
@click.argument("card", type=_MODEL)
@_corpus_options
def reproduce_command(card: Path, files: str) -> None:
    """Train again what CARD describes. The same bytes come out, or it is said what differs (status 1)."""
    stated = read_card(card)
    rows = _rows(files)
    if corpus_digest(rows) == stated["corpus"]:
        trained = _trained(rows, Params(**stated["params"]))
        found = differences(stated, build(trained, rows, summary(evaluate(trained))))
    else:
        found = ["the corpus, or what prepares its texts, has changed since the model was trained"]
    if found:
        click.echo("Not reproduced:\n" + "\n".join(f"- {line}" for line in found))
        sys.exit(1)
    click.echo(f"Reproduced: the same bytes ({stated['sha256']}).")


@cli.command("score")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--model", type=_MODEL, default=SHIPPED, show_default=True)
def score_command(file: Path, model: Path) -> None:
    """Score messages in the corpus's JSON Lines form, one JSON line each out, the way the server does."""
    session = ModelSession.open(model)
    source = Path("/dev/stdin") if str(file) == "-" else file
    for number, record in numbered(source):
        try:
            row = unlabelled(record)
        except BadRow as error:
            raise BadRow(f"{source.name}, line {number}: {error}") from error
        _score_line(session, row, sys.stdout)


def _score_line(session: ModelSession, row: Row, out: TextIO) -> None:
    reading = model_input(row.message, row.owner)
    said = f"{row.message.subject}\n{body(row.message)}"
    score = with_quotes(session.score(model_text(reading)), reading, said)
    reasons = [{"text": r.code, "weight": round(r.weight, 4), "words": list(r.words)} for r in score.reasons]
    line = {"id": row.id, "score": score.probability, "reasons": reasons}
    out.write(json.dumps(line, ensure_ascii=False) + "\n")


def _rows(files: str) -> list[Row]:
    wanted = [name.strip() for name in files.split(",") if name.strip()]
    rows = corpus(files=wanted or None)
    if len(groups_of(judged_and_train_only(rows)[0])) < 2:
        raise click.UsageError("Leaving one file out needs at least two files with both labels.")
    return rows


def _sample(files: str) -> list[tuple[str, dict[str, Any]]]:
    """Every eighth record of the corpus, with its file."""
    wanted = [name.strip() for name in files.split(",") if name.strip()]
    paths = [path for path in sorted(CORPUS.glob("*.jsonl")) if not wanted or path.stem in wanted]
    return [(path.stem, record) for path in paths for record in list(records(path))[::8]]


def _own_mail(archive: Path | None, me: str, labels: tuple[str, ...], corrections: Path | None) -> list[Row]:
    if archive is None:
        if corrections or labels:
            raise click.UsageError(
                "--corrections and --sales-label need --archive, where the mail itself is."
            )
        return []
    if not me or not (labels or corrections):
        raise click.UsageError(
            "--archive needs --me, and --sales-label or --corrections to know what is a pitch."
        )
    click.echo("This model will know the owner's own mail: use it for their mailbox only.", err=True)
    rows = labelled_mail(archive, me, set(labels)) if labels else []
    return rows + (corrected_mail(corrections, archive, me) if corrections else [])


def _weighed(rows: list[Row], params: Params) -> Params:
    if not any(row.own for row in rows):
        return params
    with _progress() as bar:
        return weighed(rows, params, _steps(bar, PARTS * len(WEIGHTS)))


def _trained(rows: list[Row], params: Params) -> Trained:
    with _progress() as bar:
        return train(
            rows, params, _steps(bar, min(FOLDS, len(groups_of(judged_and_train_only(rows)[0]))) + 1)
        )


def _nested(rows: list[Row]) -> Figures:
    count = len(groups_of(judged_and_train_only(rows)[0]))
    with _progress() as bar:
        judged, logits = choose_nested(rows, _steps(bar, count * (count - 1)))
    crossed = cross_calibrated(judged, logits)
    files = by_part([row.group for row in judged], labels_of(judged), logits, crossed)
    return mean_figures(list(files.values()))


def _export(trained: Trained, rows: list[Row], out: Path) -> tuple[bytes, float]:
    found = evaluate(trained)
    own = own_mail_gain(trained, SHIPPED)
    data = build(trained, rows, summary(found), own)
    difference = publish(data, trained, rows, out)
    facts = ModelSession.open(out).facts
    theirs = sum(row.own for row in rows)
    out.with_suffix(".md").write_text(write_card(data, facts, found, difference, theirs), encoding="utf-8")
    return data, difference


def _progress() -> Progress:
    """A progress bar on the error stream, removed when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _steps(bar: Progress, total: int) -> Callable[[str], None]:
    """A function to call with the name of each step."""
    task = bar.add_task("…", total=total)

    def step(text: str) -> None:
        bar.update(task, description=text, advance=1)

    return step


def _print_evaluation(found: Evaluation, nested: Figures | None = None) -> None:
    """Print the costs of each strictness, then the figures of each file and language."""
    for cost in found.costs:
        click.echo(f"At {cost.strictness.value}: {cost.words}.")
    table = Table(
        "",
        "messages",
        "AUC",
        "recall at 1 %",
        "at 5 %",
        "calibration error",
        "of it chance",
        "strangers held",
    )
    named = {**found.files, "mean over files": found.mean, "all pooled": found.pooled}
    if nested:
        named["mean, nested choice"] = nested
    named |= {f"in {name}": part for name, part in found.languages.items()}
    for name, part in named.items():
        values = (part.auc, part.recall_1, part.recall_5, part.ece, part.chance)
        strangers = found.strangers.get(name.removeprefix("in "))
        shown = f"{strangers.held} of {strangers.count}" if strangers and strangers.count else "–"
        table.add_row(name, str(part.count), *(f"{value:.3f}" for value in values), shown)
    _print_table(table)


def _print_table(table: Table) -> None:
    """Print a table; into a file or a pipe at its full width, since nobody could read what is cut off there."""
    Console(width=None if sys.stdout.isatty() else 140).print(table)


def main() -> None:
    """Entry point: an error made for people is shown as one, without a stack trace."""
    try:
        with showing_errors("pitchgate-model"):
            cli()
    except (BadRow, BadCard, NotPublished) as error:
        sys.exit(f"pitchgate-model: {error}")


if __name__ == "__main__":
    main()
