"""The network, the augmentation and the optimizer's parts."""

import json

import numpy as np
import pytest
import torch

from model.training import data, fit, job
from model.training.evaluation import Calibration
from model.training.network import STARTER, Classifier, Network, load_starter


def test_classifier_gives_the_same_probabilities_for_an_image_and_its_mirror():
    torch.manual_seed(0)
    classifier = Classifier(Network(3), Calibration(1.5, None)).eval()
    images = torch.randint(0, 256, (5, 16, 16, 3), dtype=torch.uint8)
    with torch.no_grad():
        probabilities, _ = classifier(images)
        mirrored, _ = classifier(images.flip(2))
    torch.testing.assert_close(probabilities.sum(1), torch.ones(5))
    torch.testing.assert_close(probabilities, mirrored)


def test_whitened_stem_answers_with_uncorrelated_filters_of_unit_variance():
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(200, 3, 8, 8, generator=generator) * 255
    images = torch.nn.functional.interpolate(coarse, size=16, mode="bilinear")
    network = Network(2)
    network.whiten(images)
    with torch.no_grad():
        answers = network.stem((images - network.mean) / network.std)
    answers = answers.transpose(0, 1).flatten(1)
    torch.testing.assert_close(answers[:12], -answers[12:])
    spread = answers[:12] @ answers[:12].T / answers.shape[1]
    # The smallest directions stay below 1: they are held down so as not to amplify noise.
    off_diagonal = spread - spread.diag().diag()
    assert off_diagonal.abs().max() < 1e-2
    assert spread.diag().max() <= 1.001
    assert spread.diag().median() > 0.8
    assert not network.stem.weight.requires_grad


def test_crop_and_flip_keeps_shape_and_type_and_shows_only_shifted_or_mirrored_pixels():
    side, pad = 16, fit.CROP_PIXELS
    padded = torch.randint(0, 256, (40, 3, side + 2 * pad, side + 2 * pad), dtype=torch.uint8)
    crops = fit.crop_and_flip(padded, torch.Generator().manual_seed(1))
    assert crops.shape == (40, 3, side, side)
    assert crops.dtype == torch.uint8
    places, mirrored = set(), 0
    for image, crop in zip(padded, crops, strict=True):
        windows = image.unfold(1, side, 1).unfold(2, side, 1).permute(1, 2, 0, 3, 4)
        straight = (windows == crop).flatten(2).all(2).nonzero().tolist()
        turned = (windows == crop.flip(2)).flatten(2).all(2).nonzero().tolist()
        assert len(straight) + len(turned) == 1
        mirrored += len(turned)
        places.update(map(tuple, straight + turned))
    assert 5 < mirrored < 35
    assert len(places) > 20


def test_sharpness_varies_and_a_plain_image_stays_as_it_is():
    generator = torch.Generator().manual_seed(0)
    plain = torch.full((4, 3, 16, 16), 77.0)
    torch.testing.assert_close(fit.vary_sharpness(plain, generator), plain)
    noise = torch.rand(200, 3, 16, 16, generator=generator) * 255
    contrast = fit.vary_sharpness(noise, generator).std((1, 2, 3)) / noise.std((1, 2, 3))
    assert contrast.min() < 0.5
    assert contrast.max() > 1.2


def test_fields_reach_from_plain_colours_to_noise():
    generator = torch.Generator().manual_seed(0)
    fields = torch.cat([fit.draw_fields(8, 16, generator) for _ in range(50)])
    assert fields.min() >= 0
    assert fields.max() <= 255
    steps = fields.diff(dim=3).abs().mean((1, 2, 3))
    assert steps.min() == 0
    assert steps.max() > 40


def test_the_hardest_strangers_are_those_most_surely_taken_for_a_class(monkeypatch):
    monkeypatch.setattr(fit, "HARDEST", 3)

    def network(images: torch.Tensor) -> torch.Tensor:
        """The brighter within its edges, the more surely of class 0 or 1, by the red in it."""
        bright = images.float().mean((1, 2, 3))
        return torch.stack([bright * images[:, 0, 0, 0], bright, torch.full_like(bright, 9)], 1)

    strangers = torch.full((8, 3, 24, 24), 200, dtype=torch.uint8)  # bright at the edges alone
    strangers[:, :, 4:-4, 4:-4] = 0
    strangers[2, :, 4:-4, 4:-4] = 20
    strangers[5, 1:, 4:-4, 4:-4] = 30
    strangers[7, :, 4:-4, 4:-4] = 12
    assert set(fit.find_hardest(network, strangers).tolist()) == {2, 5, 7}


