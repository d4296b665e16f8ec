"""SGLang on this machine: its environment, the CPU platform, the demo model, and its process."""
