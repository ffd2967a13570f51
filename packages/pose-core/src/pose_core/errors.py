"""The exceptions every package raises when the user, not the program, has to act."""


class UserError(Exception):
    """What is wrong and what to do about it, in one line that names the thing; commands print it and exit with 2."""


class BatchError(Exception):
    """Some files of a batch failed, and the others are done; commands print it and exit with 3.

    Args:
        message: how many failed, and how to go on.
        failures: a line each, naming the file.
        ours: whether one of them is a defect of the program; commands then exit with 1.
    """

    def __init__(self, message: str, failures: list[str], *, ours: bool = False) -> None:
        super().__init__(message)
        self.failures = failures
        self.ours = ours


def reason(error: BaseException, length: int = 200) -> str:
    """What another's exception says, in one line of at most that many characters: parsers quote what they choke on."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= length else f"{text[:length]}..."