def test_most_strangers_are_hard_ones_once_these_are_known(monkeypatch):
    seen = []

    def record(padded: torch.Tensor, _generator: torch.Generator) -> torch.Tensor:
        seen.append((padded[16:, 0, 0, 0] == 200).float().mean().item())
        return padded[:, :, 4:-4, 4:-4]

    monkeypatch.setattr(fit, "crop_and_flip", record)
    monkeypatch.setattr(fit, "find_hardest", lambda *_: torch.tensor([7]))
    strangers = np.zeros((1000, 16, 16, 3), np.uint8)
    strangers[7] = 200
    labels = np.arange(32) % 2
    train = data.Dataset(np.zeros((32, 16, 16, 3), np.uint8), labels, ["a", "b"], strangers)
    fit.fit(
        train,
        None,
        epochs=5,
        batch_size=16,
        learning_rate=0.04,
        label_smoothing=0.1,
        seed=0,
        device=torch.device("cpu"),
    )
    assert len(seen) == 10
    assert seen[0] < 0.5 < min(seen[1:])


def test_a_network_adopts_all_of_another_but_its_last_layer_and_holds_the_first_stage_fixed():
    torch.manual_seed(0)
    other, network = Network(10), Network(2)
    other.mean.fill_(120)
    head = network.head.weight.detach().clone()
    network.adopt(other.state_dict())
    adopted, original = network.state_dict(), other.state_dict()
    for name in set(original) - {"head.weight", "head.bias"}:
        assert torch.equal(adopted[name], original[name])
    assert torch.equal(network.head.weight, head)
    fixed = {name for name, value in network.named_parameters() if not value.requires_grad}
    assert {name.rpartition(".")[0].removesuffix("_norm") for name in fixed} == {
        "stem",
        "stages.0.widen",
        "stages.0.residual",
    }


def test_weights_of_another_network_are_refused():
    other = Network(10).state_dict()
    other["stages.1.widen.weight"] = torch.zeros(64, 16, 3, 3)
    with pytest.raises(data.JobError, match="of another network"):
        Network(2).adopt(other)


def test_the_starter_weights_are_those_described_and_fit_the_network():
    assert STARTER.stat().st_size <= 1_000_000
    starter = load_starter(STARTER)
    described = json.loads(STARTER.with_suffix(".json").read_text())
    assert starter.digest == described["sha256"]
    assert described["photos"] == 40_000
    assert all(torch.isfinite(value).all() for value in starter.weights.values())
    Network(2).adopt(starter.weights)


@pytest.mark.parametrize(
    ("start", "photos", "epochs"),
    [("starter", 640, 25), ("starter", 100_000, 10), ("starter", 8, 100), ("scratch", 640, 80)],
)
def test_more_photos_are_gone_over_less_often(start, photos, epochs):
    assert job.choose_epochs(job.RECIPES[start], photos) == epochs


def test_cut_out_blanks_a_square_of_its_own_in_each_image():
    images = torch.randint(0, 100, (200, 3, 32, 32), dtype=torch.uint8)
    cut = fit.cut_out(images, torch.Generator().manual_seed(0))
    assert cut.dtype == torch.uint8
    blank = (cut == fit.CUTOUT_GREY).all(1)
    assert torch.equal(cut[~blank[:, None].expand_as(cut)], images[~blank[:, None].expand_as(cut)])
    places = set()
    for square in blank:
        rows, columns = square.any(1).nonzero()[:, 0], square.any(0).nonzero()[:, 0]
        assert square.sum() == len(rows) * len(columns) >= 1
        assert max(len(rows), len(columns)) <= fit.CUTOUT_PIXELS
        places.add((rows[0].item(), columns[0].item()))
    assert (blank.sum((1, 2)) == fit.CUTOUT_PIXELS**2).float().mean() > 0.3
    assert len(places) > 100


@pytest.mark.parametrize("shape", [(8, 20), (20, 8)])
def test_orthogonalize_brings_singular_values_near_one(shape):
    torch.manual_seed(0)
    singular = torch.linalg.svdvals(fit.orthogonalize(torch.randn(shape), steps=8))
    assert singular.min() > 0.6
    assert singular.max() < 1.3
