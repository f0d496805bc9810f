"""What a client could do with an emulator: one line of JSON for each operation."""

import contextlib
import json
import os
import sys
import traceback


class Report:
    """Notes the outcome of operations; an operation that fails does not stop the others."""

    def __init__(self, client, system):
        self.client = client
        self.system = system

    def _say(self, operation, outcome, detail=""):
        line = {"client": self.client, "system": self.system, "operation": operation, "outcome": outcome, "detail": detail}
        print(json.dumps(line), flush=True)

    @contextlib.contextmanager
    def operation(self, name):
        """Runs a block that is the proof of one operation."""
        try:
            yield
        except Exception as error:  # the table wants every operation, not the first that fails
            traceback.print_exc(file=sys.stderr)
            self._say(name, "fails", f"{type(error).__name__}: {error}"[:600])
        else:
            self._say(name, "works")

    def refused(self, name, attempt, word):
        """Notes that the emulator does not support an operation, and that its answer names what it does not support."""
        try:
            attempt()
        except Exception as error:
            status = getattr(error, "status_code", None)
            if word in str(error) and (status == 501 or " 501 " in str(error)):
                self._say(name, "refused", str(error)[:300])
            else:
                traceback.print_exc(file=sys.stderr)
                self._say(name, "fails", f"{type(error).__name__}: {error}"[:600])
        else:
            self._say(name, "fails", "it is no longer refused: prove that it works")


@contextlib.contextmanager
def raises(kind):
    """The block must raise this, and nothing else; the error is in `caught.error`."""
    caught = type("Caught", (), {"error": None})()
    try:
        yield caught
    except kind as error:
        caught.error = error
    else:
        raise AssertionError(f"no {kind.__name__}")


def same(one, other):
    """Both are equal, or the difference is told."""
    if one != other:
        raise AssertionError(f"{one!r} is not {other!r}")


DATAVERSE = os.environ["DATAVERSE_URL"]
FINOPS = os.environ["FINOPS_URL"]
