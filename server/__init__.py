"""HTTP and WebSockets in, structs out: controllers read storage and ask actors."""
