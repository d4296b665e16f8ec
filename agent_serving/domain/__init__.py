"""What a session is: values, facts, and the pure rules over them. No I/O, no clock, no asyncio."""
