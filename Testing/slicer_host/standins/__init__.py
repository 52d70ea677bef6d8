"""Stand-ins for the widgets of CTK and Slicer: real Qt widgets that do what the real ones do with a scene."""
