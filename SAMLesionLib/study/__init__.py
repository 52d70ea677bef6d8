"""Reader studies of annotation time: design, recorder, work list, simulated readers, and the report."""
