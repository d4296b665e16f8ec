"""What can go wrong with an engine on this machine."""


class LocalEngineError(Exception):
    """The local engine could not be installed, built or started.

    The message says what failed, where, and what to do about it; the command line prints it as is.
    """
