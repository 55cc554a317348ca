"""`python -m sandbox.stripe`: one emulator on one port until it is told to stop."""

import uvicorn

from sandbox.stripe.app import App
from sandbox.stripe.settings import settings_from_environment


def main() -> None:
    """Serve."""
    settings = settings_from_environment()
    uvicorn.run(
        App(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        lifespan="on",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )


if __name__ == "__main__":
    main()
