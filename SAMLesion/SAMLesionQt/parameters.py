"""What is saved with the scene: the chosen nodes and the reader's choices."""

from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class PanelParameters:
    """The panel's parameter node.

    Attributes:
        volume: the scan that is read; None when there is none.
        segmentation: holds the lesions; None until there is one.
        choices: the reader's choices, as `host.parameters.Parameters.to_text` writes them.
    """

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    choices: str = ""
