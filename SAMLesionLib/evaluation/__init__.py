"""How well a segmenter does on lesions that experts have drawn: simulated readers, opponents, a report."""
