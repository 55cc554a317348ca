"""`python -m server`: the web process."""

import sys

from gateways.clock import ClockFileInvalidError
from gateways.settings import SettingsInvalidError, settings_from
from server.app import create_app
from server.serving import serve


def main() -> int:
    """Serves the marketplace; exit code 1 with one sentence when it cannot."""
    try:
        settings = settings_from()
        app = create_app(settings)
    except (SettingsInvalidError, ClockFileInvalidError) as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 - the sentence for whoever started it
        return 1
    return serve(app, settings)


if __name__ == "__main__":
    sys.exit(main())
