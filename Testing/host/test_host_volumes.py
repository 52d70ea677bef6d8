"""A volume node becomes a Volume: same memory, same place in the world, refused when it is no scan."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from mrml_cases import OBLIQUE, SHAPE_KJI, put_under, put_under_bend
from vtk.util.numpy_support import vtk_to_numpy

from SAMLesionLib.errors import ImageError
from SAMLesionLib.geometry import Affine
from SAMLesionLib.host.volumes import volume_from_node

pytestmark = pytest.mark.mrml

ROTATION = np.array([[0, -1, 0, 5.0], [1, 0, 0, -3.0], [0, 0, 1, 2.0], [0, 0, 0, 1]])
SHEAR = np.array([[1, 0.2, 0, 0], [0, 1.5, 0, 0], [0, 0, 0.8, 9.0], [0, 0, 0, 1]])


def test_the_voxels_are_a_read_only_view_of_the_nodes_memory(a_volume_node):
    volume = volume_from_node(a_volume_node)
    scalars = a_volume_node.GetImageData().GetPointData().GetScalars()
    assert volume.voxels.shape == SHAPE_KJI
    assert np.shares_memory(volume.voxels, vtk_to_numpy(scalars))
    assert volume.voxels[1, 2, 3] == a_volume_node.GetImageData().GetScalarComponentAsDouble(3, 2, 1, 0)
    assert not volume.voxels.flags.writeable


def test_the_voxels_outlive_the_node(scene, a_volume_node):
    volume = volume_from_node(a_volume_node)
    scene.RemoveNode(a_volume_node)
    del a_volume_node
    assert volume.voxels[-1, -1, -1] == np.prod(SHAPE_KJI) - 1


def test_the_affine_keeps_flips_rotation_spacing_and_shear(a_volume_node):
    assert np.allclose(volume_from_node(a_volume_node).affine.ijk_to_ras, OBLIQUE, atol=1e-12)


def test_linear_parent_transforms_are_part_of_the_affine(a_volume_node):
    inner = put_under(a_volume_node, ROTATION)
    put_under(inner, SHEAR)
    assert np.allclose(
        volume_from_node(a_volume_node).affine.ijk_to_ras, SHEAR @ ROTATION @ OBLIQUE, atol=1e-10
    )


def test_a_transform_that_bends_space_is_refused_with_the_offer_to_harden_it(a_volume_node):
    put_under_bend(a_volume_node)
    with pytest.raises(ImageError, match=r"CT_chest lies under the transform Acquisition.*Harden"):
        volume_from_node(a_volume_node)


@pytest.mark.parametrize(
    ("class_name", "shape", "reason"),
    [
        ("vtkMRMLLabelMapVolumeNode", (2, 3, 4), "is a label map"),
        ("vtkMRMLVectorVolumeNode", (2, 3, 4, 3), "is a colour or vector image"),
        ("vtkMRMLDiffusionWeightedVolumeNode", (2, 3, 4, 6), "is a diffusion image"),
        ("vtkMRMLScalarVolumeNode", (2, 3, 4, 5), "has 5 values a voxel"),
    ],
)
def test_what_is_no_scalar_scan_is_refused(new_volume, class_name, shape, reason):
    node = new_volume(voxels=np.zeros(shape, np.int16), class_name=class_name)
    with pytest.raises(ImageError, match=f"CT_chest {reason}"):
        volume_from_node(node)


def test_an_empty_node_another_node_and_no_node_are_refused(scene):
    with pytest.raises(ImageError, match="empty holds no voxels"):
        volume_from_node(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))
    with pytest.raises(ImageError, match="A scalar volume is needed, got Model"):
        volume_from_node(scene.AddNewNodeByClass("vtkMRMLModelNode"))
    with pytest.raises(ImageError, match="got nothing"):
        volume_from_node(None)


def test_the_modality_comes_from_the_node_its_series_or_its_units(scene, new_volume):
    assert volume_from_node(new_volume()).modality == "OT"
    tagged = new_volume()
    tagged.SetAttribute("DICOM.Modality", "MR")
    assert volume_from_node(tagged).modality == "MR"
    in_series = new_volume()
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), in_series)
    hierarchy.SetItemAttribute(item, "DICOM.Modality", "PT")
    assert volume_from_node(in_series).modality == "PT"
    assert volume_from_node(in_series, modality="CT").modality == "CT"


def test_hounsfield_units_mean_ct(new_volume):
    node, units = new_volume(), slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("[hnsf'U]", "UCUM", "Hounsfield unit")
    node.SetVoxelValueUnits(units)
    assert volume_from_node(node).modality == "CT"


@pytest.mark.parametrize("k_direction", [1, -1])
def test_a_file_read_by_mrml_has_the_grid_that_simpleitk_reads(host, tmp_path, k_direction):
    image = sitk.GetImageFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
    cos, sin = np.cos(0.3), np.sin(0.3)
    image.SetDirection([cos, -sin, 0, sin, cos, 0, 0, 0, k_direction])
    image.SetSpacing([0.7, 0.9, 5.0])
    image.SetOrigin([-120.5, 33.25, 7.0])
    sitk.WriteImage(image, str(tmp_path / "scan.nrrd"))
    volume = volume_from_node(host.load_volume(tmp_path / "scan.nrrd"))
    # MRML turns a left-handed grid round on reading, so voxels are compared where they are in the world.
    for value in range(24):
        kji = np.argwhere(volume.voxels == value)[0]
        i, j, k = np.argwhere(sitk.GetArrayFromImage(image) == value)[0][::-1].tolist()
        lps = image.TransformIndexToPhysicalPoint((i, j, k))
        assert np.allclose(volume.affine.to_ras(kji[::-1]), [-lps[0], -lps[1], lps[2]], atol=1e-6)


def test_a_dicom_series_read_by_mrml_has_the_grid_that_simpleitk_reads(host, tmp_path):
    folder = write_dicom_series(tmp_path / "series")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    volume = volume_from_node(host.load_volume(folder))
    assert np.array_equal(volume.voxels, sitk.GetArrayFromImage(image))
    assert np.allclose(volume.affine.ijk_to_ras, _affine_of(image).ijk_to_ras, atol=1e-4)


@pytest.mark.usefixtures("expects_vtk_errors")
def test_a_missing_or_broken_file_is_refused(host, tmp_path):
    with pytest.raises(ImageError, match="There is no image at"):
        host.load_volume(tmp_path / "nothing.nrrd")
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\nnonsense")
    with pytest.raises(ImageError, match="cannot be read as a scalar image"):
        host.load_volume(tmp_path / "broken.nrrd")


def _affine_of(image: sitk.Image) -> Affine:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return Affine.from_lps(matrix)


def write_dicom_series(folder):
    """Four oblique CT slices, written by SimpleITK."""
    folder.mkdir()
    direction = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    voxels = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for k in range(4):
        plane = sitk.GetImageFromArray(voxels[k])
        position = np.array([-10.0, 20.0, -5.0]) + 2.5 * k * direction[:, 2]
        plane = sitk.JoinSeries(plane)
        plane.SetSpacing([0.75, 0.75, 2.5])
        plane.SetDirection(direction.ravel().tolist())
        plane.SetOrigin(position.tolist())
        for tag, value in {
            "0008|0060": "CT",
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
            "0008|0018": f"1.2.826.0.1.3680043.8.498.1.{k + 1}",
            "0020|000d": "1.2.826.0.1.3680043.8.498.2",
            "0020|000e": "1.2.826.0.1.3680043.8.498.3",
            "0020|0052": "1.2.826.0.1.3680043.8.498.4",
            "0020|0013": str(k + 1),
            "0020|0032": "\\".join(f"{x:.6f}" for x in position),
            "0020|0037": "\\".join(f"{x:.6f}" for x in direction[:, :2].T.ravel()),
        }.items():
            plane.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"slice{k}.dcm"))
        writer.Execute(plane)
    return folder
