"""The read API and the WebSocket notifier: api.app makes the application, api.serving runs it."""
