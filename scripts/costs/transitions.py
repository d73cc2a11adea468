"""State transitions of each design, from its definition: what Step Functions Standard bills.

Retries come on top, and whatever fails elsewhere than where bad images do, in SerializeImageData.
"""

from scripts.costs.rules import ENDS

COURSE_STATES = 3  # the three tasks of the original course, one execution an image

# classify: CheckBatch, IsBatchValid, ClassifyImages, HowManyFailed, and the one that it ends with.
CLASSIFY_STATES = 5
ACCEPTED_STATES = 3
REVIEW_STATES = 4
FAILED_STATES = 2

# classifyBulk: CheckRun, IsRunValid, ClassifyBatches, CountResults, HowManyFailed, and the last.
BULK_STATES = 6


def of_course(images: int) -> int:
    """Return the transitions of one execution for each image."""
    return images * (COURSE_STATES + ENDS)


def of_classify(accepted: int, review: int, failed: int, batches: int = 1) -> int:
    """Return the transitions of so many executions of `classify` and all their images.

    A Map's iterations run within the execution: they cost the states that they enter.
    """
    return (
        batches * (CLASSIFY_STATES + ENDS)
        + accepted * ACCEPTED_STATES
        + review * REVIEW_STATES
        + failed * FAILED_STATES
    )


def of_classify_bulk(batches: int) -> int:
    """Return the transitions of a run of `classifyBulk`, whatever becomes of its images.

    A Distributed Map costs a transition for each child that it starts; the states of an Express
    child cost none. https://docs.aws.amazon.com/step-functions/latest/dg/concepts-statemachines.html
    """
    return BULK_STATES + ENDS + batches
