"""Why a statement is not run."""


class Refused(Exception):
    """A statement that is not run: `sentence` names what is wrong with it, `hint` what to write instead."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        self.sentence, self.hint = sentence, hint
        super().__init__(f"{sentence} {hint}".strip())
