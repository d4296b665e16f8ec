"""What happens here, told to OpenTelemetry: spans and metrics."""
