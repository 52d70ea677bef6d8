"""A test host for scripted modules of 3D Slicer; see README.md."""
