"""Who runs next and where: pure policies over plain values. Time is an argument."""
