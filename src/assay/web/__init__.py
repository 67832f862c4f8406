"""The service: an HTTP API, a web page, and durable jobs behind both."""
