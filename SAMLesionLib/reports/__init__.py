"""What reports are made of: means with their intervals, paired tests, charts, and pages that hold it all."""
