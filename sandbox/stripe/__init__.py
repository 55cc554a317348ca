"""A stateful stand-in for Stripe: the real SDK, curl and the browser script talk to it over HTTP."""
