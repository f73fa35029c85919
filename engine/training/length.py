"""How many pictures a step and how many steps, where nobody said: from how many pictures there are."""

from dataclasses import dataclass

from engine.training.options import TrainingOptions

BATCH_SIZE = 16
# A smaller batch for a smaller set: the fewer steps a pass has, the more the order of pictures matters.
LEAST_STEPS_A_PASS = 8
# Where nobody said how long: however few pictures there are, a network needs some steps to move at all.
PASSES, LEAST_STEPS = 60.0, 1000
VALIDATIONS = 10


@dataclass(frozen=True)
class Length:
    """Of a training.

    Attributes:
        batch_size: pictures a step.
        steps: the training's.
        evaluate_steps: between validations.
        why: for people, one line; empty where everything was given.
    """

    batch_size: int
    steps: int
    evaluate_steps: int
    why: str


def training_length(options: TrainingOptions, pictures: int) -> Length:
    """What was asked for, and the rest by rule.

    Args:
        options: of the training.
        pictures: to train on.
    """
    reasons = []
    batch_size = options.batch_size
    if batch_size is None:
        batch_size = BATCH_SIZE
        while batch_size > 1 and pictures < LEAST_STEPS_A_PASS * batch_size:
            batch_size //= 2
        full = batch_size == BATCH_SIZE
        reasons.append(
            f"{batch_size} pictures a step "
            + ("(the usual)" if full else f"(so that a pass has at least {LEAST_STEPS_A_PASS} steps)")
        )
    steps = options.max_number_of_steps
    if steps is None:
        passes, least = (PASSES, LEAST_STEPS) if options.passes is None else (options.passes, 1)
        wanted = -(-passes * pictures // batch_size)
        steps = int(max(least, wanted))
        shown = f"{passes:g} passes over {pictures} pictures"
        reasons.append(
            f"{steps} steps ({shown})"
            if steps == wanted
            else f"{steps} steps (the least; {shown} would be {wanted:.0f})"
        )
    evaluate_steps = options.evaluate_steps or max(1, -(-steps // VALIDATIONS))
    cure = "--batch_size and --max_number_of_steps or --passes set others"
    why = f"Not given, so chosen: {', '.join(reasons)}; {cure}." if reasons else ""
    return Length(batch_size, steps, evaluate_steps, why)
