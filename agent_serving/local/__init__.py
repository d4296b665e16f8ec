"""SGLang on this machine: its environment, the CPU platform, a tiny model, and its process."""
