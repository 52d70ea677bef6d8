"""An engine holds the volumes it was sent, within its memory, and refuses what no model can read."""

from __future__ import annotations

import numpy as np
import pytest
from engine_cases import N_SLICES, VOLUME, a_request, a_volume, an_engine, an_engine_with, answer_of

from SAMLesionLib.engine import Engine
from SAMLesionLib.errors import ImageError, RequestTooLarge, VolumeNotLoaded
from SAMLesionLib.masks import collect
from SAMLesionLib.volume import Volume


def test_a_volume_that_was_not_sent_is_asked_for() -> None:
    with pytest.raises(VolumeNotLoaded, match="Send it, then ask again"):
        next(an_engine().segment(a_request(VOLUME)))


def test_an_unloaded_volume_is_forgotten_with_its_embeddings(engine: Engine) -> None:
    answer_of(engine)
    engine.unload_volume(VOLUME.volume_id)
    with pytest.raises(VolumeNotLoaded):
        next(engine.segment(a_request(VOLUME)))
    engine.load_volume(VOLUME)
    assert answer_of(engine)[1].n_encoded == N_SLICES
    engine.unload_volume("never seen")


def test_an_answer_at_work_outlives_its_volume(engine: Engine) -> None:
    expected, _ = answer_of(engine)
    answer = engine.segment(a_request(VOLUME))
    first = next(answer)
    engine.unload_volume(VOLUME.volume_id)
    assert np.array_equal(collect([first, *answer], VOLUME.shape_ijk)[0], expected)


def test_the_least_recently_used_volume_goes_when_room_is_needed() -> None:
    volumes = [a_volume(seed=seed) for seed in range(3)]
    engine = an_engine(volumes_bytes=int(2.5 * VOLUME.voxels.nbytes))
    for volume in volumes[:2]:
        engine.load_volume(volume)
    next(engine.segment(a_request(volumes[0])))
    engine.load_volume(volumes[2])
    with pytest.raises(VolumeNotLoaded):
        next(engine.segment(a_request(volumes[1])))
    next(engine.segment(a_request(volumes[0])))
    next(engine.segment(a_request(volumes[2])))


def test_loading_again_costs_no_room() -> None:
    engine = an_engine(volumes_bytes=VOLUME.voxels.nbytes)
    assert engine.load_volume(VOLUME) == engine.load_volume(a_volume(name="again")) == VOLUME.volume_id
    next(engine.segment(a_request(VOLUME)))


def test_a_volume_larger_than_all_room_is_refused_and_drives_nothing_out() -> None:
    engine = an_engine_with(VOLUME, volumes_bytes=VOLUME.voxels.nbytes)
    with pytest.raises(RequestTooLarge, match=r"large takes .* GiB.*Crop it around the lesion\."):
        engine.load_volume(a_volume((40, 40, 40), name="large"))
    next(engine.segment(a_request(VOLUME)))


@pytest.mark.parametrize(
    ("value", "sentence"), [(np.nan, "not finite numbers"), (np.inf, "not finite"), (None, "is constant")]
)
def test_a_volume_that_no_model_can_read_is_refused(value: float | None, sentence: str) -> None:
    voxels = np.zeros((4, 8, 8), np.float32)
    voxels[1, 2, 3] = value or 0
    with pytest.raises(ImageError, match=sentence):
        an_engine().load_volume(Volume(voxels))
