"""A stateful stand-in for Stripe: the real SDK, curl and the browser script reach it over HTTP."""
