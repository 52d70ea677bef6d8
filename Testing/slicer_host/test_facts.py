"""The lists of what CTK's and Slicer's classes have: each with its source, and no stand-in has more."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Property

from slicer_host.pythonqt import facts, wrapper_class
from slicer_host.pythonqt.signals import declared_signals
from slicer_host.standins import (
    application,
    io_manager,
    layout,
    modules,
    segment_effects,
    slice_views,
    vtk_views,
)
from slicer_host.ui_file import STAND_INS

KINDS = {"bool": "bool", "int": "int", "double": "double", "QString": "QString", "QStringList": "QStringList"}
INNER = [
    application.qSlicerApplication,
    application.qSlicerCommandOptions,
    application.qSlicerCoreApplication,
    io_manager.qSlicerCoreIOManager,
    layout.qMRMLLayoutManager,
    layout.qSlicerLayoutManager,
    modules.qSlicerAbstractCoreModule,
    modules.qSlicerModuleManager,
    segment_effects.qSlicerSegmentEditorAbstractEffect,
    vtk_views.ctkVTKAbstractView,
    vtk_views.ctkVTKSliceView,
    slice_views.qMRMLAbstractViewWidget,
    slice_views.qMRMLSliceView,
    slice_views.qMRMLSliceWidget,
]
ALL = {native.__name__: native for native in [*STAND_INS.values(), *INNER]}


@pytest.mark.parametrize("name", sorted(facts.listing()))
def test_a_listed_class_says_where_it_was_read(name: str) -> None:
    entry = facts.listing()[name]
    folder = "commontk/CTK " if name.startswith("ctk") else "Slicer/Slicer "
    assert entry["source"].startswith(folder)
    assert entry["source"].endswith(f"{name}.h")
    assert all(len(source) > 10 for source in entry.get("also", {}).values())
    assert entry["base"] in facts.listing() or entry["base"].startswith("Q")


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_stand_in_has_a_list_and_the_base_of_the_real_class(name: str) -> None:
    bases = [base.__name__ for base in ALL[name].__mro__[1:]]
    assert facts.listing()[name]["base"] in bases


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_stand_ins_properties_have_the_types_of_the_real_ones(name: str) -> None:
    listed = facts.listing()[name].get("properties", {})
    meta = ALL[name].staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        own = meta.property(index)
        if own.name() in listed:
            expected = KINDS.get(listed[own.name()])
            assert expected is None or own.typeName() == expected, own.name()


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_stand_ins_signals_are_those_of_the_real_class(name: str) -> None:
    listed = {text.partition("(")[0] for text in facts.listing()[name].get("signals", [])}
    own = declared_signals(ALL[name].staticMetaObject)
    assert set(own) <= listed, "a signal that the real class does not have"
    for signal, signatures in own.items():
        real = [s for s in facts.listing()[name]["signals"] if s.partition("(")[0] == signal]
        counts = {s.count(",") + ("()" not in s) for s in real}
        assert {s.count(",") + ("()" not in s) for s in signatures} == counts, signal


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_a_stand_in_has_besides_cannot_be_seen_from_python(name: str) -> None:
    native, wrapper = ALL[name], wrapper_class(ALL[name])
    hidden = [n for n in vars(native) if not facts.is_listed(native, n) and not n.startswith("_")]
    inherited = {n for base in wrapper.__mro__[1:] for n in vars(base)}
    assert not [n for n in hidden if hasattr(wrapper, n) and n not in inherited]


def test_every_property_of_a_stand_in_is_one_of_the_real_class() -> None:
    invented = [
        f"{name}.{member}"
        for name, native in ALL.items()
        for member, value in vars(native).items()
        if isinstance(value, Property) and not facts.is_listed(native, member)
    ]
    assert invented == []


def test_a_member_that_only_the_real_class_has_says_so(a_slicer: Any) -> None:
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    with pytest.raises(NotImplementedError, match="sortFilterProxyModel exists in Slicer"):
        selector.sortFilterProxyModel()
    with pytest.raises(AttributeError, match="qMRMLNodeComboBox has no attribute named 'setNodeTypes'"):
        selector.setNodeTypes(["vtkMRMLModelNode"])
    with pytest.raises(AttributeError, match=r"It has currentNodeChanged\(vtkMRMLNode\*\)"):
        selector.connect("currentNodeChanged(QString)", print)
