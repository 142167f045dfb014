"""Start kernels, again where another program was quicker."""

from functools import wraps

TRIES = 3


def patient(start):
    """Call `start` up to three times while its kernel dies before it answers.

    Jupyter chooses a kernel's ports before the kernel takes them; in between another
    program may (jupyter_client, issue 487), and the kernel ends.
    """

    @wraps(start)
    def started(*args, **kwargs):
        for left in reversed(range(TRIES)):
            try:
                return start(*args, **kwargs)
            except RuntimeError as problem:
                if not left or "Kernel died before replying" not in str(problem):
                    raise

    return started


@patient
def run_cells(lesson, folder):
    """Run all cells of a lesson in a folder; their outputs are in it afterwards."""
    from nbclient import NotebookClient

    NotebookClient(
        lesson,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
