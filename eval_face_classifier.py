"""Measures a face classifier on any folder: a folder of pictures per character, or LabelImg's XML.

    python eval_face_classifier.py --checkpoint_path=RUN --faces_dir=other_faces --eval_dir=RUN/eval

Writes report.html, report.json, names.csv and answers.csv (one line a face). Folders of characters that the
classifier does not know count as strangers: whether they are called unknown is measured, too. Faces that were
trained on are counted and warned of: on those that were not the training's own report.html measures.

Exit status: 0; 1 if there is nothing to measure; 2 for wrong flags.
"""

from functools import partial

from rich.console import Console

from faces.options import FaceEvaluationOptions
from terminal.bars import counting_bars
from terminal.command import command, note, say
from terminal.quiet import start_tensorflow


@command("eval_face_classifier.py", interrupted="what was looked at stays in the cache")
def main(options: FaceEvaluationOptions) -> None:
    start_tensorflow()
    from engine.training.run_folder import beside_training
    from faces.classifier import FaceClassifier
    from faces.report import evaluate_faces

    console = Console()
    options = beside_training(options, partial(say, console))
    classifier = FaceClassifier.load(options.checkpoint_path)
    with counting_bars(console) as progress:
        notes = evaluate_faces(classifier, options, progress=progress, say=partial(say, console))
    for one in notes:
        note(console, one)
    say(console, f"See {options.eval_dir / 'report.html'}")


if __name__ == "__main__":
    raise SystemExit(main())
