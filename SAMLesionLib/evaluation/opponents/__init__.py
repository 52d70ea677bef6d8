"""What one would use instead of our models: LiteMedSAM's own procedure, and the classical tools."""

from SAMLesionLib.evaluation.opponents.finding import Factory, opponents
from SAMLesionLib.evaluation.opponents.question import Planner
from SAMLesionLib.evaluation.opponents.segmenters import SliceEngine

__all__ = ["Factory", "Planner", "SliceEngine", "opponents"]
